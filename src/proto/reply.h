/*
 * reply - finds the end of a RESP2 reply.
 *
 * The scanner takes the bytes of a connection in pieces of any size and finds the end of the
 * current reply, whatever its type; it stores only counts.  Any thread, one scanner per connection.
 */
#ifndef PROTO_REPLY_H
#define PROTO_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REPLY_BULK_MAX  ((uint64_t)512 * 1024 * 1024) /* bytes of one string */
#define REPLY_ITEMS_MAX ((uint64_t)UINT32_MAX)        /* elements of one array */
#define REPLY_LINE_MAX                                                                             \
	64 /* bytes of a line with a number; a status or error may be as long as a string */

enum reply_result {
	REPLY_MORE, /* all bytes were consumed, the reply is incomplete */
	REPLY_DONE, /* it ends at *used */
	REPLY_BAD,  /* not RESP2 */
};

struct reply_scanner {
	char type; /* the reply's first byte (+ - : $ *), 0 before it arrived */
	/* Private. */
	char item; /* type of the current item */
	uint8_t state;
	bool within; /* its type was read */
	bool negative;
	uint8_t digits; /* of number */
	uint64_t number;
	uint64_t left;  /* bytes of a string or line still to skip */
	uint64_t items; /* items after the current one, of arrays at any depth */
};

/* A zeroed struct is ready; after REPLY_DONE it is ready for the next reply (type stays until
 * then). After REPLY_BAD it returns REPLY_BAD for ever. */
enum reply_result reply_scan(
	struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *used);

/* The value of a whole integer reply; false for another type. */
bool reply_integer(const uint8_t *bytes, size_t len, int64_t *value);

/* The number of elements of a whole array reply, with the first at *used; false for another type,
 * or the null array. */
bool reply_array(const uint8_t *bytes, size_t len, uint64_t *n, size_t *used);

/* The string at the start of a reply, with what follows it at *used; *value is NULL for the null
 * string.  False for another type. */
bool reply_string(
	const uint8_t *bytes, size_t len, const uint8_t **value, size_t *value_len, size_t *used);

#ifdef __cplusplus
}
#endif

#endif
