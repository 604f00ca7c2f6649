#include "proxy/lanes.h"

#include <stdlib.h>
#include <string.h>

struct lanes_waiting {
	STAILQ_ENTRY(lanes_waiting) next;
	struct leg *leg;
	struct lane_keys keys;
	size_t len;
	uint8_t bytes[];
};

void lanes_init(struct lanes *l)
{
	*l = (struct lanes){0};
	STAILQ_INIT(&l->waiting);
}

/* Whether the requests under way allow this one to be sent now. */
static bool may_go(const struct lanes *l, const struct lane_keys *keys)
{
	return !l->exclusive && (!keys->several || l->under_way == 0);
}

static void go(struct lanes *l, struct leg *leg, const struct lane_keys *keys, const uint8_t *bytes,
	size_t len)
{
	if (!l->send(l->arg, keys->token % l->n, leg, bytes, len))
		return;
	l->under_way++;
	l->exclusive = keys->several;
}

static struct lanes_waiting *pop(struct lanes *l)
{
	struct lanes_waiting *w = STAILQ_FIRST(&l->waiting);

	STAILQ_REMOVE_HEAD(&l->waiting, next);
	l->n_waiting--;
	l->bytes_waiting -= w->len;
	return w;
}

/* Send the waiting requests that may go.  Sending one may end others, and so call this again. */
static void advance(struct lanes *l)
{
	if (l->advancing)
		return;
	l->advancing = true;
	while (!STAILQ_EMPTY(&l->waiting) && may_go(l, &STAILQ_FIRST(&l->waiting)->keys)) {
		struct lanes_waiting *w = pop(l);

		go(l, w->leg, &w->keys, w->bytes, w->len);
		free(w);
	}
	l->advancing = false;
}

static void wait_for_turn(struct lanes *l, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	struct lanes_waiting *w;

	if (l->n_waiting >= l->queue_max ||
		(l->n_waiting > 0 && l->bytes_waiting + len > l->queue_bytes_max)) {
		l->refuse(l->arg, leg, "the queue is full");
		return;
	}
	w = malloc(sizeof(*w) + len);
	if (!w) {
		l->refuse(l->arg, leg, "out of memory");
		return;
	}
	w->leg = leg;
	w->keys = *keys;
	w->len = len;
	memcpy(w->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&l->waiting, w, next);
	l->n_waiting++;
	l->bytes_waiting += len;
}

void lanes_send(struct lanes *l, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	if (l->n == 1)
		l->send(l->arg, 0, leg, bytes, len);
	else if (STAILQ_EMPTY(&l->waiting) && may_go(l, keys))
		go(l, leg, keys, bytes, len);
	else
		wait_for_turn(l, leg, keys, bytes, len);
}

void lanes_ended(struct lanes *l)
{
	if (l->n == 1)
		return;
	if (--l->under_way == 0)
		l->exclusive = false;
	advance(l);
}

void lanes_fini(struct lanes *l, const char *why)
{
	while (!STAILQ_EMPTY(&l->waiting)) {
		struct lanes_waiting *w = pop(l);

		l->refuse(l->arg, w->leg, why);
		free(w);
	}
}
