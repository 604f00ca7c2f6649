/*
 * rounds - the sending half of the channel: a round pushes to the targets that are due, side by
 * side, each in a thread of its own, so that one that is slow or hangs holds up no other.
 *
 * Several rounds can run at a time, each to other targets.  Main thread.
 */
#ifndef HEAL_ROUNDS_H
#define HEAL_ROUNDS_H

#include "entropy/dynentropy.h"
#include "heal/allow.h"
#include "heal/due.h"
#include "heal/guard.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"

#include <event2/event.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many targets are pushed to at a time: each has a thread, its buffers and a scan. */
#define HEAL_ROUNDS_SIDE_BY_SIDE 4

/* All of it is borrowed. */
struct heal_rounds_options {
	struct event_base *base;
	const struct heal_settings *settings;
	const struct heal_targets *targets;
	struct heal_allow *allow;       /* looked up again as pushes begin */
	const struct heal_guard *guard; /* copied for each push */
	struct heal_ledger *ledger;     /* records each push and each round */
	dyn_entropy_cancel *cancel;     /* ends what runs */
	/* A push has ended and the next one to its target may begin.  May be NULL. */
	void (*ended)(void *arg, size_t target, enum heal_due_end end);
	void *ended_arg;
};

struct heal_rounds;

/* NULL, with a message logged, on failure. */
struct heal_rounds *heal_rounds_new(const struct heal_rounds_options *options);
void heal_rounds_free(struct heal_rounds *r); /* nothing may run */

/*
 * Begin a round to these targets (targets->n_sent flags), of which none may be busy.  Those that
 * HEAL_ROUNDS_SIDE_BY_SIDE leaves no room for wait; among them those that failed last come last.
 */
void heal_rounds_begin(struct heal_rounds *r, const bool *due);

/* Whether a target is being pushed to, or waits for its turn; whether any is. */
bool heal_rounds_is_busy(const struct heal_rounds *r, size_t target);
bool heal_rounds_is_running(const struct heal_rounds *r);

/* Begin nothing more, wait for the end of what runs, and log it. */
void heal_rounds_join(struct heal_rounds *r);

#ifdef __cplusplus
}
#endif

#endif
