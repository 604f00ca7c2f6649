/*
 * resp_write - writes requests and replies in RESP2 or RESP3.
 *
 * Types that RESP2 lacks are written as Redis does for RESP2 clients: a map as an array of its keys
 * and values, a double as a string, and so on.  A function returns false, with nothing appended,
 * when out of memory.  Any thread.
 */
#ifndef PROTO_RESP_WRITE_H
#define PROTO_RESP_WRITE_H

#include "base/buf.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum resp_version {
	RESP_2 = 2,
	RESP_3 = 3,
};

struct resp_writer {
	struct buf *out;
	enum resp_version version;
};

/* A writer of RESP2, for other nodes and the datastore. */
static inline struct resp_writer resp_writer_2(struct buf *out)
{
	return (struct resp_writer){.out = out, .version = RESP_2};
}

/* "+text"; it has no CR or LF. */
bool resp_write_status(const struct resp_writer *w, const char *text);

/* "-text", which begins with the error code: "ERR syntax error".  Control characters become blanks,
 * and a text longer than RESP_ERROR_MAX is cut. */
bool resp_write_error(const struct resp_writer *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define RESP_ERROR_MAX 512 /* bytes of an error with its CRLF */

/* The same line, in memory of the caller, so that nothing is allocated.  The second form puts kind
 * ("ERR ") before the text.  Returns the length. */
size_t resp_write_error_line(char line[RESP_ERROR_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
size_t resp_write_error_line_v(char line[RESP_ERROR_MAX], const char *kind, const char *fmt,
	va_list args) __attribute__((format(printf, 3, 0)));

/* ":value". */
bool resp_write_integer(const struct resp_writer *w, int64_t value);

/* A string of any bytes, or of a text. */
bool resp_write_bulk(const struct resp_writer *w, const void *bytes, size_t len);
bool resp_write_text(const struct resp_writer *w, const char *text);

/* The null string; the null array. */
bool resp_write_null(const struct resp_writer *w);
bool resp_write_null_array(const struct resp_writer *w);

/* The header of an aggregate of n elements, or n pairs; the elements must follow. */
bool resp_write_array(const struct resp_writer *w, size_t n);
bool resp_write_map(const struct resp_writer *w, size_t n);
bool resp_write_set(const struct resp_writer *w, size_t n);
bool resp_write_push(const struct resp_writer *w, size_t n); /* RESP2: as an array */

/* With enough digits to be read back exactly; RESP2: as a string. */
bool resp_write_double(const struct resp_writer *w, double value);

/* RESP2: 1 or 0. */
bool resp_write_boolean(const struct resp_writer *w, bool value);

/* A decimal of any length, perhaps with a sign; RESP2: as a string. */
bool resp_write_big_number(const struct resp_writer *w, const char *digits);

/* A text with a format, "txt" or "mkd"; RESP2: as a string, without the format. */
bool resp_write_verbatim(
	const struct resp_writer *w, const char format[4], const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
