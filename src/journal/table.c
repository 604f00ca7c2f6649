/*
 * A slot has the lower half of a key's hash above the number of its chain, so that a slot says
 * where it belongs in a table of any size, and a lookup reads one cache line of slots and the
 * chain.  A table that is nearly full is replaced by one of twice the size: its slots are moved
 * there a few at a time, with each chain that is added.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

/* Slots moved with a chain that is added: all, long before the new table is nearly full. */
#define MOVED_AT_ONCE 16

/* A slot that had a chain, in a table that is being replaced: a lookup goes on behind it. */
#define LEFT 1

/* ---- Hashes ---- */

/* The finaliser of MurmurHash3 (Appleby, public domain). */
uint64_t journal_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

uint64_t journal_key_hash(const struct journal *j, const void *bytes, size_t len)
{
	const uint8_t *key = bytes;
	uint64_t h = j->seed ^ len;

	while (len >= 8) {
		uint64_t word;

		memcpy(&word, key, 8);
		h = journal_mix(h ^ word) + UINT64_C(0x9e3779b97f4a7c15);
		key += 8;
		len -= 8;
	}
	if (len > 0) {
		uint64_t word = 0;

		memcpy(&word, key, len);
		h = journal_mix(h ^ word) + UINT64_C(0x9e3779b97f4a7c15);
	}
	return journal_mix(h);
}

uint64_t journal_entry_hash(uint64_t key_hash, const struct journal_entry *e)
{
	return journal_mix(
		key_hash ^
		journal_mix(e->sum ^ journal_mix(e->epoch + (e->mixed ? UINT64_C(1) << 40 : 0))));
}

/* ---- Slots ---- */

static size_t home_of(const struct table *t, uint64_t slot)
{
	return (size_t)(slot >> 32) & (t->n_slots - 1);
}

static size_t following(const struct table *t, size_t at)
{
	return (at + 1) & (t->n_slots - 1);
}

static struct chain *chain_of(const struct journal *j, uint64_t slot)
{
	return slab_at(&j->chains, (uint32_t)slot);
}

static struct chain *find_in(
	const struct journal *j, const struct table *t, const struct journal_name *name)
{
	uint64_t tag = name->hash << 32;

	if (!t->slots)
		return NULL;
	for (size_t at = home_of(t, tag); t->slots[at]; at = following(t, at)) {
		struct chain *c;

		if (t->slots[at] == LEFT || (t->slots[at] ^ tag) >> 32)
			continue;
		c = chain_of(j, t->slots[at]);
		if (c->hash == name->hash && c->len == name->len &&
			memcmp(c->key, name->key, c->len) == 0)
			return c;
	}
	return NULL;
}

static void put_in(struct table *t, uint64_t slot)
{
	size_t at = home_of(t, slot);

	while (t->slots[at])
		at = following(t, at);
	t->slots[at] = slot;
	t->n_used++;
}

/* The place of a chain's slot; SIZE_MAX: not in this table. */
static size_t place_in(const struct table *t, const struct chain *c)
{
	uint64_t slot = c->hash << 32 | c->number;

	if (!t->slots)
		return SIZE_MAX;
	for (size_t at = home_of(t, slot); t->slots[at]; at = following(t, at))
		if (t->slots[at] == slot)
			return at;
	return SIZE_MAX;
}

/* Clear a slot, and move those behind it that would not be found any more. */
static void clear_slot(struct table *t, size_t hole)
{
	const size_t mask = t->n_slots - 1;

	for (size_t at = following(t, hole); t->slots[at]; at = following(t, at)) {
		if (((at - home_of(t, t->slots[at])) & mask) < ((at - hole) & mask))
			continue;
		t->slots[hole] = t->slots[at];
		hole = at;
	}
	t->slots[hole] = 0;
	t->n_used--;
}

/* ---- Growing ---- */

static void move_some(struct journal *j)
{
	struct table *old = &j->old;

	if (!old->slots)
		return;
	for (size_t n = 0; n < MOVED_AT_ONCE && j->moved < old->n_slots; n++, j->moved++) {
		uint64_t slot = old->slots[j->moved];

		if (!slot || slot == LEFT)
			continue;
		put_in(&j->table, slot);
		old->slots[j->moved] = LEFT;
	}
	if (j->moved < old->n_slots)
		return;
	free(old->slots);
	*old = (struct table){0};
}

static bool is_nearly_full(const struct table *t)
{
	return t->n_used + t->n_used / 4 >= t->n_slots;
}

/* Make room for one more slot.  False when there is none. */
static bool reserve_slot(struct journal *j)
{
	struct table *t = &j->table;
	size_t n = t->n_slots ? t->n_slots * 2 : SLOTS_FIRST;
	uint64_t *slots;

	move_some(j);
	if (j->old.slots || !is_nearly_full(t))
		return true;
	slots = calloc(n, sizeof(*slots));
	if (!slots) /* it is only slower, until there is hardly a slot without a chain */
		return t->n_used + t->n_used / 16 + 1 < t->n_slots;
	j->old = *t;
	j->moved = 0;
	*t = (struct table){.slots = slots, .n_slots = n};
	return true;
}

/* ---- Chains ---- */

struct chain *journal_table_find(const struct journal *j, const struct journal_name *name)
{
	struct chain *c = find_in(j, &j->table, name);

	return c ? c : find_in(j, &j->old, name);
}

void journal_prefetch(const struct journal *j, uint64_t hash)
{
	if (j->table.slots)
		__builtin_prefetch(&j->table.slots[home_of(&j->table, hash << 32)]);
}

struct chain *journal_table_make(struct journal *j, const struct journal_name *name)
{
	struct chain *c = journal_table_find(j, name);
	uint32_t number;

	if (c)
		return c;
	if (name->len >= SLAB_UNUSED || !reserve_slot(j))
		return NULL;
	c = slab_get(&j->chains, sizeof(*c) + name->len, &number);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	memcpy(c->key, name->key, name->len);
	c->len = (uint32_t)name->len;
	c->hash = name->hash;
	c->number = number;
	put_in(&j->table, c->hash << 32 | number);
	return c;
}

void journal_table_drop_if_empty(struct journal *j, struct chain *c)
{
	size_t at;

	if (c->n > 0 || c->attempts)
		return;
	at = place_in(&j->table, c);
	if (at != SIZE_MAX)
		clear_slot(&j->table, at);
	else
		j->old.slots[place_in(&j->old, c)] = LEFT;
	slab_put(&j->chains, c->number);
}

void journal_table_fini(struct journal *j)
{
	free(j->table.slots);
	free(j->old.slots);
}
