#include "heal/guard.h"

/*
 * How old the content of a snapshot may be when its connection is accepted.  Its sender closes a
 * snapshot 2 s after it has read the first key of it, and gives up a connection that it does not
 * get within 3 s; here it may wait 5 s for a worker.  (A single value that takes seconds to be read
 * comes on top.)
 */
#define CONTENT_AGE_MS 10000

/*
 * How long before the others a replica may have carried a write out.  What waits for a datastore,
 * or for a peer, is given up when that has said nothing for two timeouts.
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

	return !recent_since(g->recent, key, len, session_began_ms - heal_guard_age_ms(g));
}

bool heal_guard_is_changed(void *arg, const void *key, size_t len)
{
	const struct heal_guard *g = arg;

	return recent_since(g->recent, key, len, g->opened_ms - write_lag_ms(g));
}
