/*
 * core - one share at one node: its journal, what is known of the peers that own the share too, and
 * how complete this node's dataset is.
 *
 *     recon_core_write() -> carry it out -> recon_core_answered()        a write that arrives
 *     recon_core_hello(), recon_core_hear(), recon_core_forget()         with each session
 *     recon_core_read_done(), recon_core_applied()                       what sessions wait for
 *
 * Every change is a record, which the host appends to its log before the core applies it to the
 * journal.  No I/O and no clock: the time is an argument.  One thread.
 */
#ifndef RECON_CORE_H
#define RECON_CORE_H

#include "journal/journal.h"
#include "journal/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RECON_NAME_MAX 63 /* bytes of a node's name */

/* The time, as the caller has it. */
struct recon_now {
	uint64_t wall_ms; /* since 2020-01-01T00:00:00Z */
	uint64_t mono_ms;
};

/* How far a node's dataset and journal can be relied on. */
enum recon_standing {
	RECON_INTACT,
	RECON_LOST,    /* it came back with less; whether its epochs cover that is not known yet */
	RECON_BEHIND,  /* it lost data that epochs do not cover: every key must be compared */
	RECON_UNKNOWN, /* it has data, but no journal of it: it is filled in, and neither
			  overwritten nor deleted for what was written before its journal began */
};

/* A key's value as it is at one moment. */
struct recon_content {
	bool exists;
	uint64_t deadline_ms; /* Unix time; 0: none */
	const uint8_t *bytes; /* a DUMP payload, borrowed; NULL when the key does not exist */
	size_t len;
	uint64_t digest; /* of value and deadline, never 0; 0 when the key does not exist */
};

/* What became of a write or a repair. */
enum recon_outcome {
	RECON_TAKEN,     /* Redis carried it out */
	RECON_WITHDRAWN, /* Redis changed nothing; of a repair: it refuses the value */
	RECON_UNSURE,    /* the connection was lost: perhaps */
};

/* Why a key stays different.  It is reported, and does not hold up what else is settled. */
enum recon_unsettled {
	RECON_CONFLICT, /* nothing says which of two values is right */
	RECON_REFUSED,  /* this Redis does not take the value */
	RECON_TOO_LARGE,
};

/* What is known of a peer. */
struct recon_peer {
	uint64_t incarnation; /* 0: not heard yet */
	uint32_t forgotten;
};

/* What a core knows besides its journal, as plain data to keep on disk. */
struct recon_kept {
	uint64_t incarnation;
	enum recon_standing standing;
	uint32_t complete;  /* RECON_LOST: all up to this epoch was settled with all */
	uint64_t contacted; /* RECON_LOST: mask, peers that have forgotten no more than that */
	uint64_t compared;  /* otherwise: mask, peers with which every key was compared */
	struct recon_peer peers[JOURNAL_PEERS_MAX];
};

/*
 * What a core and its sessions need of the node.  All functions are called with arg and return at
 * once; read, apply and scan are answered later, by the ticket, or not at all after
 * recon_core_restart().  An answer from within the call is allowed.
 */
struct recon_host {
	/* Append to the log.  The core applies it to the journal afterwards. */
	void (*record)(void *arg, const struct journal_record *r);
	/* What is kept has changed. */
	void (*keep)(void *arg, const struct recon_kept *k);
	/* Read a key on its lane: recon_core_read_done(). */
	void (*read)(void *arg, const void *key, size_t len, uint64_t ticket);
	/* Set or delete a key on its lane: recon_core_applied().  c is borrowed for the call.  The
	 * record of the repair has been appended. */
	void (*apply)(void *arg, const void *key, size_t len, const struct recon_content *c,
		uint64_t ticket);
	/* Go through all keys of the share, as slowly as the node likes: recon_core_scan_key() for
	 * each, at least once, then recon_core_scan_done(). */
	void (*scan)(void *arg, uint64_t ticket);
	/* Whether a stamp was drawn in this node's rack. */
	bool (*is_home)(void *arg, uint64_t stamp);
	/* A key that a session with the peer left different. */
	void (*unsettled)(
		void *arg, uint32_t peer, const void *key, size_t len, enum recon_unsettled why);
};

/* The rules that the simulator leaves out, one at a time, to see that they are needed. */
enum recon_rule {
	RECON_COMPARE_AND_SET = 1 << 0, /* a repair finds the chain that its session saw */
	RECON_SUMS = 1 << 1,            /* entries are compared by the sums of all their writes */
	RECON_LATE_REFUSAL = 1 << 2,    /* of writes older than max_delay_ms, by the clock */
	RECON_MIXED_FOR_OLDER = 1 << 3, /* an older write carried out, or left out, leaves doubt */
	RECON_FORGET_ALL = 1 << 4,      /* when all have said that they settled */
	RECON_FULL_COMPARISON = 1 << 5, /* after others have forgotten more than came back */
	RECON_MIXED_WHILE_BEHIND = 1 << 6, /* an update of a dataset that came back with less */
	RECON_FORGOTTEN_LOSES = 1 << 7,    /* a newest write that the other has forgotten loses */
	RECON_REOPEN = 1 << 8,         /* a settled epoch whose sums differ is looked at again */
	RECON_REOPEN_CONTENT = 1 << 9, /* likewise one whose contents another repair replaced */
	RECON_CLOSE_EPOCHS = 1 << 10,  /* who said that an epoch is complete takes no write of it */
	RECON_WAIT_ITS_TURN = 1 << 11, /* an older write waits for what is under way */
	RECON_FRESH_KEYS = 1 << 12,    /* what was read of a key soon counts for nothing */
};

