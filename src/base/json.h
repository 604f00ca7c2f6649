/*
 * json - writes JSON to a stream, value by value, with commas as needed.
 *
 * Bytes that are not UTF-8 are written as U+FFFD.  Any thread, one at a time for each struct json.
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
	bool comma; /* needed before the next value */
};

/* Initialise; writes nothing. */
void json_init(struct json *j, FILE *to);

/* name is that of a value in an object; NULL in an array and for the outermost value. */
void json_open_object(struct json *j, const char *name);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *name);
void json_close_array(struct json *j);

/* Write a value; a NULL text is written as null. */
void json_text(struct json *j, const char *name, const char *text);
void json_number(struct json *j, const char *name, uint64_t value);
void json_real(struct json *j, const char *name, double value); /* three decimals; NaN is null */
void json_bool(struct json *j, const char *name, bool value);

/* Write a value that is JSON already; line breaks become spaces. */
void json_raw(struct json *j, const char *name, const char *text, size_t len);

/* An object on its own line, beginning with {"event":"..."; json_end() flushes the stream. */
void json_begin(struct json *j, FILE *to, const char *event);
void json_end(struct json *j);

#ifdef __cplusplus
}
#endif

#endif
