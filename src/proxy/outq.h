/*
 * outq - bytes on their way to a socket, in chunks, so that nothing large is ever moved.
 *
 * A zeroed struct is an empty queue.  Chunks that were used up are kept for the next queue that
 * needs one, so a proxy at work does not allocate.  Event loop's thread.
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
	size_t bytes;            /* still to be written */
};

/* Copy bytes behind the end.  False when memory is short; nothing is appended then. */
bool outq_append(struct outq *q, const void *bytes, size_t len);

/* Move all of from behind the end; from is empty afterwards.  A little is copied into the last
 * chunk, if there is room. */
void outq_splice(struct outq *q, struct outq *from);

/* Copy all of it into a buffer, in one piece.  False when memory is short. */
bool outq_copy(const struct outq *q, struct buf *to);

/* Write what the socket takes.  -1 with errno when it fails; 0 when it takes nothing now. */
ssize_t outq_write(struct outq *q, int fd);

/* Drop all that it holds. */
void outq_clear(struct outq *q);

/* Release the chunks kept for reuse (at the end of the program). */
void outq_drain_pool(void);

#ifdef __cplusplus
}
#endif

#endif
