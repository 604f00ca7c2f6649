/*
 * sink_undo - remove a restored key again.
 *
 * The key was written or deleted at about the time it was restored; the order is unknown.  If a
 * delete came first, the key has to go; if a write came later, its result has to stay.  So the key
 * is removed if it still has the restored value.  One thread at a time.
 */
#ifndef ENTROPY_SINK_UNDO_H
#define ENTROPY_SINK_UNDO_H

#include "entropy/redis_conn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SINK_FOOTER_BYTES 10 /* the end of a DUMP payload: its RDB version and checksum */

/* What distinguishes payloads. */
struct sink_payload {
	uint64_t len;
	uint8_t type; /* its first byte */
	uint8_t footer[SINK_FOOTER_BYTES];
};

/* Keep in end the last size bytes of those that come piece by piece, of which these are the next.
 */
void sink_keep_end(uint8_t *end, size_t size, const uint8_t *bytes, size_t len);

/*
 * Unlink the key if it still has the payload's value, in one transaction.  *gone: the key no longer
 * exists.  Nothing may be queued or pending on conn.
 */
enum dyn_entropy_status sink_undo(struct redis_conn *conn, const void *key, size_t key_len,
	const struct sink_payload *payload, bool *gone, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
