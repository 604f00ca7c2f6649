/*
 * healer - the entropy channel as a node runs it: its receiver, a round to all targets on a timer,
 * and one to those that missed writes when a node of the ring is back.
 *
 * It uses the library's public door alone.  Main thread; the receiver has a thread of its own with
 * its workers, a round another.
 */
#ifndef HEAL_HEALER_H
#define HEAL_HEALER_H

#include "entropy/dynentropy.h"
#include "heal/figures.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"
#include "journal/recent.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct healer_options {
	struct event_base *base;
	const struct heal_settings *settings; /* heal_settings_init() found it good */
	const struct heal_targets *targets;   /* who is pushed to, and what */
	const struct recent *recent;          /* keys written through this node; NULL: unknown */
	dyn_entropy_cancel *cancel;           /* set when the healer stops */
};

struct healer;

/* Binds the receiver.  NULL, with a message logged, on failure.  All that options names is
 * borrowed. */
struct healer *healer_new(const struct healer_options *options);

/* The receiver serves, the timer runs.  False, with a message logged, on failure. */
bool healer_start(struct healer *h);

/* A round to all targets: the first, and any that is wanted out of turn.  False when one runs
 * already, or there is no target. */
bool healer_run_now(struct healer *h);

/* A node of the ring that was down is back: a round, in a moment, to the targets that missed writes
 * meanwhile. */
void healer_node_back(struct healer *h, size_t node);

/* Everything stops, mid-transfer too, within a second: healer_begin_stop() tells all that runs,
 * healer_stop() waits for its end, too.  Harmless when nothing of it runs. */
void healer_begin_stop(struct healer *h);
void healer_stop(struct healer *h);
void healer_free(struct healer *h);

/* What it did, and when it does it again. */
void healer_figures(struct healer *h, struct heal_figures *out);
void healer_schedule(const struct healer *h, struct heal_schedule_figures *out);

/* What it did with each target and each sender.  Lives as long as the healer. */
struct heal_ledger *healer_ledger(struct healer *h);

#ifdef __cplusplus
}
#endif

#endif
