/*
 * journal_internal - what the files of the journal share: journal.c changes and tells, table.c
 * holds chains and epochs, decide.c compares two sides.
 */
#ifndef JOURNAL_JOURNAL_INTERNAL_H
#define JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A write or repair that Redis has not answered. */
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
	uint32_t dropped; /* the newest epoch of an entry that a repair took away */
	uint64_t seed;
};

/* A bijection of 64 bits that looks like chance. */
uint64_t journal_mix(uint64_t x);

/* The chain of a key, or NULL; _make makes an empty one where there is none, NULL when memory is
 * short. */
struct chain *journal_table_find(const struct journal *j, const void *key, size_t len);
struct chain *journal_table_make(struct journal *j, const void *key, size_t len);

/* A chain of which nothing is left goes. */
void journal_table_drop_if_empty(struct journal *j, struct chain *c);
void journal_table_free_chain(struct chain *c);

/* An epoch, or NULL; _make makes an empty one where there is none, NULL when memory is short. */
struct journal_epoch *journal_epoch_find(const struct journal *j, uint32_t epoch);
struct journal_epoch *journal_epoch_make(struct journal *j, uint32_t epoch);

/* An entry comes into its epoch's sum, or leaves it; the epoch is there.  What was agreed on was
 * another sum. */
void journal_epoch_add(struct journal *j, const struct chain *c, const struct journal_entry *e);
void journal_epoch_take(struct journal *j, const struct chain *c, const struct journal_entry *e);

void journal_epoch_drop_empty(struct journal *j);

#ifdef __cplusplus
}
#endif

#endif
