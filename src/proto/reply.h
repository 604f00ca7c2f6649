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

#define REPLY_DEPTH_MAX 32                            /* arrays within arrays */
#define REPLY_BULK_MAX  ((uint64_t)512 * 1024 * 1024) /* bytes of one string */
#define REPLY_LINE_MAX  64 /* bytes of a length or number line; a status or error may be longer */

enum reply_result {
	REPLY_MORE, /* all was taken, the reply goes on */
	REPLY_DONE, /* it ends at *used */
	REPLY_BAD,  /* not RESP2 */
};

struct reply_scanner {
	char type; /* the reply's first byte, valid once it was seen: + - : $ * */
	/* Private. */
	uint8_t state;
	uint8_t depth;
	bool negative;
	uint64_t number;
	uint64_t left;                   /* bytes of a string still to pass, with its CRLF */
	uint64_t items[REPLY_DEPTH_MAX]; /* elements still to come, by depth */
};

/* A zeroed struct is ready; after REPLY_DONE it is ready for the next reply (type stays until
 * then). */
enum reply_result reply_scan(
	struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *used);

#endif
