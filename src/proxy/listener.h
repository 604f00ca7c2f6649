/*
 * listener - a listening socket in the event loop.
 *
 * When descriptors run out it accepts and closes connections, since pending ones would keep waking
 * the loop.
 * Event loop's thread.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct listener;

struct listener_options {
	struct event_base *base;
	const char *address; /* "host:port", or the path of a Unix socket, which is removed when the
				listener is released */
	int backlog;
	void (*accepted)(void *arg,
		int fd); /* takes over the descriptor, which is non-blocking and close-on-exec */
	void (*turned_away)(void *arg); /* no descriptor was left */
	void *arg;
};

/* Listen.  NULL with a message in why (cap bytes) on failure. */
struct listener *listener_new(const struct listener_options *options, char *why, size_t cap);
void listener_free(struct listener *l);

#ifdef __cplusplus
}
#endif

#endif
