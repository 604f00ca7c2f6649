/*
 * reply - a view of one whole reply, whose bytes are in one piece or in a queue.
 *
 * A plain value that owns nothing.  Event loop's thread.
 */
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include "base/buf.h"
#include "proxy/outq.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reply {
	const uint8_t *bytes; /* NULL: they are in queue */
	size_t len;           /* of the reply, in either case */
	struct outq *queue;   /* holds nothing else; the receiver of the reply may empty it */
};

static inline struct reply reply_of_bytes(const void *bytes, size_t len)
{
	return (struct reply){.bytes = (const uint8_t *)bytes, .len = len, .queue = NULL};
}

static inline struct reply reply_of_queue(struct outq *queue)
{
	return (struct reply){.bytes = NULL, .len = queue->bytes, .queue = queue};
}

/* Append it to a queue, emptying its own.  False, with nothing appended, when out of memory. */
bool reply_move(const struct reply *r, struct outq *to);

/* The same reply in one piece: unchanged, or copied into room, which the caller must release in any
 * case.  False when out of memory. */
bool reply_in_one_piece(const struct reply *r, struct buf *room, struct reply *whole);

#ifdef __cplusplus
}
#endif

#endif
