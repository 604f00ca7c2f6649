/*
 * journal_internal - shared by the files of the journal: journal.c applies records and answers
 * queries, kept.c takes and restores snapshots, table.c finds chains, chain.c changes them, epoch.c
 * has the sums of epochs, decide.c compares two sides.  One thread.
 */
#ifndef JOURNAL_JOURNAL_INTERNAL_H
#define JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"
#include "journal/slab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A write or repair that Redis has not answered yet. */
struct attempt {
	uint64_t stamp;
	uint32_t next; /* of its chain, or of those not in use; 0: none */
	bool is_repair, mixed;
	enum journal_kind kind;
};

/* In the slab; other chains have its number. */
struct chain {
	uint32_t len;      /* of the key */
	uint32_t n;        /* entries */
	uint32_t number;   /* its own */
	uint32_t attempts; /* the first; 0: none */
	uint32_t before;   /* in the list of those whose oldest entry has the same epoch; 0: none */
	uint32_t behind;
	uint64_t hash, repaired;
	union {
		struct journal_entry one; /* up to one entry */
		struct {
			struct journal_entry *all; /* newest first */
			uint32_t cap;
		} many;
	};
	uint8_t key[];
};

struct table {
	uint64_t *slots; /* 0: unused */
	size_t n_slots;  /* a power of two */
	size_t n_used;
};

struct journal {
	struct table table;
	struct table old; /* of half the size, whose slots are being moved to the other; or empty */
	size_t moved;     /* of them */
	struct slab chains;
	struct attempt *attempts; /* of all chains */
	uint32_t cap_attempts, unused_attempt;
	size_t n_entries;
	struct journal_epoch *epochs; /* oldest first */
	size_t n_epochs, cap_epochs;
	uint32_t forgotten, closed;
	uint32_t dropped; /* the newest epoch of which a repair removed an entry */
	uint64_t seed;
	uint32_t number;     /* of this journal in the process */
	uint32_t last_place; /* the chain of the last attempt */
};

/* A key and its hash. */
struct journal_name {
	const void *key;
	size_t len;
	uint64_t hash;
};

/* hash: 0 when it is not known. */
static inline struct journal_name journal_name_of(
	const struct journal *j, const void *key, size_t len, uint64_t hash)
{
	return (struct journal_name){key, len, hash ? hash : journal_key_hash(j, key, len)};
}

static inline struct journal_entry *journal_chain_entries(struct chain *c)
{
	return c->n > 1 ? c->many.all : &c->one;
}

/* A mixing function: a bijection of 64 bits whose results look random. */
uint64_t journal_mix(uint64_t x);

/* ---- table.c ---- */

/* The chain of a key, or NULL; _make creates an empty one if there is none, NULL when out of
 * memory. */
struct chain *journal_table_find(const struct journal *j, const struct journal_name *name);
struct chain *journal_table_make(struct journal *j, const struct journal_name *name);

/* Remove a chain without entries or attempts. */
void journal_table_drop_if_empty(struct journal *j, struct chain *c);

/* Free the table, not its chains. */
void journal_table_fini(struct journal *j);

/* ---- chain.c: the epochs of entries exist ---- */

/* Insert an entry that is empty but for its epoch.  NULL when out of memory. */
struct journal_entry *journal_chain_insert(
	struct journal *j, struct chain *c, uint32_t at, uint32_t epoch);

/* Replace the entries by the n of an array for cap of them, which it owns or frees. */
void journal_chain_replace(struct journal *j, struct chain *c, struct journal_entry *entries,
	uint32_t n, uint32_t cap);

/* Remove the entries up to an epoch, from all chains. */
void journal_chain_forget(struct journal *j, uint32_t epoch);

/* Free what a chain has outside of the slab. */
void journal_chain_fini(const struct chain *c);

/* Add an attempt, false when out of memory; end one, false when the chain has no such one; how many
 * there are. */
bool journal_attempt_add(struct journal *j, struct chain *c, const struct attempt *attempt);
bool journal_attempt_end(
	struct journal *j, struct chain *c, uint64_t stamp, bool is_repair, struct attempt *was);
size_t journal_attempt_count(const struct journal *j, const struct chain *c);

/* ---- epoch.c ---- */

/* An epoch, or NULL; _make creates an empty one if there is none, NULL when out of memory. */
struct journal_epoch *journal_epoch_find(const struct journal *j, uint32_t epoch);
struct journal_epoch *journal_epoch_make(struct journal *j, uint32_t epoch);

/* Add an entry to its epoch's sum, or take it out; the epoch exists.  The epoch is no longer
 * settled. */
void journal_epoch_add(struct journal *j, const struct chain *c, const struct journal_entry *e);
void journal_epoch_take(struct journal *j, const struct chain *c, const struct journal_entry *e);

/* Remove the epochs without entries. */
void journal_epoch_drop_empty(struct journal *j);

/* ---- kept.c ---- */

/* Put a chain of a snapshot in the place of what is there, and the marks of an epoch.  False when
 * out of memory. */
bool journal_kept_chain(struct journal *j, struct chain *c, const struct journal_record *r);
void journal_kept_epoch(struct journal *j, const struct journal_epoch *marks);

/* A chain as others see it. */
struct journal_chain journal_view(const struct journal *j, const struct chain *c);

#ifdef __cplusplus
}
#endif

#endif
