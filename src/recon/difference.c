#include "recon/difference.h"

#include <math.h>
#include <stdlib.h>

/* A hash, and the next symbol that it is part of. */
struct member {
	uint64_t hash, state, next;
};

struct members {
	struct member *list;
	size_t n, cap;
};

struct hashes {
	uint64_t *list;
	size_t n, cap;
};

struct difference {
	struct members own, decoded; /* decoded: with ours and theirs in turn, as they are found */
	bool *is_ours;               /* of each that is decoded */
	size_t cap_is_ours;
	struct difference_symbol *symbols; /* what is left of those taken */
	size_t n, cap;
	struct hashes ours, theirs;
};

/* ---- Which symbols a hash is part of ---- */

/* The published generator: the distance to the next symbol grows with the place, so that a symbol
 * at i has each hash with a chance of 1 / (1 + i / 2). */
static void step(struct member *m)
{
	m->state *= UINT64_C(0xda942042e4dd58b5);
	m->next += (uint64_t)ceil(
		((double)m->next + 1.5) * (4294967296.0 / sqrt((double)m->state + 1.0) - 1.0));
}

/* A finaliser with other constants than the hashes were made with (SplitMix64). */
static uint32_t check_of(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(hash ^ hash >> 31);
}

static struct member member_of(uint64_t hash)
{
	/* An odd state never becomes 0. */
	return (struct member){.hash = hash, .state = hash | 1};
}

static void put(struct difference_symbol *s, uint64_t hash, uint16_t number)
{
	s->sum ^= hash;
	s->check ^= check_of(hash);
	s->number = (uint16_t)(s->number + number);
}

/* ---- Growing ---- */

static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *bigger = list;

	if (n < *cap)
		return list;
	bigger = realloc(list, more * size);
	if (bigger)
		*cap = more;
	return bigger;
}

static bool add_member(struct members *l, struct member m)
{
	struct member *list = grown(l->list, l->n, &l->cap, sizeof(*list));

	if (!list)
		return false;
	l->list = list;
	l->list[l->n++] = m;
	return true;
}

static bool add_hash(struct hashes *l, uint64_t hash)
{
	uint64_t *list = grown(l->list, l->n, &l->cap, sizeof(*list));

	if (!list)
		return false;
	l->list = list;
	l->list[l->n++] = hash;
	return true;
}

struct difference *difference_new(void)
{
	return calloc(1, sizeof(struct difference));
}

void difference_free(struct difference *d)
{
	if (!d)
		return;
	free(d->own.list);
	free(d->decoded.list);
	free(d->is_ours);
	free(d->symbols);
	free(d->ours.list);
	free(d->theirs.list);
	free(d);
}

bool difference_add(struct difference *d, uint64_t hash)
{
	return add_member(&d->own, member_of(hash));
}

/* ---- Making ---- */

/* Add what lies in the symbols from..end to them. */
static void fill(struct members *l, size_t from, struct difference_symbol *to, size_t n)
{
	for (size_t i = 0; i < l->n; i++) {
		struct member *m = &l->list[i];

		for (; m->next < from + n; step(m))
			put(&to[m->next - from], m->hash, 1);
	}
}

void difference_make(struct difference *d, struct difference_symbol *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (struct difference_symbol){0, 0, 0};
	fill(&d->own, d->n, to, n);
	d->n += n;
}

/* ---- Taking ---- */

/* Whether it has one hash, of either side. */
static bool is_pure(const struct difference_symbol *s)
{
	return (s->number == 1 || s->number == UINT16_MAX) && s->check == check_of(s->sum);
}

static bool note_decoded(struct difference *d, uint64_t hash, bool is_ours)
{
	bool *list = grown(d->is_ours, d->decoded.n, &d->cap_is_ours, sizeof(*list));

	if (!list)
		return false;
	d->is_ours = list;
	d->is_ours[d->decoded.n] = is_ours;
	return add_member(&d->decoded, member_of(hash)) &&
	       add_hash(is_ours ? &d->ours : &d->theirs, hash);
}

/* Take the hash of a pure symbol out of all symbols, and those out that become pure by that. */
static bool peel(struct difference *d, size_t first)
{
	struct hashes todo = {0};
	bool ok = add_hash(&todo, first);

	while (ok && todo.n > 0) {
		const struct difference_symbol pure = d->symbols[todo.list[--todo.n]];
		bool is_ours = pure.number == UINT16_MAX;
		struct member *m;

		if (!is_pure(&pure))
			continue; /* it was taken out meanwhile */
		ok = note_decoded(d, pure.sum, is_ours);
		m = ok ? &d->decoded.list[d->decoded.n - 1] : NULL;
		for (; ok && m->next < d->n; step(m)) {
			struct difference_symbol *s = &d->symbols[m->next];

			put(s, pure.sum, is_ours ? 1 : UINT16_MAX);
			if (is_pure(s))
				ok = add_hash(&todo, m->next);
		}
	}
	free(todo.list);
	return ok;
}

static void take_out(struct difference *d)
{
	for (size_t i = 0; i < d->own.n; i++)
		for (struct member *m = &d->own.list[i]; m->next < d->n; step(m))
			put(&d->symbols[m->next], m->hash, UINT16_MAX);
	for (size_t i = 0; i < d->decoded.n; i++)
		for (struct member *m = &d->decoded.list[i]; m->next < d->n; step(m))
			put(&d->symbols[m->next], m->hash, d->is_ours[i] ? 1 : UINT16_MAX);
}

bool difference_take(struct difference *d, const struct difference_symbol *symbols, size_t n)
{
	size_t from = d->n;

	for (size_t i = 0; i < n; i++) {
		struct difference_symbol *list = grown(d->symbols, d->n, &d->cap, sizeof(*list));

		if (!list)
			return false;
		d->symbols = list;
		d->symbols[d->n++] = symbols[i];
	}
	take_out(d);
	for (size_t i = from; i < d->n; i++)
		if (is_pure(&d->symbols[i]) && !peel(d, i))
			return false;
	return true;
}

bool difference_is_decoded(const struct difference *d)
{
	/* The first symbol has all of them. */
	return d->n > 0 && d->symbols && !d->symbols[0].sum && !d->symbols[0].check &&
	       !d->symbols[0].number;
}

const uint64_t *difference_theirs(const struct difference *d, size_t *n)
{
	*n = d->theirs.n;
	return d->theirs.list;
}

const uint64_t *difference_ours(const struct difference *d, size_t *n)
{
	*n = d->ours.n;
	return d->ours.list;
}
