/*
 * outq - a queue of bytes to be written to a socket, in chunks, so that large values are not moved.
 *
 * A zeroed struct is an empty queue.  Empty chunks go to a pool shared by all queues, to save
 * allocations.  Event loop's thread.
 */
#ifndef PROXY_OUTQ_H
#define PROXY_OUTQ_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct outq_chunk;

struct outq {
	SLIST_HEAD(, outq_chunk) chunks;
	struct outq_chunk *last; /* of them; zero is empty: no STAILQ */
	size_t bytes;            /* in the queue */
};

/* Append a copy of bytes.  False, with nothing appended, when out of memory. */
bool outq_append(struct outq *q, const void *bytes, size_t len);

/* Move all of from to the end; from is empty afterwards.  Small amounts are copied into the last
 * chunk, if it has room. */
void outq_splice(struct outq *q, struct outq *from);

/* Append a copy of all bytes to a buffer.  False when out of memory. */
bool outq_copy(const struct outq *q, struct buf *to);

/* Write as much as the socket takes, and return that.  0 when it takes nothing now, -1 with errno
 * when it fails. */
ssize_t outq_write(struct outq *q, int fd);

/* Drop all bytes. */
void outq_clear(struct outq *q);

/* Release the pool, at the end of the program. */
void outq_drain_pool(void);

#ifdef __cplusplus
}
#endif

#endif
