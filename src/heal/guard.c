#include "heal/guard.h"

#include "journal/marker.h"

/*
 * The maximum age of a snapshot's content when its connection is accepted.  The sender completes a
 * snapshot 2 s after it read its first key, and waits at most 3 s for the connection, which may
 * wait 5 s for a worker here.  (The time to read a single very large value is not included.)
 */
#define CONTENT_AGE_MS 10000

/*
 * How much earlier than the others a replica may carry out a write.  A write that waits for a
 * datastore or a peer is given up when that has sent nothing for two timeouts.
 */
static int64_t write_lag_ms(const struct heal_guard *g)
{
	return 2 * g->timeout_ms;
}

int64_t heal_guard_age_ms(const struct heal_guard *g)
{
	return CONTENT_AGE_MS + write_lag_ms(g);
}

bool heal_guard_may_restore(void *arg, const void *key, size_t len, int64_t session_began_ms)
{
	const struct heal_guard *g = arg;
	int64_t since_ms = session_began_ms - heal_guard_age_ms(g);
	int64_t held_ms = recent_held_ms(g->recent);

	if (marker_is_key(key, len) || held_ms == RECENT_HELD_ALL)
		return false;
	return !recent_since(g->recent, key, len, held_ms < since_ms ? held_ms : since_ms);
}

bool heal_guard_is_changed(void *arg, const void *key, size_t len)
{
	const struct heal_guard *g = arg;

	return recent_since(g->recent, key, len, g->opened_ms - write_lag_ms(g));
}
