/*
 * healer - the entropy channel as a node runs it: its receiver, a round to all peers on a timer,
 * and one to a peer that is back.
 *
 * It uses the library's public door alone.  Main thread; the receiver has a thread of its own with
 * its workers, a round another.
 */
#ifndef HEAL_HEALER_H
#define HEAL_HEALER_H

#include "conf/conf.h"
#include "entropy/dynentropy.h"
#include "heal/figures.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct healer_options {
	struct event_base *base;
	const struct conf *conf;
	const struct heal_settings *settings; /* heal_settings_init() found it good */
	dyn_entropy_cancel *cancel;           /* set when the healer stops */
	const struct heal_targets *targets;   /* who is pushed to, and what */
};

#define HEALER_ALL SIZE_MAX

struct healer;

/* Binds the receiver.  NULL, with a message logged, on failure.  All that options names is
 * borrowed. */
struct healer *healer_new(const struct healer_options *options);

/* The receiver serves, the timer runs.  False, with a message logged, on failure. */
bool healer_start(struct healer *h);

/* A round to all peers: the first, and any that is wanted out of turn.  False when one runs
 * already, or there is no peer. */
bool healer_run_now(struct healer *h);

/* A round to one peer, or to HEALER_ALL, in a moment, together with those wanted meanwhile; after
 * the round that runs, if one does. */
void healer_run_soon(struct healer *h, size_t peer);

/* Everything stops, mid-transfer too, within a second: healer_begin_stop() tells all that runs,
 * healer_stop() waits for its end, too.  Harmless when nothing of it runs. */
void healer_begin_stop(struct healer *h);
void healer_stop(struct healer *h);
void healer_free(struct healer *h);

/* Its part of the counters. */
void healer_count(struct healer *h, struct figures_entropy *s);

/* What it did with each peer and each sender.  Lives as long as the healer. */
struct heal_ledger *healer_ledger(struct healer *h);

bool healer_is_running(const struct healer *h);       /* a round is */
int64_t healer_next_round_ms(const struct healer *h); /* from now; -1: there is no peer */

#ifdef __cplusplus
}
#endif

#endif
