/*
 * healer - the entropy channel as a node runs it: its receiver, a round to all targets on a timer,
 * and one to those that missed writes when a node of the ring is back.
 *
 * It uses only the library's public header.  Main thread; the receiver and its workers have their
 * own threads, and so has a push.
 */
#ifndef HEAL_HEALER_H
#define HEAL_HEALER_H

#include "entropy/dynentropy.h"
#include "heal/figures.h"
#include "heal/handover.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"
#include "journal/recent.h"
#include "journal/state.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct healer_options {
	struct event_base *base;
	const struct heal_settings *settings; /* checked by heal_settings_init() */
	const struct heal_targets *targets;   /* who is pushed to, and what */
	const struct recent *recent;          /* keys written through this node; NULL: unknown */
	struct state *state;                  /* of this node; NULL: it serves no clients */
	dyn_entropy_cancel *cancel;           /* set when the healer stops */
	/* Takes connections of version 2 of the protocol, which recon_protocol allows, in the
	 * event loop.  NULL: they are refused. */
	heal_handover_take_fn take_version_2;
	void *take_version_2_arg;
	/* Whether a node of the ring is sent rounds at this time; see healer_look_again().  NULL:
	 * every target is. */
	bool (*takes_rounds)(void *arg, size_t node);
	/* Ask for what the others do instead.  NULL: nothing. */
	void (*run_sessions)(void *arg);
	void *arg;
};

struct healer;

/* Binds the receiver.  NULL, with a message logged, on failure.  What options points to is
 * borrowed. */
struct healer *healer_new(const struct healer_options *options);

/* Start the receiver and the timer.  False, with a message logged, on failure. */
bool healer_start(struct healer *h);

/* Begin a round now to all targets that are not being pushed to, and sessions with those that take
 * no rounds.  False when there is nothing to begin. */
bool healer_run_now(struct healer *h);

/* A node of the ring (by its place in it) that was down is back: a round, in a moment, to the
 * targets that missed writes meanwhile. */
void healer_node_back(struct healer *h, size_t node);

/* Other nodes take rounds than before: those that were asked for meanwhile begin. */
void healer_look_again(struct healer *h);

/* Stop everything within a second, mid-transfer too: healer_begin_stop() asks all threads to stop,
 * healer_stop() also waits for them.  Harmless when nothing runs. */
void healer_begin_stop(struct healer *h);
void healer_stop(struct healer *h);
void healer_free(struct healer *h);

/* Totals since the start, and when the next round begins. */
void healer_figures(struct healer *h, struct heal_figures *out);
void healer_schedule(const struct healer *h, struct heal_schedule_figures *out);

/* What this node keeps on disk; NULL: nothing. */
const struct state *healer_state(const struct healer *h);

/* What was done with each target and each sender.  Lives as long as the healer. */
struct heal_ledger *healer_ledger(struct healer *h);

#ifdef __cplusplus
}
#endif

#endif
