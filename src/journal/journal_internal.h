/*
 * journal_internal - shared by the files of the journal: journal.c applies records and answers
 * queries, kept.c takes and restores snapshots, table.c holds chains and epochs, decide.c compares
 * two sides.  One thread.
 */
#ifndef JOURNAL_JOURNAL_INTERNAL_H
#define JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A write or repair that Redis has not answered yet. */
struct attempt {
	uint64_t stamp;
	bool is_repair, mixed;
	enum journal_kind kind;
};

struct chain {
	struct chain *next;            /* in its bucket */
	struct journal_entry *entries; /* newest first */
	struct attempt *attempts;
	uint32_t n, cap, n_attempts, cap_attempts;
	uint64_t hash, repaired;
	size_t len;
	uint8_t key[];
};

struct journal {
	struct chain **buckets;
	size_t n_buckets, n_chains, n_entries;
	struct journal_epoch *epochs; /* oldest first */
	size_t n_epochs, cap_epochs;
	uint32_t forgotten, closed;
	uint32_t dropped; /* the newest epoch of which a repair removed an entry */
	uint64_t seed;
};

/* A mixing function: a bijection of 64 bits whose results look random. */
uint64_t journal_mix(uint64_t x);

/* The chain of a key, or NULL; _make creates an empty one if there is none, NULL when out of
 * memory. */
struct chain *journal_table_find(const struct journal *j, const void *key, size_t len);
struct chain *journal_table_make(struct journal *j, const void *key, size_t len);

/* Remove a chain without entries or attempts. */
void journal_table_drop_if_empty(struct journal *j, struct chain *c);
void journal_table_free_chain(struct chain *c);

/* An epoch, or NULL; _make creates an empty one if there is none, NULL when out of memory. */
struct journal_epoch *journal_epoch_find(const struct journal *j, uint32_t epoch);
struct journal_epoch *journal_epoch_make(struct journal *j, uint32_t epoch);

/* Add an entry to its epoch's sum, or take it out; the epoch exists.  The epoch is no longer
 * settled. */
void journal_epoch_add(struct journal *j, const struct chain *c, const struct journal_entry *e);
void journal_epoch_take(struct journal *j, const struct chain *c, const struct journal_entry *e);

/* Put a chain of a snapshot in the place of what is there, and the marks of an epoch.  False when
 * out of memory. */
bool journal_kept_chain(struct journal *j, struct chain *c, const struct journal_record *r);
void journal_kept_epoch(struct journal *j, const struct journal_epoch *marks);

/* A chain as others see it. */
struct journal_chain journal_view(const struct chain *c);

/* Remove the epochs without entries. */
void journal_epoch_drop_empty(struct journal *j);

#ifdef __cplusplus
}
#endif

#endif
