/*
 * quorum - decides when enough replicas have answered, and which answer the client gets.
 *
 * No I/O: the proxy passes in each answer and failure, and gets a verdict.
 *
 *   dc_quorum            a majority of the local datacenter's racks has answered
 *   dc_safe_quorum       a majority of the local datacenter's racks gave the same answer
 *   dc_each_safe_quorum  that, in every datacenter
 *
 * dc_one needs no quorum: the local rack's answer is the result.
 *
 * An error reply is an answer like any other, unless the replica did not access the data
 * (REFUSAL_NO_ANSWER).  Event loop's thread.
 */
#ifndef PROXY_QUORUM_H
#define PROXY_QUORUM_H

#include "base/consistency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum quorum_verdict {
	QUORUM_WAIT,    /* not decided yet */
	QUORUM_REACHED, /* the client gets quorum_result() */
	QUORUM_FAILED,  /* can no longer be reached */
};

struct quorum; /* opaque: holds copies of the distinct answers */

/*
 * n_racks[d] replicas are asked in datacenter d; datacenter 0 is the local one, and its replica 0
 * the local rack's.  The level is not dc_one.  NULL when out of memory; release it with
 * quorum_free().
 */
struct quorum *quorum_new(enum consistency level, const size_t *n_racks, size_t n_dcs);
void quorum_free(struct quorum *q);

/*
 * A replica of datacenter dc answered, or failed (no connection, closed, refused, timed out).  Once
 * the verdict is not QUORUM_WAIT it does not change.  answer is copied if needed later.
 */
enum quorum_verdict quorum_answer(
	struct quorum *q, size_t dc, bool local_rack, const uint8_t *answer, size_t len);
enum quorum_verdict quorum_failure(struct quorum *q, size_t dc);

/* After QUORUM_REACHED: the answer for the client, owned by q.  The local rack's, if it is among
 * the agreeing ones. */
const uint8_t *quorum_result(const struct quorum *q, size_t *len);

/* After QUORUM_FAILED: the reason, such as "2 of 3 racks answered, 1 agreed", for the client's
 * error. Static, or owned by q. */
const char *quorum_why(const struct quorum *q);

/* The call has expired: the reason, as from quorum_why(), for the first datacenter without enough
 * answers.  Only while the verdict is QUORUM_WAIT. */
const char *quorum_expired(struct quorum *q);

#ifdef __cplusplus
}
#endif

#endif
