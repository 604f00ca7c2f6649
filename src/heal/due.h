/*
 * due - when each target is to be pushed to: soon after its node is back, again after a failure,
 * and never twice for the same reason.
 *
 * Plain values without I/O, threads or a clock; times are monotonic, in milliseconds.  A push
 * serves every reason that was there when it began.
 */
#ifndef HEAL_DUE_H
#define HEAL_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first wait after a failure or a return; it doubles up to the interval. */
#define HEAL_DUE_FIRST_MS 1000

#define HEAL_DUE_NEVER INT64_MAX

/* How a push ended. */
enum heal_due_end {
	HEAL_DUE_COMPLETE,
	/* Everything was sent, but the target refuses some of it: that is not tried again before
	 * the interval, for it would be refused again. */
	HEAL_DUE_REFUSED,
	HEAL_DUE_FAILED,
};

struct heal_due_target {
	int64_t at_ms;     /* when it is due; HEAL_DUE_NEVER: not before the interval */
	int64_t again_ms;  /* when its push is repeated; HEAL_DUE_NEVER: it is not */
	int64_t back_ms;   /* when its node was back last */
	unsigned returns;  /* of its node, each within an interval after the one before */
	unsigned failures; /* pushes in a row that failed */
	bool busy;         /* from heal_due_began() to heal_due_ended() */
	bool held;         /* it stays due, but is not pushed to */
};

struct heal_due {
	int64_t interval_ms;
	int64_t settle_ms; /* a push after a return is repeated after this; 0: never */
	uint64_t random;   /* state of the jitter */
	size_t n;
	struct heal_due_target targets[];
};

/* n targets, none of which is due; seed makes the jitter.  NULL when memory is short; free(3). */
struct heal_due *heal_due_new(size_t n, int64_t interval_ms, int64_t settle_ms, uint64_t seed);

/* All targets are due now: the interval, or a request.  One that is busy is not: it is served. */
void heal_due_all(struct heal_due *d, int64_t now_ms);

/*
 * The target's node is back after being down, so it may have missed writes: due in a moment, but
 * later and later for a node that comes and goes.
 */
void heal_due_back(struct heal_due *d, size_t target, int64_t now_ms);

void heal_due_began(struct heal_due *d, size_t target, int64_t now_ms);
void heal_due_ended(struct heal_due *d, size_t target, enum heal_due_end end, int64_t now_ms);

/* Hold a target, or let it go: what was due meanwhile is due then. */
void heal_due_hold(struct heal_due *d, size_t target, bool held);

/* Whether it is to be pushed to now; never while it is busy or held. */
bool heal_due_is(const struct heal_due *d, size_t target, int64_t now_ms);

/* When the first of them is due, HEAL_DUE_NEVER: none is. */
int64_t heal_due_next_ms(const struct heal_due *d);

#ifdef __cplusplus
}
#endif

#endif
