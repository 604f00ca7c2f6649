#include "heal/handover.h"

#include "base/addr.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct waiting {
	int fd;
	char peer[ADDR_TEXT_MAX];
};

struct heal_handover {
	heal_handover_take_fn take;
	void *arg;
	int bell_fd; /* eventfd: something waits */
	struct event *bell;
	pthread_mutex_t lock; /* of the rest */
	bool stopped;
	size_t n;
	struct waiting waiting[HEAL_HANDOVER_MAX];
};

bool heal_handover_give(void *handover, int fd, const char *peer)
{
	struct heal_handover *h = handover;
	eventfd_t one = 1;
	bool taken;

	pthread_mutex_lock(&h->lock);
	taken = !h->stopped && h->n < HEAL_HANDOVER_MAX;
	if (taken) {
		struct waiting *w = &h->waiting[h->n++];

		w->fd = fd;
		snprintf(w->peer, sizeof(w->peer), "%s", peer);
		if (write(h->bell_fd, &one, sizeof(one)) < 0)
			(void)0; /* it rings already */
	}
	pthread_mutex_unlock(&h->lock);
	return taken;
}

static bool take_out(struct heal_handover *h, struct waiting *out)
{
	bool any;

	pthread_mutex_lock(&h->lock);
	any = h->n > 0;
	if (any) {
		/* The order does not matter: they are of different nodes. */
		*out = h->waiting[--h->n];
	}
	pthread_mutex_unlock(&h->lock);
	return any;
}

static void on_bell(evutil_socket_t fd, short events, void *arg)
{
	struct heal_handover *h = arg;
	struct waiting w;
	eventfd_t ignored;

	(void)events;
	if (read(fd, &ignored, sizeof(ignored)) < 0)
		return;
	while (take_out(h, &w))
		h->take(h->arg, w.fd, w.peer);
}

struct heal_handover *heal_handover_new(
	struct event_base *base, heal_handover_take_fn take, void *arg)
{
	struct heal_handover *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->take = take;
	h->arg = arg;
	h->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->bell_fd >= 0)
		h->bell = event_new(base, h->bell_fd, EV_READ | EV_PERSIST, on_bell, h);
	if (!h->bell || event_add(h->bell, NULL) != 0) {
		heal_handover_free(h);
		return NULL;
	}
	return h;
}

void heal_handover_stop(struct heal_handover *h)
{
	struct waiting w;

	pthread_mutex_lock(&h->lock);
	h->stopped = true;
	pthread_mutex_unlock(&h->lock);
	while (take_out(h, &w))
		close(w.fd);
}

void heal_handover_free(struct heal_handover *h)
{
	if (!h)
		return;
	heal_handover_stop(h);
	if (h->bell)
		event_free(h->bell);
	if (h->bell_fd >= 0)
		close(h->bell_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
