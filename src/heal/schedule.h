/*
 * schedule - when a round begins, and to which targets: to all at every interval and on request,
 * to those that missed writes when a node of the ring is back, and again to those that failed.
 *
 * Main thread.
 */
#ifndef HEAL_SCHEDULE_H
#define HEAL_SCHEDULE_H

#include "heal/figures.h"
#include "heal/ledger.h"
#include "heal/rounds.h"
#include "heal/targets.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heal_schedule;

/* All of it is borrowed. */
struct heal_schedule_options {
	struct event_base *base;
	const struct heal_targets *targets;
	struct heal_rounds *rounds;
	struct heal_ledger *ledger; /* counts skipped rounds */
	/* A push to a node that is back is repeated after this time, when its guard no longer
	 * leaves keys alone; 0: never. */
	int64_t again_ms;
	/* Whether a node of the ring, by its place in it, is sent rounds at this time; targets that
	 * are no nodes of the ring always are.  NULL: all are. */
	bool (*takes_rounds)(void *arg, size_t node);
	void *arg;
};

/* NULL when memory is short. */
struct heal_schedule *heal_schedule_new(const struct heal_schedule_options *options);
void heal_schedule_free(struct heal_schedule *s);

/* Start the timer, if there is a target; its first round begins after one interval.  False when
 * that fails. */
bool heal_schedule_start(struct heal_schedule *s);

/* Begin a round to all targets that take rounds and are not busy.  False when those that take
 * rounds are all busy. */
bool heal_schedule_run_now(struct heal_schedule *s);

/* A node of the ring (by its place in it) that was down is back: a round to the targets that missed
 * writes meanwhile, in a moment; see heal_due_back(). */
void heal_schedule_node_back(struct heal_schedule *s, size_t node);

/* Other targets take rounds than before: begin what was asked for meanwhile. */
void heal_schedule_look_again(struct heal_schedule *s);

/* A push to this target has ended. */
void heal_schedule_ended(struct heal_schedule *s, size_t target, enum heal_due_end end);

/* Begin no more rounds. */
void heal_schedule_stop(struct heal_schedule *s);

/* Whether a round runs, and when the next one starts. */
void heal_schedule_figures(const struct heal_schedule *s, struct heal_schedule_figures *out);

#ifdef __cplusplus
}
#endif

#endif
