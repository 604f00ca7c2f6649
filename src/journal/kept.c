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
		journal_epoch_take(j, c, &journal_chain_entries(c)[i]);
	journal_chain_replace(j, c, entries, (uint32_t)r->n_entries, (uint32_t)r->n_entries);
	c->repaired = r->stamp;
	for (uint32_t i = 0; i < c->n; i++)
		journal_epoch_add(j, c, &journal_chain_entries(c)[i]);
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

struct journal_chain journal_view(const struct journal *j, const struct chain *c)
{
	return (struct journal_chain){
		.entries = c->n > 1 ? c->many.all : &c->one,
		.n = c->n,
		.repaired = c->repaired,
		.under_way = journal_attempt_count(j, c),
		.hash = c->hash,
	};
}

struct each {
	const struct journal *j;
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c);
	void *arg;
};

static void show(void *arg, const void *block)
{
	const struct each *e = arg;
	const struct chain *c = block;
	struct journal_chain v = journal_view(e->j, c);

	e->fn(e->arg, c->key, c->len, &v);
}

bool journal_each_part(const struct journal *j, uint64_t *cursor, size_t n,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg)
{
	struct each each = {j, fn, arg};
	bool more = true;
	size_t passed;

	for (size_t all = 0; more && all < n; all += passed + 1)
		more = slab_each(&j->chains, cursor, &passed, show, &each);
	return more;
}

void journal_each(const struct journal *j,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg)
{
	uint64_t cursor = 0;

	journal_each_part(j, &cursor, SIZE_MAX, fn, arg);
}

struct journal_limits journal_get_limits(const struct journal *j)
{
	return (struct journal_limits){j->forgotten, j->closed, j->dropped};
}
