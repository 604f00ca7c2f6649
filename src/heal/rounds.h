/*
 * rounds - the sending half of the channel: a round pushes to the targets that are due, one after
 * the other, in a thread of its own.
 *
 * Main thread.
 */
#ifndef HEAL_ROUNDS_H
#define HEAL_ROUNDS_H

#include "entropy/dynentropy.h"
#include "heal/allow.h"
#include "heal/guard.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"

#include <event2/event.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long a start or a round waits for host names to be looked up. */
#define HEAL_ROUNDS_LOOKUP_MS 700

/* All of it is borrowed. */
struct heal_rounds_options {
	struct event_base *base;
	const struct heal_settings *settings;
	const struct heal_targets *targets;
	struct heal_allow *allow;   /* looked up again before each round */
	struct heal_guard *guard;   /* its opened_ms is set as each source is opened */
	struct heal_ledger *ledger; /* records each target's part and each round */
	dyn_entropy_cancel *cancel; /* ends a running round */
};

struct heal_rounds;

/* NULL, with a message logged, on failure. */
struct heal_rounds *heal_rounds_new(const struct heal_rounds_options *options);
void heal_rounds_free(struct heal_rounds *r); /* no round may run */

/* Begin a round to the targets that are due (targets->n_sent of them, copied).  False, with a
 * message logged, when no thread can be started.  No round may be running. */
bool heal_rounds_begin(struct heal_rounds *r, const bool *due);
bool heal_rounds_is_running(const struct heal_rounds *r);

/* Wait for the end of a running round, if any, and log it. */
void heal_rounds_join(struct heal_rounds *r);

#ifdef __cplusplus
}
#endif

#endif
