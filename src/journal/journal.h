/*
 * journal - the recent writes, by key and epoch, until every replica has them.
 *
 * The chain of a key has an entry for each epoch in which the key was written, newest first.  Each
 * epoch has a sum of hashes of its entries: two nodes with equal sums took the same writes, so that
 * they can compare epochs without reading keys.
 *
 *     journal_arrival() (a verdict) -> journal_do(record) -> the caller's log of records
 *
 * Every change is a record, and only journal_do() makes changes: replaying the log from its start
 * gives the same journal.  No I/O and no clock.  One thread.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most peers that share keys with this node; a mask has a bit for each. */
#define JOURNAL_PEERS_MAX 64

enum journal_kind {
	JOURNAL_UPDATE,    /* the result depends on the former value: INCR */
	JOURNAL_OVERWRITE, /* the result does not: SET */
	JOURNAL_DELETE,    /* the key is removed: DEL */
};

/* The writes of one key in one epoch. */
struct journal_entry {
	uint64_t newest;    /* stamp */
	uint64_t overwrite; /* the newest stamp of a plain overwrite or delete; 0: none */
	uint64_t sum;       /* of hashes of the stamps of all writes, mod 2^64 */
	uint32_t epoch;
	uint32_t count; /* of the writes */
	bool mixed;     /* the content may differ from another node's with the same writes */
};

/* The chain of a key.  Entries newest first, borrowed until the next journal_do(). */
struct journal_chain {
	const struct journal_entry *entries;
	size_t n;
	uint64_t repaired; /* the newest stamp received by a repair; 0: none */
	size_t under_way;  /* writes and repairs that Redis has not answered yet */
	uint64_t hash;     /* of the key, with the journal's seed; 0 when it has no chain */
};

struct journal_epoch {
	uint32_t epoch;
	uint32_t n_mixed;   /* entries */
	uint32_t n_entries; /* all of them */
	uint64_t sum;
	uint64_t settled; /* mask: peers known to have this sum */
	uint64_t said;    /* mask: peers that have settled this sum with all their peers */
	uint32_t repairs; /* how often a repair replaced the content of one of its keys */
	uint32_t chains;  /* the journal's own */
};

/* What to do with a write that arrives. */
enum journal_verdict {
	JOURNAL_CARRY_OUT,
	JOURNAL_CARRY_OUT_MIXED, /* carry out an update that arrives after a newer one; mixed */
	JOURNAL_COUNT,           /* count only: a newer overwrite supersedes it */
	JOURNAL_COUNT_MIXED,     /* count only, mixed: newer updates were made without it */
	JOURNAL_LEAVE,           /* ignore: a repair has already brought it, or a newer overwrite */
	JOURNAL_LEAVE_MIXED, /* ignore, mixed: a repair brought newer updates, perhaps without it */
	JOURNAL_WAIT, /* a newer write, or a repair, of the key is under way: ask again after it */
};

enum journal_action {
	JOURNAL_SENT,       /* write: sent to Redis */
	JOURNAL_TAKEN,      /* write: carried out by Redis */
	JOURNAL_WITHDRAWN,  /* write, repair: Redis changed nothing */
	JOURNAL_COUNTED,    /* write: not carried out, but counted (mixed or not) */
	JOURNAL_LEFT,       /* write: not carried out, not counted, mixed */
	JOURNAL_REPAIR,     /* repair: sent to Redis */
	JOURNAL_REPAIRED,   /* repair: carried out by Redis; entries become the key's chain */
	JOURNAL_ALIGNED,    /* entries become the key's chain; its content is the same already */
	JOURNAL_SETTLED,    /* peer, epoch, sum: both nodes have this sum */
	JOURNAL_SAID,       /* peer, epoch, sum: the peer has settled it with all its peers */
	JOURNAL_CLOSED,     /* epoch: refuse writes of it and of earlier ones from now on */
	JOURNAL_FORGOT,     /* epoch: it and all earlier ones are forgotten */
	JOURNAL_DROPPED,    /* epoch: the journal_horizon() of a node whose dataset equals ours */
	JOURNAL_REPUDIATED, /* peer: it lost data, so what it settled or said no longer counts */

	/* The parts of a snapshot, which are done again like other records. */
	JOURNAL_KEPT_LIMITS, /* limits */
	JOURNAL_KEPT_CHAIN,  /* key, entries, stamp: the newest received by a repair */
	JOURNAL_KEPT_EPOCH,  /* marks: the sum is not used, since that of the entries counts */
};

/* How far a journal reaches. */
struct journal_limits {
	uint32_t forgotten, closed, dropped;
};

