/*
 * guard - which keys the channel leaves alone, since clients have written them meanwhile.
 *
 * A snapshot tells what its sender had when it was read.  A key of it that is missing here was
 * missed, or has been deleted on all replicas since: so what was written through this node since
 * then is not restored.  The next round brings it if it was missed after all.
 */
#ifndef HEAL_GUARD_H
#define HEAL_GUARD_H

#include "journal/recent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heal_guard {
	const struct recent *recent; /* borrowed; NULL: no write is known of */
	int64_t timeout_ms;          /* of the proxy */
	int64_t opened_ms;           /* monotonic: the source of the round that runs */
};

/* How long after a write its key is left alone, in milliseconds: a round to a node that came back
 * with less than it had is repeated after that. */
int64_t heal_guard_age_ms(const struct heal_guard *g);

/* For dyn_entropy_sink_redis_options, and arg is a struct heal_guard: whether a key may be
 * restored. Any thread. */
bool heal_guard_may_restore(void *arg, const void *key, size_t len, int64_t session_began_ms);

/* For dyn_entropy_source_options: whether a key may have been written since the source was opened.
 * The thread of the round, which sets opened_ms. */
bool heal_guard_is_changed(void *arg, const void *key, size_t len);

#ifdef __cplusplus
}
#endif

#endif
