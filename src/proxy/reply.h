/*
 * reply - one whole reply as it is handed on, where its bytes are now: in one piece, or in a queue.
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
	const uint8_t *bytes; /* in one piece; NULL: it is in queue */
	size_t len;           /* of the reply, wherever it is */
	struct outq *queue;   /* nothing else is in it; whoever is handed the reply may empty it */
};

static inline struct reply reply_of_bytes(const void *bytes, size_t len)
{
	return (struct reply){.bytes = (const uint8_t *)bytes, .len = len, .queue = NULL};
}

static inline struct reply reply_of_queue(struct outq *queue)
{
	return (struct reply){.bytes = NULL, .len = queue->bytes, .queue = queue};
}

/* Put it behind the end of a queue, and take it from its own.  False when memory is short; nothing
 * is appended then. */
bool reply_move(const struct reply *r, struct outq *to);

/* The same reply in one piece: as it is, or copied into room, which the caller releases after use
 * in any case.  False when memory is short. */
bool reply_in_one_piece(const struct reply *r, struct buf *room, struct reply *whole);

#ifdef __cplusplus
}
#endif

#endif
