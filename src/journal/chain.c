#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_FIRST  4
#define ATTEMPTS_FIRST 64

/* ---- The lists of chains by the epoch of the oldest entry ---- */

static void file(struct journal *j, struct chain *c)
{
	struct journal_epoch *e = journal_epoch_find(j, journal_chain_entries(c)[c->n - 1].epoch);

	c->before = 0;
	c->behind = e->chains;
	if (c->behind)
		((struct chain *)slab_at(&j->chains, c->behind))->before = c->number;
	e->chains = c->number;
}

static void unfile(struct journal *j, struct chain *c, uint32_t oldest)
{
	if (c->before)
		((struct chain *)slab_at(&j->chains, c->before))->behind = c->behind;
	else
		journal_epoch_find(j, oldest)->chains = c->behind;
	if (c->behind)
		((struct chain *)slab_at(&j->chains, c->behind))->before = c->before;
}

/* ---- Entries: a single one is in the chain itself ---- */

/* Move the entries to an array that has room for one more.  False when out of memory. */
static bool reserve(struct chain *c)
{
	uint32_t cap = c->n == 1 ? ENTRIES_FIRST : c->many.cap * 2;
	struct journal_entry *all;

	if (c->n > 1 && c->n < c->many.cap)
		return true;
	all = realloc(c->n > 1 ? c->many.all : NULL, cap * sizeof(*all));
	if (!all)
		return false;
	if (c->n == 1)
		all[0] = c->one;
	c->many.all = all;
	c->many.cap = cap;
	return true;
}

struct journal_entry *journal_chain_insert(
	struct journal *j, struct chain *c, uint32_t at, uint32_t epoch)
{
	struct journal_entry *entries;
	bool is_oldest = at == c->n;

	if (is_oldest && c->n > 0)
		unfile(j, c, journal_chain_entries(c)[c->n - 1].epoch);
	if (c->n > 0 && !reserve(c)) {
		if (is_oldest)
			file(j, c);
		return NULL;
	}
	entries = c->n > 0 ? c->many.all : &c->one;
	memmove(&entries[at + 1], &entries[at], (c->n - at) * sizeof(*entries));
	c->n++;
	entries[at] = (struct journal_entry){.epoch = epoch};
	if (is_oldest)
		file(j, c);
	return &entries[at];
}

void journal_chain_replace(
	struct journal *j, struct chain *c, struct journal_entry *entries, uint32_t n, uint32_t cap)
{
	if (c->n > 0)
		unfile(j, c, journal_chain_entries(c)[c->n - 1].epoch);
	if (c->n > 1)
		free(c->many.all);
	c->n = n;
	if (n > 1) {
		c->many.all = entries;
		c->many.cap = cap;
	} else {
		if (n == 1)
			c->one = entries[0];
		free(entries);
	}
	if (n > 0)
		file(j, c);
}

/* Keep the newest n entries, at least one fewer than there are. */
static void keep_newest(struct chain *c, uint32_t n)
{
	if (n <= 1 && c->n > 1) {
		struct journal_entry *all = c->many.all;

		c->one = all[0];
		free(all);
	}
	c->n = n;
}

void journal_chain_forget(struct journal *j, uint32_t epoch)
{
	for (size_t i = 0; i < j->n_epochs && j->epochs[i].epoch <= epoch; i++) {
		while (j->epochs[i].chains) {
			struct chain *c = slab_at(&j->chains, j->epochs[i].chains);
			const struct journal_entry *entries = journal_chain_entries(c);
			uint32_t n = c->n;

			unfile(j, c, j->epochs[i].epoch);
			while (n > 0 && entries[n - 1].epoch <= epoch)
				journal_epoch_take(j, c, &entries[--n]);
			keep_newest(c, n);
			if (n > 0)
				file(j, c);
			journal_table_drop_if_empty(j, c);
		}
	}
}

void journal_chain_fini(const struct chain *c)
{
	if (c->n > 1)
		free(c->many.all);
}

/* ---- Attempts: few at a time, in one array for all chains ---- */

bool journal_attempt_add(struct journal *j, struct chain *c, const struct attempt *attempt)
{
	uint32_t number = j->unused_attempt;

	if (!number) {
		uint32_t cap = j->cap_attempts ? j->cap_attempts * 2 : ATTEMPTS_FIRST;
		struct attempt *grown = realloc(j->attempts, cap * sizeof(*grown));

		if (!grown)
			return false;
		/* The first is not used: 0 is none. */
		for (uint32_t i = j->cap_attempts ? j->cap_attempts : 1; i < cap; i++)
			grown[i].next = i + 1 < cap ? i + 1 : 0;
		number = j->cap_attempts ? j->cap_attempts : 1;
		j->attempts = grown;
		j->cap_attempts = cap;
	}
	j->unused_attempt = j->attempts[number].next;
	j->attempts[number] = *attempt;
	j->attempts[number].next = c->attempts;
	c->attempts = number;
	return true;
}

bool journal_attempt_end(
	struct journal *j, struct chain *c, uint64_t stamp, bool is_repair, struct attempt *was)
{
	for (uint32_t *at = &c->attempts; *at; at = &j->attempts[*at].next) {
		uint32_t number = *at;
		struct attempt *a = &j->attempts[number];

		if (a->stamp != stamp || a->is_repair != is_repair)
			continue;
		*was = *a;
		*at = a->next;
		a->next = j->unused_attempt;
		j->unused_attempt = number;
		return true;
	}
	return false;
}

size_t journal_attempt_count(const struct journal *j, const struct chain *c)
{
	size_t n = 0;

	for (uint32_t at = c->attempts; at; at = j->attempts[at].next)
		n++;
	return n;
}