struct journal_record {
	enum journal_action action;
	const void *key;
	size_t len;
	uint64_t stamp; /* of a write, or the newest of a repair */
	enum journal_kind kind;
	bool mixed;
	const struct journal_entry *entries; /* newest first */
	size_t n_entries;
	uint32_t peer;
	uint32_t epoch; /* of a repair or alignment: the journal_horizon() of where it came from */
	uint64_t sum;
	const struct journal_limits *limits;
	const struct journal_epoch *marks;

	/* What is known already of where the key is: both are only to save time, and are no part of
	 * the record. */
	uint64_t hash;  /* journal_key_hash(); 0: not known */
	uint64_t place; /* journal_last_place(), until the attempt is answered; 0: not known */
};

struct journal;

/* NULL when out of memory; release it with journal_free().  seed keys the hashes of the sums, and
 * must be the same in all nodes of a ring. */
struct journal *journal_new(uint64_t seed);
void journal_free(struct journal *j);

/* What to do with a write of the key that arrives now.  Changes nothing. */
enum journal_verdict journal_arrival(const struct journal *j, const void *key, size_t len,
	uint64_t stamp, enum journal_kind kind);

/* The same with the key's journal_key_hash(). */
enum journal_verdict journal_arrival_hashed(const struct journal *j, const void *key, size_t len,
	uint64_t hash, uint64_t stamp, enum journal_kind kind);

/* Apply a record.  False, with nothing changed, when out of memory. */
bool journal_do(struct journal *j, const struct journal_record *r);

/* Where the key of the last JOURNAL_SENT or JOURNAL_REPAIR is, for the record of what became of
 * that attempt.  Another journal takes it as not known. */
uint64_t journal_last_place(const struct journal *j);

/* Read the memory in which a key will be looked for. */
void journal_prefetch(const struct journal *j, uint64_t hash);

/* The key's chain; an empty one when the key has none. */
struct journal_chain journal_look(const struct journal *j, const void *key, size_t len);

/* A hash of a chain, for a compare-and-set: a different chain has a different one. */
uint64_t journal_chain_digest(const struct journal_chain *c);

/* The hash of a key, the same in all nodes of a ring. */
uint64_t journal_key_hash(const struct journal *j, const void *key, size_t len);

/* The hash of an entry of the key with this hash, which its epoch's sum adds. */
uint64_t journal_entry_hash(uint64_t key_hash, const struct journal_entry *e);

/* The epochs that have entries, oldest first; *n of them, borrowed until the next journal_do(). */
const struct journal_epoch *journal_epochs(const struct journal *j, size_t *n);
const struct journal_epoch *journal_find_epoch(
	const struct journal *j, uint32_t epoch); /* or NULL */

/* The newest forgotten epoch; all earlier ones are forgotten as well.  0: none. */
uint32_t journal_forgotten(const struct journal *j);

/* The newest closed epoch: writes of it and of earlier ones are refused, since peers were told that
 * it is complete, or it is forgotten. */
uint32_t journal_closed(const struct journal *j);

/* The newest epoch whose entries may be missing here although their writes are in the dataset: it
 * was forgotten, or removed by a repair from a node that had forgotten it.  A node that lost data
 * up to this epoch cannot rely on epochs, and must compare every key. */
uint32_t journal_horizon(const struct journal *j);

/* Call fn for every key that has an entry, in no particular order. */
void journal_each(const struct journal *j,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg);

/*
 * The same in parts, for a snapshot while the journal changes: *cursor is 0 at first, and n is
 * about how many keys to go through.  False when it was the last part.  A key that is there from
 * the first to the last part is in one of them, perhaps in more.
 */
bool journal_each_part(const struct journal *j, uint64_t *cursor, size_t n,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg);

/* What JOURNAL_KEPT_LIMITS sets. */
struct journal_limits journal_get_limits(const struct journal *j);

/* The number of entries; the memory in bytes. */
size_t journal_n_entries(const struct journal *j);

/* ---- Which side wins --------------------------------------------------------------- */

/* One side of a comparison. */
struct journal_side {
	struct journal_chain chain;
	uint32_t forgotten; /* journal_forgotten() */
	bool behind;        /* its dataset was lost, or restored from an older state */
	uint64_t digest;    /* of the value and its deadline; 0: the key does not exist */
	bool is_home;       /* the chain's newest stamp was drawn in the rack of the node */
	uint32_t unknown;   /* the dataset may hold writes up to this epoch of which the journal
			       never had an entry; 0: none */
};

enum journal_winner {
	JOURNAL_FIRST, /* the first side's value and chain win */
	JOURNAL_SECOND,
	JOURNAL_CONFLICT, /* undecided: both keep theirs; no conflict when the values are equal */
};

/* A side whose unknown is set is behind too. */
enum journal_winner journal_decide(const struct journal_side *a, const struct journal_side *b);

#ifdef __cplusplus
}
#endif

#endif
