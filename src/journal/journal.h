/*
 * journal - what was written lately, key by key and epoch by epoch, until every replica has it.
 *
 * A chain is what is known of a key: an entry for each epoch in which it was written, newest first.
 * Each epoch has the sum of a hash of its entries: two nodes with equal sums took the same writes,
 * so nothing needs to be read to see that they agree.
 *
 *     arrival (a verdict) -> journal_do(record) -> the log, by whoever owns it
 *
 * Every change is a record, and journal_do() alone makes changes: a log of the records, done again
 * from the first, gives the same journal.  No I/O and no clock.  One thread.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nodes that share keys with this one; bits of a mask. */
#define JOURNAL_PEERS_MAX 64

enum journal_kind {
	JOURNAL_UPDATE,    /* what it makes depends on what was there */
	JOURNAL_OVERWRITE, /* it does not: SET */
	JOURNAL_DELETE,    /* likewise: DEL */
};

/* The writes of one key in one epoch. */
struct journal_entry {
	uint64_t newest;    /* stamp */
	uint64_t overwrite; /* the newest stamp of a plain overwrite or delete; 0: none */
	uint64_t sum;       /* of a hash of every stamp that was taken, mod 2^64 */
	uint32_t epoch;
	uint32_t count; /* of them */
	bool mixed;     /* the content may not be what the same writes make elsewhere */
};

/* What is known of a key.  Entries newest first, borrowed until the next journal_do(). */
struct journal_chain {
	const struct journal_entry *entries;
	size_t n;
	uint64_t repaired; /* the newest stamp that a repair brought; 0: none did */
	size_t under_way;  /* writes and repairs that Redis has not answered */
};

struct journal_epoch {
	uint32_t epoch;
	uint32_t n_mixed;   /* entries */
	uint32_t n_entries; /* all of them */
	uint64_t sum;
	uint64_t settled; /* mask: peers that agreed to just this sum */
	uint64_t said;    /* mask: peers that have settled this sum with all of theirs */
	uint32_t repairs; /* contents of its keys that a repair has replaced */
};

/* What is to be done with a write that came. */
enum journal_verdict {
	JOURNAL_CARRY_OUT,
	JOURNAL_CARRY_OUT_MIXED, /* an update that came after a newer write */
	JOURNAL_COUNT,           /* not carried out, for a newer overwrite hides it */
	JOURNAL_COUNT_MIXED,     /* not carried out, though newer updates knew nothing of it */
	JOURNAL_LEAVE,           /* a repair brought it, or newer, already */
	JOURNAL_LEAVE_MIXED,     /* a repair brought newer, maybe without it */
	JOURNAL_WAIT,            /* something newer is under way on the key: ask again then */
};

enum journal_action {
	JOURNAL_SENT,       /* write: it goes to Redis */
	JOURNAL_TAKEN,      /* write: Redis has carried it out */
	JOURNAL_WITHDRAWN,  /* write, repair: it changed nothing */
	JOURNAL_COUNTED,    /* write: not carried out, but counted (mixed or not) */
	JOURNAL_LEFT,       /* write: not carried out, not counted, mixed */
	JOURNAL_REPAIR,     /* repair: it goes to Redis */
	JOURNAL_REPAIRED,   /* repair: Redis has it; entries are the key's chain now */
	JOURNAL_ALIGNED,    /* entries are the key's chain, whose content is what we have */
	JOURNAL_SETTLED,    /* peer, epoch, sum: we agree */
	JOURNAL_SAID,       /* peer, epoch, sum: it has settled that with all of its peers */
	JOURNAL_CLOSED,     /* epoch: no write of it, or before it, is taken from now on */
	JOURNAL_FORGOT,     /* this epoch and all before it */
	JOURNAL_DROPPED,    /* epoch: the journal_horizon() of a node that this one is equal to */
	JOURNAL_REPUDIATED, /* peer: what it said counts no more, for it came back with less */
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
};

struct journal;

/* seed keys the hash of the sums: all nodes of a ring have the same. */
struct journal *journal_new(uint64_t seed);
void journal_free(struct journal *j);

enum journal_verdict journal_arrival(const struct journal *j, const void *key, size_t len,
	uint64_t stamp, enum journal_kind kind);

/* False when memory is short, and nothing is changed. */
bool journal_do(struct journal *j, const struct journal_record *r);

/* The key's chain; an empty one when nothing is known of it. */
struct journal_chain journal_look(const struct journal *j, const void *key, size_t len);

/* A number that changes with all that a compare-and-set has to notice of a chain. */
uint64_t journal_chain_digest(const struct journal_chain *c);

/* The epochs that have entries, oldest first; *n of them, borrowed until the next journal_do(). */
const struct journal_epoch *journal_epochs(const struct journal *j, size_t *n);
const struct journal_epoch *journal_find_epoch(
	const struct journal *j, uint32_t epoch); /* or NULL */

/* Epochs up to this one are forgotten; 0: none. */
uint32_t journal_forgotten(const struct journal *j);

/* Writes of epochs up to this one come too late: others have been told that it is complete, or it
 * is forgotten. */
uint32_t journal_closed(const struct journal *j);

/* The newest epoch of which entries may be missing here though their writes are in the dataset:
 * what is forgotten, or what a repair from a node that had forgotten it took away.  Who came back
 * with less than that has to compare everything. */
uint32_t journal_horizon(const struct journal *j);

/* Every key that has an entry, in any order. */
void journal_each(const struct journal *j,
	void (*fn)(void *arg, const void *key, size_t len, const struct journal_chain *c),
	void *arg);

/* Entries and bytes of memory. */
size_t journal_n_entries(const struct journal *j);

/* ---- Which of two is right --------------------------------------------------------------- */

/* One side of a comparison. */
struct journal_side {
	struct journal_chain chain;
	uint32_t forgotten; /* journal_forgotten() */
	bool behind;        /* its dataset came back with less */
	uint64_t digest;    /* of the content and deadline; 0: the key is not there */
	uint32_t rack;      /* of the node, as writers' racks are numbered */
};

enum journal_winner {
	JOURNAL_FIRST, /* its content, where they differ, and its chain */
	JOURNAL_SECOND,
	JOURNAL_CONFLICT, /* nothing tells: both stay, which is well when the contents are equal */
};

/* rack_of says in which rack the writer of a stamp is. */
enum journal_winner journal_decide(const struct journal_side *a, const struct journal_side *b,
	uint32_t (*rack_of)(uint64_t stamp));

#ifdef __cplusplus
}
#endif

#endif
