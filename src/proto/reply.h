/*
 * reply - where a reply in RESP2 ends.
 *
 * The scanner is fed the bytes of a connection in pieces of any size and says where the current
 * reply ends, whatever it holds; nothing is copied or kept but counts.  Any thread, one scanner per
 * connection.
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
	64 /* bytes of a number's line; a status or error may be as long as a string */

enum reply_result {
	REPLY_MORE, /* all was taken, the reply goes on */
	REPLY_DONE, /* it ends at *used */
	REPLY_BAD,  /* not RESP2 */
};

struct reply_scanner {
	char type; /* the reply's first byte, valid once it was seen: + - : $ * */
	/* Private. */
	char item; /* the first byte of what is being passed */
	uint8_t state;
	bool within; /* its first byte was seen */
	bool negative;
	uint8_t digits; /* of number */
	uint64_t number;
	uint64_t left;  /* bytes of a string or line still to pass */
	uint64_t items; /* still to come behind the present one, of arrays at any depth */
};

/* A zeroed struct is ready; after REPLY_DONE it is ready for the next reply (type stays until
 * then).  After REPLY_BAD it stays so. */
enum reply_result reply_scan(
	struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *used);

/* The value of a whole reply that is an integer; false when it is something else. */
bool reply_integer(const uint8_t *bytes, size_t len, int64_t *value);

/* The number of elements of a whole reply that is an array (not the null array), the first of which
 * begins at *used; false when it is something else. */
bool reply_array(const uint8_t *bytes, size_t len, uint64_t *n, size_t *used);

#ifdef __cplusplus
}
#endif

#endif
