/*
 * json - JSON is written, value by value, into a stream; commas are the writer's care.
 *
 * Bytes of a text that are no UTF-8 come out as U+FFFD.  Any thread, one at a time for each struct
 * json.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json {
	FILE *to;   /* borrowed */
	bool comma; /* one belongs before the next value */
};

/* Begin; nothing is written yet. */
void json_init(struct json *j, FILE *to);

/* In an object every value has a name; in an array, and as the outermost, it is NULL. */
void json_open_object(struct json *j, const char *name);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *name);
void json_close_array(struct json *j);

/* A value; a text that is NULL writes null. */
void json_text(struct json *j, const char *name, const char *text);
void json_number(struct json *j, const char *name, uint64_t value);
void json_real(struct json *j, const char *name, double value); /* three decimals; NaN is null */
void json_bool(struct json *j, const char *name, bool value);

/* A value that is JSON already; its line breaks become spaces. */
void json_raw(struct json *j, const char *name, const char *text, size_t len);

/* An object on a line of its own that begins with {"event":"..."; the end flushes. */
void json_begin(struct json *j, FILE *to, const char *event);
void json_end(struct json *j);

#ifdef __cplusplus
}
#endif

#endif
