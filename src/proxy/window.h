/*
 * window - how many requests of one asker may be under way: as many as make about so many bytes of
 * replies, going by those it had.
 *
 * What is asked of a datastore comes, whether the asker reads it or not: memory for it is bounded
 * before it is asked for, as far as replies are like those before; when they are not, calls_max of
 * them may come.  A plain value.  Event loop's thread.
 */
#ifndef PROXY_WINDOW_H
#define PROXY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct window {
	size_t bytes_max; /* that all replies under way may have together, about */
	size_t calls_max;
	size_t expected; /* bytes of a reply, at least 1: rises at once, falls slowly */
};

/* Before the first reply is seen, replies are taken to be large: first_calls of them at a time. */
static inline struct window window_new(size_t bytes_max, size_t calls_max, size_t first_calls)
{
	return (struct window){bytes_max, calls_max, bytes_max / first_calls};
}

/* Whether another request may go beside n that are under way; with part > 1, while no more than
 * that part of those that may. */
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
