/*
 * window - how many requests of one asker may be under way, so that their replies together stay
 * below a limit, estimated from the size of earlier replies.
 *
 * The datastore sends its replies whether the asker reads them or not, so memory must be bounded
 * before requests are sent.  Where replies are larger than before, up to calls_max of them may
 * arrive.  A plain value.  Event loop's thread.
 */
#ifndef PROXY_WINDOW_H
#define PROXY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct window {
	size_t bytes_max; /* estimated limit of all replies under way */
	size_t calls_max;
	size_t expected; /* estimated bytes of a reply, at least 1: rises at once, falls slowly */
};

/* Until the first reply, first_calls requests may be under way. */
static inline struct window window_new(size_t bytes_max, size_t calls_max, size_t first_calls)
{
	return (struct window){bytes_max, calls_max, bytes_max / first_calls};
}

/* Whether another request may be sent while n are under way; part > 1 divides the limit by part. */
static inline bool window_has_room(const struct window *w, size_t n, unsigned part)
{
	size_t max = w->bytes_max / w->expected;

	if (max > w->calls_max)
		max = w->calls_max;
	return n == 0 || n < max / part;
}

static inline void window_learn(struct window *w, size_t reply_bytes)
{
	if (reply_bytes > w->expected)
		w->expected = reply_bytes;
	else
		w->expected -= (w->expected - reply_bytes) / 8; /* never to 0 */
}

#ifdef __cplusplus
}
#endif

#endif
