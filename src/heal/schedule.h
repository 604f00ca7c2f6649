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

/*
 * NULL when memory is short.  All arguments are borrowed; ledger counts skipped rounds.  A push to
 * a node that is back is repeated after again_ms, when its guard no longer leaves keys alone; 0:
 * never.
 */
struct heal_schedule *heal_schedule_new(struct event_base *base, const struct heal_targets *targets,
	struct heal_rounds *rounds, struct heal_ledger *ledger, int64_t again_ms);
void heal_schedule_free(struct heal_schedule *s);

/* Start the timer, if there is a target; its first round begins after one interval.  False when
 * that fails. */
bool heal_schedule_start(struct heal_schedule *s);

/* Begin a round to all targets that are not busy.  False when there is none. */
bool heal_schedule_run_now(struct heal_schedule *s);

/* A node of the ring (by its place in it) that was down is back: a round to the targets that missed
 * writes meanwhile, in a moment; see heal_due_back(). */
void heal_schedule_node_back(struct heal_schedule *s, size_t node);

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
