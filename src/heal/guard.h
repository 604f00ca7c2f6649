/*
 * guard - which keys the channel leaves alone because clients wrote them meanwhile.
 *
 * A snapshot holds what its sender had when it was read.  A key of it that is missing here was
 * missed, or was deleted on all replicas since then.  So a key written through this node since then
 * is not restored; the next round brings it if it was missed after all.  Nor is one that the
 * journal has an entry of, however old: its sender may have missed that it was deleted, and a
 * session brings what is newer.
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
	const struct recent *recent; /* borrowed; NULL: no key is left alone */
	int64_t timeout_ms;          /* the proxy's timeout */
	int64_t opened_ms;           /* monotonic: when the push opened its source */
};

/* How long after a write its key is left alone, in milliseconds. */
int64_t heal_guard_age_ms(const struct heal_guard *g);

/* may_restore of dyn_entropy_sink_redis_options; arg is a struct heal_guard.  Any thread. */
bool heal_guard_may_restore(void *arg, const void *key, size_t len, int64_t session_began_ms);

/* is_changed of dyn_entropy_source_options; arg is a struct heal_guard.  The push's thread, which
 * has its own and sets opened_ms. */
bool heal_guard_is_changed(void *arg, const void *key, size_t len);

#ifdef __cplusplus
}
#endif

#endif
