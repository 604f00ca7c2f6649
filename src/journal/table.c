#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- Chains ---- */

struct chain *journal_table_find(const struct journal *j, const void *key, size_t len)
{
	uint64_t hash = journal_key_hash(j, key, len);
	struct chain *c = j->buckets[hash & (j->n_buckets - 1)];

	while (c && (c->hash != hash || c->len != len || memcmp(c->key, key, len) != 0))
		c = c->next;
	return c;
}

/* Failure is harmless: lookups are only slower. */
static void grow(struct journal *j)
{
	size_t n = j->n_buckets * 2;
	struct chain **buckets = calloc(n, sizeof(struct chain *));

	if (!buckets)
		return;
	for (size_t i = 0; i < j->n_buckets; i++) {
		struct chain *next;

		for (struct chain *c = j->buckets[i]; c; c = next) {
			next = c->next;
			c->next = buckets[c->hash & (n - 1)];
			buckets[c->hash & (n - 1)] = c;
		}
	}
	free(j->buckets);
	j->buckets = buckets;
	j->n_buckets = n;
}

struct chain *journal_table_make(struct journal *j, const void *key, size_t len)
{
	struct chain *c = journal_table_find(j, key, len);

	if (c)
		return c;
	c = calloc(1, sizeof(*c) + len);
	if (!c)
		return NULL;
	if (j->n_chains >= j->n_buckets)
		grow(j);
	memcpy(c->key, key, len);
	c->len = len;
	c->hash = journal_key_hash(j, key, len);
	c->next = j->buckets[c->hash & (j->n_buckets - 1)];
	j->buckets[c->hash & (j->n_buckets - 1)] = c;
	j->n_chains++;
	return c;
}

void journal_table_free_chain(struct chain *c)
{
	free(c->entries);
	free(c->attempts);
	free(c);
}

/* Remove a chain without entries or attempts. */
void journal_table_drop_if_empty(struct journal *j, struct chain *c)
{
	struct chain **at = &j->buckets[c->hash & (j->n_buckets - 1)];

	if (c->n > 0 || c->n_attempts > 0)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	journal_table_free_chain(c);
	j->n_chains--;
}

/* ---- Epochs ---- */

struct journal_epoch *journal_epoch_find(const struct journal *j, uint32_t epoch)
{
	size_t low = 0, high = j->n_epochs;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (j->epochs[middle].epoch < epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low < j->n_epochs && j->epochs[low].epoch == epoch ? &j->epochs[low] : NULL;
}

struct journal_epoch *journal_epoch_make(struct journal *j, uint32_t epoch)
{
	struct journal_epoch *e = journal_epoch_find(j, epoch);
	size_t at = j->n_epochs;

	if (e)
		return e;
	if (j->n_epochs == j->cap_epochs) {
		size_t cap = j->cap_epochs ? j->cap_epochs * 2 : 16;
		struct journal_epoch *grown = realloc(j->epochs, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		j->epochs = grown;
		j->cap_epochs = cap;
	}
	while (at > 0 && j->epochs[at - 1].epoch > epoch) {
		j->epochs[at] = j->epochs[at - 1];
		at--;
	}
	j->n_epochs++;
	memset(&j->epochs[at], 0, sizeof(j->epochs[at]));
	j->epochs[at].epoch = epoch;
	return &j->epochs[at];
}

/* Add an entry to its epoch's sum, or take it out; the epoch is no longer settled. */
void journal_epoch_add(struct journal *j, const struct chain *c, const struct journal_entry *e)
{
	struct journal_epoch *epoch = journal_epoch_find(j, e->epoch);

	epoch->sum += journal_entry_hash(c->hash, e);
	epoch->n_entries++;
	epoch->n_mixed += e->mixed;
	epoch->settled = epoch->said = 0;
	j->n_entries++;
}

void journal_epoch_take(struct journal *j, const struct chain *c, const struct journal_entry *e)
{
	struct journal_epoch *epoch = journal_epoch_find(j, e->epoch);

	epoch->sum -= journal_entry_hash(c->hash, e);
	epoch->n_entries--;
	epoch->n_mixed -= e->mixed;
	epoch->settled = epoch->said = 0;
	j->n_entries--;
}

void journal_epoch_drop_empty(struct journal *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->n_epochs; i++)
		if (j->epochs[i].n_entries > 0)
			j->epochs[kept++] = j->epochs[i];
	j->n_epochs = kept;
}
