/*
 * schedule - when a round begins, and to whom: to all targets at every interval and whenever one is
 * wanted, and to those that missed writes when the node of the ring is back that did.
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
 * NULL when memory is short.  All is borrowed; ledger is told of rounds that are skipped.  A round
 * to a node that is back is repeated after again_ms, when its guard lets in what it has left alone;
 * 0: it is not.
 */
struct heal_schedule *heal_schedule_new(struct event_base *base, const struct heal_targets *targets,
	struct heal_rounds *rounds, struct heal_ledger *ledger, int64_t again_ms);
void heal_schedule_free(struct heal_schedule *s);

/* The timer runs, if there is a target; the first round begins after an interval.  False when there
 * is no timer. */
bool heal_schedule_start(struct heal_schedule *s);

/* A round to all.  False when one runs already, there is no target, or, with a message logged, no
 * thread. */
bool heal_schedule_run_now(struct heal_schedule *s);

/* A node of the ring that was down is back: a round to the targets that missed writes meanwhile, in
 * a moment, together with those wanted until then; after the round that runs, if one does.  And
 * another one later: a node whose Redis alone was down leaves alone what it has taken lately,
 * though that is lost. */
void heal_schedule_node_back(struct heal_schedule *s, size_t node);

/* No round begins any more. */
void heal_schedule_stop(struct heal_schedule *s);

void heal_schedule_figures(const struct heal_schedule *s, struct heal_schedule_figures *out);

#ifdef __cplusplus
}
#endif

#endif
