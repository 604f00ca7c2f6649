/*
 * push - a push to one target, in a thread of its own.
 *
 * Main thread.
 */
#ifndef HEAL_PUSH_H
#define HEAL_PUSH_H

#include "entropy/dynentropy.h"
#include "heal/allow.h"
#include "heal/due.h"
#include "heal/guard.h"
#include "heal/ledger.h"
#include "heal/settings.h"
#include "heal/targets.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As in struct heal_rounds_options; all of it is borrowed. */
struct heal_push_options {
	const struct heal_settings *settings;
	const struct heal_targets *targets;
	struct heal_allow *allow;
	const struct heal_guard *guard;
	struct heal_ledger *ledger;
	dyn_entropy_cancel *cancel;
};

/* What all pushes of a node share; options are copied.  NULL when memory is short. */
struct heal_push_shared;
struct heal_push_shared *heal_push_shared_new(const struct heal_push_options *options);
void heal_push_shared_free(struct heal_push_shared *s);

/* For a target, by its place among those that are sent something.  done_fd, an eventfd, is written
 * to as a push ends.  shared is borrowed.  NULL, with *err filled in, on failure. */
struct heal_push;
struct heal_push *heal_push_new(
	struct heal_push_shared *shared, size_t target, int done_fd, struct dyn_entropy_error *err);
void heal_push_free(struct heal_push *p); /* it may not run */

/* Start it.  False, with a message logged, when there is no thread. */
bool heal_push_start(struct heal_push *p);

/* Whether one that was started has ended; heal_push_join() waits for that, and gives what it did.
 */
bool heal_push_has_ended(const struct heal_push *p);
enum heal_due_end heal_push_join(struct heal_push *p, struct dyn_entropy_round *sum);

#ifdef __cplusplus
}
#endif

#endif