struct recon_options {
	uint64_t seed;        /* of the sums of journals: the ring's */
	uint64_t share;       /* a digest of the share: its segments and owners */
	uint64_t node;        /* identity of this node */
	const char *name;     /* of this node, for people; copied */
	uint64_t incarnation; /* of the journal: new whenever it does not go on from the former */
	uint64_t peers;       /* mask: the bits of the other owners */
	enum recon_standing standing;  /* without a log: RECON_BEHIND when the dataset is empty,
					  else RECON_UNKNOWN */
	uint32_t max_delay_ms;         /* older writes are refused */
	uint32_t close_ms;             /* epochs older than this are compared */
	unsigned without;              /* of enum recon_rule; 0 in a node */
	struct stamp_clock *clock;     /* the node's, borrowed */
	const struct recon_host *host; /* borrowed */
	void *arg;
};

struct recon_core;

/* NULL when out of memory; release it with recon_core_free(), after its sessions. */
struct recon_core *recon_core_new(const struct recon_options *o, struct recon_now now);
void recon_core_free(struct recon_core *c);

/* ---- The write path ---- */

struct recon_write {
	const void *key;
	size_t len;
	uint64_t stamp;
	enum journal_kind kind;
	bool mixed;     /* it may not do the same on every node */
	uint64_t place; /* recon_core_place(); 0: it is looked for */
};

enum recon_verdict {
	RECON_CARRY_OUT,  /* the record is appended: send it, then recon_core_answered() */
	RECON_DO_NOTHING, /* answer as if it was carried out: a newer write replaced it */
	RECON_WAIT,       /* something newer of the key is under way: ask again after it */
	RECON_TOO_LATE,   /* refused: older than max_delay_ms, or of a closed epoch */
	RECON_TOO_FAR,    /* refused: the stamp is ahead of this node's clock */
	RECON_NO_MEMORY,  /* refused */
};

/* What to do with a write that arrives now, by its own client or by a link.  Advances the node's
 * clock. */
enum recon_verdict recon_core_write(
	struct recon_core *c, const struct recon_write *w, struct recon_now now);

/* Where the key is that was recorded last as carried out, to save time when it is answered; not 0.
 */
uint64_t recon_core_place(const struct recon_core *c);

/* Read the memory in which the keys of writes will be looked for. */
void recon_core_prefetch(const struct recon_core *c, const void *key, size_t len);

/* What became of a write that was to be carried out.  mixed: it may not have done here what it did
 * elsewhere.  Afterwards the writes of the key that wait may be asked again. */
void recon_core_answered(
	struct recon_core *c, const struct recon_write *w, enum recon_outcome outcome);

/* ---- What the host answers ---- */

/* The content of a key, at the moment of Redis' reply; NULL: it could not be read. */
void recon_core_read_done(struct recon_core *c, uint64_t ticket,
	const struct recon_content *content, struct recon_now now);

/* What became of a repair.  Afterwards the writes of the key that wait may be asked again. */
void recon_core_applied(
	struct recon_core *c, uint64_t ticket, enum recon_outcome outcome, struct recon_now now);

/* A key that the scan found: first whether it need be read at all, then its digest. */
bool recon_core_scan_wants(struct recon_core *c, uint64_t ticket, const void *key, size_t len);
void recon_core_scan_key(
	struct recon_core *c, uint64_t ticket, const void *key, size_t len, uint64_t digest);
/* ok: all keys were found. */
void recon_core_scan_done(struct recon_core *c, uint64_t ticket, bool ok, struct recon_now now);

/* ---- With each session, and by a timer ---- */

/* Forget the epochs that all have settled.  Call it about once a second. */
void recon_core_forget(struct recon_core *c, struct recon_now now);

/* ---- After the connection to Redis was lost, or at the start with a log ---- */

/* Begin again with an empty journal.  All sessions of the core have been freed; what was to be
 * answered is not any more.  Then do the records of the log again with recon_core_replay(). */
bool recon_core_restart(struct recon_core *c, const struct recon_kept *k);
bool recon_core_replay(struct recon_core *c, const struct journal_record *r);

/* Append a record and apply it. */
bool recon_core_record(struct recon_core *c, const struct journal_record *r);

/* The dataset has less than the log: some records were not done again. */
void recon_core_came_back(struct recon_core *c, uint64_t incarnation);

/* ---- Views ---- */

const struct journal *recon_core_journal(const struct recon_core *c);
enum recon_standing recon_core_standing(const struct recon_core *c);
const struct recon_kept *recon_core_kept(const struct recon_core *c);

/* Up to when everything is settled with the peer, after a session that began at that time and went
 * well: ms since 2020-01-01T00:00:00Z; 0: every key must be compared first. */
uint64_t recon_core_settled_until(
	const struct recon_core *c, uint32_t peer, struct recon_now began);

/* Whether the next session compares every key with the peer. */
bool recon_core_needs_full(const struct recon_core *c, uint32_t peer);

/* Let sessions compare every key with the peer, or no longer for this reason. */
void recon_core_want_full(struct recon_core *c, uint32_t peer, bool wanted);

#ifdef __cplusplus
}
#endif

#endif
