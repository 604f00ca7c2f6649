/*
 * sink_undo - take a restored key out again.
 *
 * A key was written, deleted perhaps, about when it was restored: which came first is unknown.  If
 * the delete did, the key has to go; if a write came later, what it left has to stay.  So the key
 * goes if its value is still the one that was restored.
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

#define SINK_FOOTER_BYTES                                                                          \
	10 /* the last of a DUMP payload: its RDB version, and a checksum of it all */

/* What tells one payload from another. */
struct sink_payload {
	uint64_t len;
	uint8_t type; /* its first byte */
	uint8_t footer[SINK_FOOTER_BYTES];
};

/*
 * Unlink the key unless its value is another than the payload's, in one transaction.  *gone says
 * whether the key is not there any more.  Nothing may be under way on conn.
 */
enum dyn_entropy_status sink_undo(struct redis_conn *conn, const void *key, size_t key_len,
	const struct sink_payload *payload, bool *gone, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
