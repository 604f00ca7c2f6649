/*
 * healer - the entropy channel as a node runs it: its receiver, and a round to all peers on a
 * timer.
 *
 * It uses the library's public door alone.  Main thread; the receiver has a thread of its own with
 * its workers, a round another.
 */
#ifndef HEALER_H
#define HEALER_H

#include "conf.h"
#include "entropy/dynentropy.h"
#include "ledger.h"
#include "recon.h"
#include "stats.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct healer_options {
	struct event_base *base;
	const struct conf *conf;
	const struct recon *recon;  /* recon_init() found it good */
	dyn_entropy_cancel *cancel; /* set when the healer stops */
	/*
	 * What a peer of recon_peers is to this node.  Both may be NULL: every peer takes part and
	 * owns every key.  owns is called from the thread of a round.
	 */
	bool (*takes_part)(void *arg, const char *endpoint);
	bool (*owns)(void *arg, const char *endpoint, const void *key, size_t len);
	void *arg;
};

struct healer;

/* Binds the receiver.  NULL, with a message logged, on failure.  All that options names is
 * borrowed. */
struct healer *healer_new(const struct healer_options *options);

/* The receiver serves, the timer runs.  False, with a message logged, on failure. */
bool healer_start(struct healer *h);

/* The first round, and any that is wanted out of turn.  False when one runs already, or there is no
 * peer. */
bool healer_run_now(struct healer *h);

/* The same in a moment, once for all who ask meanwhile; after the round that runs, if one does. */
void healer_run_soon(struct healer *h);

/* Everything stops, mid-transfer too, within a second.  Harmless when nothing of it runs. */
void healer_stop(struct healer *h);
void healer_free(struct healer *h);

/* Its part of the counters. */
void healer_count(struct healer *h, struct stats_entropy *s);

/* What it did with each peer and each sender.  Lives as long as the healer. */
struct ledger *healer_ledger(struct healer *h);

bool healer_is_running(const struct healer *h);       /* a round is */
int64_t healer_next_round_ms(const struct healer *h); /* from now; -1: there is no peer */

#endif
