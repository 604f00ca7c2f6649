/*
 * json_view - reads a JSON text in place.
 *
 * A view is a value in a text that json_view_init() has validated; it is valid as long as the text.
 * Nothing is allocated.  Any thread.
 */
#ifndef BASE_JSON_VIEW_H
#define BASE_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The deepest nesting of objects and arrays; a deeper text is refused. */
#define JSON_VIEW_DEPTH_MAX 32

struct json_view {
	const char *at;  /* the value's first byte */
	const char *end; /* of the text */
};

/* The whole text.  False when it is not one JSON value, or too deep. */
bool json_view_init(struct json_view *v, const char *text, size_t len);

/* The first value with this name in an object.  False when v is not an object, or has none.  name
 * is compared with the raw text, in which escapes are not decoded. */
bool json_view_member(const struct json_view *v, const char *name, struct json_view *out);

/* Iterate over the elements of an array: first, then next until false.  first is also false when v
 * is not an array. */
bool json_view_first(const struct json_view *v, struct json_view *out);
bool json_view_next(struct json_view *element);

/* The number, or otherwise when v is not a number. */
double json_view_number(const struct json_view *v, double otherwise);
bool json_view_is_true(const struct json_view *v);

/*
 * Copy the text, with escapes decoded, cut to cap; NUL, control characters and unpaired surrogates
 * become '?'.  False, with out empty, when v is not a text.
 */
bool json_view_text(const struct json_view *v, char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
