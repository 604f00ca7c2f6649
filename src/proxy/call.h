/*
 * call - a request being carried out: who asked, where it was sent, what was answered.
 *
 *     call --- part --- leg ---> a datastore or peer
 *
 * A call is one request of a client, or one message of another node.  It has one part, or one for
 * each group of keys with the same owners; the replies of the parts are joined.  A part has a leg
 * for each replica that it is sent to.  The origin is answered once; the call lives until its last
 * leg has ended, so that missed writes are counted.  Event loop's thread.
 */
#ifndef PROXY_CALL_H
#define PROXY_CALL_H

#include "base/buf.h"
#include "proto/command.h"
#include "proxy/kept_keys.h"
#include "proxy/outq.h"
#include "proxy/quorum.h"
#include "proxy/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct call;
struct part;

struct leg {
	TAILQ_ENTRY(leg) next;       /* in the queue of its connection, oldest first */
	LIST_ENTRY(leg) same_bucket; /* in a peer's table by id */
	struct part *part;
	uint64_t id;     /* of its DNODE message */
	uint8_t type;    /* of its DNODE message, enum dnode_type */
	uint8_t dc;      /* the replica's datacenter, 0: the local one */
	bool local_rack; /* the replica is in the local rack */
	bool is_write;
	bool is_own;                /* of a request of this node itself, which is not counted */
	bool abandoned;             /* its reply is no longer needed */
	bool again;                 /* it was sent a second time, see proxy/scripts.h */
	uint32_t first_key, n_keys; /* the range of its keys in the call's kept keys */
};

struct part {
	struct call *call;
	struct quorum *quorum;         /* NULL: the local rack's leg decides */
	uint64_t stamp;                /* of a write; 0: none */
	uint8_t local_fate;            /* of a write in the local rack: enum write_fate */
	SLIST_HEAD(, refused) refused; /* legs that wait for local_fate */
	bool decided;
	struct outq reply; /* kept until all parts are decided */
};

/* The side that asked. */
struct call_origin {
	/* Called once, with the reply. */
	void (*answer)(struct call *c, const struct reply *reply);
};

struct call {
	TAILQ_ENTRY(call) next; /* in the list of calls, or of spare ones */
	struct call_list *list;
	const struct call_origin *origin;
	const struct command *command;
	int64_t deadline_ms; /* monotonic */
	uint32_t legs;       /* under way, plus one while the call is being sent */
	uint32_t parts_left; /* not decided */
	uint32_t n_parts;
	uint32_t n_keys;
	uint32_t *part_of; /* the part of each key; NULL for a single part; owned */
	bool answered;
	bool released;               /* its origin takes no answer any more */
	struct part *parts;          /* &one, or owned */
	struct kept_keys keys;       /* that it may change; empty without a hook for writes */
	struct buf evalsha;          /* its request, see proxy/scripts.h */
	struct followers *followers; /* of a write that the local rack is sent first; owned */
	struct part one;
	struct leg first_leg; /* most calls have one */
	bool first_leg_used;
};

/* The calls under way, oldest first: all have the same timeout, so the oldest expires first. */
struct call_list {
	TAILQ_HEAD(call_queue, call) calls;
	struct call *unexpired; /* the first that had not expired at the last check */
	size_t n;
	size_t call_bytes;
	int64_t timeout_ms;
	struct call_queue spare; /* for reuse */
	size_t n_spare;
	uint64_t timeouts; /* calls not answered in time */
};

/* An empty list.  call_bytes is the size of the origin's struct, which begins with struct call. */
void call_list_init(struct call_list *l, size_t call_bytes, int64_t timeout_ms);

/* Fail every call that has expired.  Call it a few times per timeout. */
void call_list_expire(struct call_list *l, int64_t now_ms);

/* Release all calls without answering. */
void call_list_fini(struct call_list *l);

/* A new call with one part, counted as being sent until call_sent().  The rest of the origin's
 * struct is zeroed.  NULL when out of memory. */
struct call *call_new(struct call_list *l, const struct call_origin *origin,
	const struct command *command, int64_t now_ms);

/* Give it n parts instead; takes over part_of (n_keys entries).  False when out of memory. */
bool call_split(struct call *c, uint32_t n, uint32_t *part_of, uint32_t n_keys);

/* A new leg of a part.  NULL when out of memory. */
struct leg *call_leg(struct part *p, uint8_t dc, bool local_rack, bool is_write);

/* All legs have been created.  May release the call. */
void call_sent(struct call *c);

/* A leg has its reply, or failed.  Releases the leg. */
void call_leg_answered(struct leg *leg, const struct reply *reply);
void call_leg_failed(struct leg *leg, const char *why);

/* A leg has an error reply that does not count as an answer (REFUSAL_NO_ANSWER).  Without a quorum
 * it is passed on.  Releases the leg. */
void call_leg_refused(struct leg *leg, const struct reply *reply);

/* Answer with "-ERR text"; replies of legs still under way are ignored. */
void call_refuse(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The origin is closed, or was answered: release the call once its last leg ends. */
void call_release(struct call *c);

#ifdef __cplusplus
}
#endif

#endif
