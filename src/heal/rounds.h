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

/* How long names may take to be looked up before a start or a round goes on without them. */
#define HEAL_ROUNDS_LOOKUP_MS 700

/* All of it is borrowed. */
struct heal_rounds_options {
	struct event_base *base;
	const struct heal_settings *settings;
	const struct heal_targets *targets;
	struct heal_allow *allow;   /* looked up again before each round */
	struct heal_guard *guard;   /* its opened_ms is set as each source is opened */
	struct heal_ledger *ledger; /* told of each target's part, and of each round */
	dyn_entropy_cancel *cancel; /* ends the round that runs */
};

struct heal_rounds;

/* NULL, with a message logged, on failure. */
struct heal_rounds *heal_rounds_new(const struct heal_rounds_options *options);
void heal_rounds_free(struct heal_rounds *r); /* no round may run */

/* Begin a round to those that are due, of targets->n_sent.  False, with a message logged, when
 * there is no thread for it.  None may run already. */
bool heal_rounds_begin(struct heal_rounds *r, const bool *due);
bool heal_rounds_is_running(const struct heal_rounds *r);

/* Wait for the end of the round that runs, if one does. */
void heal_rounds_join(struct heal_rounds *r);

#ifdef __cplusplus
}
#endif

#endif
