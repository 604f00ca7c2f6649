#include "entropy/cancel.h"

#include "base/clock.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * The flag is quick to test, the eventfd wakes threads that poll.  It is never read, so once set it
 * stays readable for all of them.
 */
struct dyn_entropy_cancel {
	atomic_bool set;
	int fd;
};

dyn_entropy_cancel *dyn_entropy_cancel_new(void)
{
	dyn_entropy_cancel *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->set, false);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->fd < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void dyn_entropy_cancel_free(dyn_entropy_cancel *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

void dyn_entropy_cancel_set(dyn_entropy_cancel *c)
{
	eventfd_t one = 1;

	atomic_store(&c->set, true);
	if (write(c->fd, &one, sizeof(one)) < 0)
		return; /* only if it is already readable */
}

bool dyn_entropy_cancel_is_set(const dyn_entropy_cancel *c)
{
	return c && atomic_load(&c->set);
}

int cancel_fd(const dyn_entropy_cancel *c)
{
	return c ? c->fd : -1;
}

bool cancel_sleep_until(const dyn_entropy_cancel *c, int64_t deadline_us)
{
	struct pollfd fd = {.fd = cancel_fd(c), .events = POLLIN};
	int64_t left_us;

	for (;;) {
		struct timespec ts;

		if (dyn_entropy_cancel_is_set(c))
			return true;
		left_us = deadline_us - clock_monotonic_us();
		if (left_us <= 0)
			return false;
		ts.tv_sec = (time_t)(left_us / 1000000);
		ts.tv_nsec = (long)(left_us % 1000000 * 1000);
		ppoll(&fd, 1, &ts, NULL);
	}
}
