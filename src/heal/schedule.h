/*
 * schedule - when a round begins, and to which targets: to all at every interval and on request,
 * and to those that missed writes when a node of the ring is back.
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

/*
 * NULL when memory is short.  All arguments are borrowed; ledger counts skipped rounds.  A round to
 * a node that is back is repeated after again_ms, when its guard no longer leaves keys alone; 0:
 * never.
 */
struct heal_schedule *heal_schedule_new(struct event_base *base, const struct heal_targets *targets,
	struct heal_rounds *rounds, struct heal_ledger *ledger, int64_t again_ms);
void heal_schedule_free(struct heal_schedule *s);

/* Start the timer, if there is a target; its first round begins after one interval.  False when
 * that fails. */
bool heal_schedule_start(struct heal_schedule *s);

/* Begin a round to all targets.  False when one runs already, there is no target, or, with a
 * message logged, no thread can be started. */
bool heal_schedule_run_now(struct heal_schedule *s);

/* A node of the ring (by its place in it) that was down is back: a round to the targets that missed
 * writes meanwhile, in a moment, with others due by then, and after a round that runs.  And another
 * one after again_ms: a node whose Redis lost recent writes leaves their keys alone at first. */
void heal_schedule_node_back(struct heal_schedule *s, size_t node);

/* Begin no more rounds. */
void heal_schedule_stop(struct heal_schedule *s);

/* Whether a round runs, and when the next one starts. */
void heal_schedule_figures(const struct heal_schedule *s, struct heal_schedule_figures *out);

#ifdef __cplusplus
}
#endif

#endif
