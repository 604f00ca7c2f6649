#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Doing a snapshot again ---- */

bool journal_kept_chain(struct journal *j, struct chain *c, const struct journal_record *r)
{
	struct journal_entry *entries = NULL;
	bool replaces = c->n > 0;

	if (r->n_entries > 0) {
		entries = malloc(r->n_entries * sizeof(*entries));
		if (!entries)
			return false;
		memcpy(entries, r->entries, r->n_entries * sizeof(*entries));
	}
	for (size_t i = 0; i < r->n_entries; i++)
		if (!journal_epoch_make(j, entries[i].epoch)) {
			free(entries);
			return false;
		}
	for (uint32_t i = 0; i < c->n; i++)
		journal_epoch_take(j, c, &c->entries[i]);
	free(c->entries);
	c->entries = entries;
	c->n = c->cap = (uint32_t)r->n_entries;
	c->repaired = r->stamp;
	for (uint32_t i = 0; i < c->n; i++)
		journal_epoch_add(j, c, &entries[i]);
	if (replaces)
		journal_epoch_drop_empty(j);
	return true;
}

void journal_kept_epoch(struct journal *j, const struct journal_epoch *marks)
{
	struct journal_epoch *e = journal_epoch_find(j, marks->epoch);

	if (!e)
		return;
	e->settled = marks->settled;
	e->said = marks->said;
	e->repairs = marks->repairs;
}

/* ---- Going through all keys ---- */

struct journal_chain journal_view(const struct chain *c)
{
	return (struct journal_chain){
		.entries = c->entries,
		.n = c->n,
		.repaired = c->repaired,
		.under_way = c->n_attempts,
		.hash = c->hash,
	};
}

void journal_each(const struct journal *j,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg)
{
	for (size_t b = 0; b < j->n_buckets; b++)
		for (const struct chain *c = j->buckets[b]; c; c = c->next) {
			struct journal_chain v = journal_view(c);

			fn(arg, c->key, c->len, &v);
		}
}

/* The cursor counts with its bits reversed: when the table has doubled, the chains of a bucket are
 * in two that follow each other in this order. */
bool journal_each_part(const struct journal *j, uint64_t *cursor, size_t n,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg)
{
	const uint64_t mask = j->n_buckets - 1;
	uint64_t at = *cursor;

	for (size_t passed = 0; passed < n; passed++) {
		for (const struct chain *c = j->buckets[at & mask]; c; c = c->next) {
			struct journal_chain v = journal_view(c);

			fn(arg, c->key, c->len, &v);
			passed++;
		}
		at |= ~mask;
		for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1) {
			at ^= bit;
			if (at & bit)
				break;
		}
		/* The bits above the mask were all set, so that the carry went through them. */
		at &= mask;
		if (at == 0)
			break;
	}
	*cursor = at;
	return at != 0;
}

struct journal_limits journal_get_limits(const struct journal *j)
{
	return (struct journal_limits){j->forgotten, j->closed, j->dropped};
}
