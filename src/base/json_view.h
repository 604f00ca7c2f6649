/*
 * json_view - read a JSON text where it lies.
 *
 * A view is a value within a text that json_view_init() has found good; it lives as long as the
 * text.  Nothing is allocated.  Any thread.
 */
#ifndef BASE_JSON_VIEW_H
#define BASE_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects and arrays within each other; a deeper text is refused. */
#define JSON_VIEW_DEPTH_MAX 32

struct json_view {
	const char *at;  /* the value's first byte */
	const char *end; /* of the text */
};

/* The whole text.  False when it is not one JSON value, or too deep. */
bool json_view_init(struct json_view *v, const char *text, size_t len);

/* The value of this name in an object: the first, when there are several.  False when v is no
 * object, or has none.  name is compared with what stands in the text, escapes and all. */
bool json_view_member(const struct json_view *v, const char *name, struct json_view *out);

/* The elements of an array, one after the other: first, and then next until false.  False when v is
 * no array. */
bool json_view_first(const struct json_view *v, struct json_view *out);
bool json_view_next(struct json_view *element);

/* The number, or otherwise when it is none. */
double json_view_number(const struct json_view *v, double otherwise);
bool json_view_is_true(const struct json_view *v);

/*
 * Copy the text, its escapes resolved, cut to cap; what cannot stand in a C string (a NUL) or in a
 * line (a control character) becomes '?', as does the half of a surrogate pair.  False when it is
 * no text; out is empty then.
 */
bool json_view_text(const struct json_view *v, char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
