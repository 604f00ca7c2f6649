/*
 * quorum - when the answers of the replicas are enough, and which of them the client gets.
 *
 * A plain value without I/O: the proxy tells it of every answer and failure, and it says what
 * follows.
 *
 *   dc_quorum            a majority of the local datacenter's racks has answered
 *   dc_safe_quorum       a majority of the local datacenter's racks gave the same answer
 *   dc_each_safe_quorum  that, in every datacenter
 *
 * With dc_one there is nothing to decide: what the local rack answers is the answer.
 *
 * An error reply is an answer like any other, unless nobody has looked at the data
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
	QUORUM_REACHED, /* answer/answer_len is what the client gets */
	QUORUM_FAILED,  /* cannot be reached any more */
};

struct quorum; /* opaque: holds copies of the distinct answers */

/*
 * n_racks[d] replicas are asked in datacenter d; datacenter 0 is the local one, and its replica 0
 * the local rack's.  The level is not dc_one.  NULL when memory is short.
 */
struct quorum *quorum_new(enum consistency level, const size_t *n_racks, size_t n_dcs);
void quorum_free(struct quorum *q);

/*
 * A replica of datacenter dc answered, or failed (no connection, closed, refused, timed out).  Once
 * the verdict is not QUORUM_WAIT it does not change.  answer is copied if it is still needed.
 */
enum quorum_verdict quorum_answer(
	struct quorum *q, size_t dc, bool local_rack, const uint8_t *answer, size_t len);
enum quorum_verdict quorum_failure(struct quorum *q, size_t dc);

/* After QUORUM_REACHED: the answer to give, which lives as long as q.  The local rack's if it is
 * among those that count. */
const uint8_t *quorum_result(const struct quorum *q, size_t *len);

/* After QUORUM_FAILED: "2 of 3 racks answered, 1 agreed" and the like, for the client's error.
 * Static or q's. */
const char *quorum_why(const struct quorum *q);

/* The time is up: why, as quorum_why() tells it, of the first datacenter that is short of answers.
 * Not for a verdict that has been given. */
const char *quorum_expired(struct quorum *q);

#ifdef __cplusplus
}
#endif

#endif
