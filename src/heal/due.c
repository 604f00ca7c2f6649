#include "heal/due.h"

#include <stdlib.h>

struct heal_due *heal_due_new(size_t n, int64_t interval_ms, int64_t settle_ms, uint64_t seed)
{
	struct heal_due *d = calloc(1, sizeof(*d) + n * sizeof(d->targets[0]));

	if (!d)
		return NULL;
	d->interval_ms = interval_ms;
	d->settle_ms = settle_ms;
	d->random = seed | 1; /* xorshift needs a bit */
	d->n = n;
	for (size_t i = 0; i < n; i++)
		d->targets[i].at_ms = d->targets[i].again_ms = HEAL_DUE_NEVER;
	return d;
}

static uint64_t draw(struct heal_due *d)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

/* The first wait, doubled this often, and the interval at most. */
static int64_t doubled(const struct heal_due *d, unsigned times)
{
	int64_t wait_ms = HEAL_DUE_FIRST_MS;

	while (times-- > 0 && wait_ms < d->interval_ms)
		wait_ms *= 2;
	return wait_ms < d->interval_ms ? wait_ms : d->interval_ms;
}

/* Up to a quarter less, so that nodes that failed together do not come together again. */
static int64_t jittered(struct heal_due *d, int64_t wait_ms)
{
	return wait_ms - (int64_t)(draw(d) % (uint64_t)(wait_ms / 4 + 1));
}

static void be_due(struct heal_due_target *t, int64_t at_ms)
{
	if (at_ms < t->at_ms)
		t->at_ms = at_ms;
}

void heal_due_all(struct heal_due *d, int64_t now_ms)
{
	for (size_t i = 0; i < d->n; i++)
		if (!d->targets[i].busy)
			be_due(&d->targets[i], now_ms);
}

void heal_due_back(struct heal_due *d, size_t target, int64_t now_ms)
{
	struct heal_due_target *t = &d->targets[target];
	int64_t at_ms;

	if (t->returns > 0 && now_ms - t->back_ms > d->interval_ms)
		t->returns = 0;
	t->back_ms = now_ms;
	at_ms = now_ms + doubled(d, t->returns++);
	be_due(t, at_ms);
	if (d->settle_ms > 0)
		t->again_ms = at_ms + d->settle_ms;
}

void heal_due_began(struct heal_due *d, size_t target, int64_t now_ms)
{
	struct heal_due_target *t = &d->targets[target];

	t->busy = true;
	t->at_ms = HEAL_DUE_NEVER;
	if (t->again_ms != HEAL_DUE_NEVER && now_ms >= t->back_ms + d->settle_ms)
		t->again_ms = HEAL_DUE_NEVER; /* this is the repetition */
}

void heal_due_ended(struct heal_due *d, size_t target, enum heal_due_end end, int64_t now_ms)
{
	struct heal_due_target *t = &d->targets[target];

	t->busy = false;
	if (end != HEAL_DUE_FAILED) {
		t->failures = 0;
		return;
	}
	be_due(t, now_ms + jittered(d, doubled(d, t->failures)));
	t->failures++;
}

void heal_due_hold(struct heal_due *d, size_t target, bool held)
{
	d->targets[target].held = held;
}

static int64_t due_ms(const struct heal_due_target *t)
{
	if (t->busy || t->held)
		return HEAL_DUE_NEVER;
	return t->at_ms < t->again_ms ? t->at_ms : t->again_ms;
}

bool heal_due_is(const struct heal_due *d, size_t target, int64_t now_ms)
{
	return due_ms(&d->targets[target]) <= now_ms;
}

int64_t heal_due_next_ms(const struct heal_due *d)
{
	int64_t first_ms = HEAL_DUE_NEVER;

	for (size_t i = 0; i < d->n; i++)
		if (due_ms(&d->targets[i]) < first_ms)
			first_ms = due_ms(&d->targets[i]);
	return first_ms;
}
