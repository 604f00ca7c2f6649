/*
 * call - a request on its way: what was asked, where it went, what came back.
 *
 *     call --- part --- leg ---> a datastore or peer
 *
 * A call is one request of a client, or one message of another node.  It has one part, or, when its
 * keys have different owners, one for each group of them; their replies are joined.  A part has a
 * leg for each replica that is asked.  Whoever asked is told once; a call lives on until its last
 * leg has ended, so that what a peer missed is counted.  Event loop's thread.
 */
#ifndef PROXY_CALL_H
#define PROXY_CALL_H

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
	TAILQ_ENTRY(leg) next;       /* in its connection's queue, oldest first */
	LIST_ENTRY(leg) same_bucket; /* in a peer's table by id */
	struct part *part;
	uint64_t id;     /* of its DNODE message */
	uint8_t type;    /* likewise: enum dnode_type */
	uint8_t dc;      /* index of the replica's datacenter, 0: the local one */
	bool local_rack; /* the replica of the local rack */
	bool is_write;
	bool abandoned;             /* nobody waits for its answer any more */
	uint32_t first_key, n_keys; /* of the call's kept keys those that it is about */
};

struct part {
	struct call *call;
	struct quorum *quorum; /* NULL: the local rack's leg decides */
	bool decided;
	struct outq reply; /* of a part that waits for the others */
};

/* Who asked. */
struct call_origin {
	/* This is the reply. */
	void (*answer)(struct call *c, const struct reply *reply);
};

struct call {
	TAILQ_ENTRY(call) next; /* in the list of those under way, or of the spare ones */
	struct call_list *list;
	const struct call_origin *origin;
	const struct command *command;
	int64_t deadline_ms; /* monotonic */
	uint32_t legs;       /* under way, and one while it is being sent */
	uint32_t parts_left; /* not decided */
	uint32_t n_parts;
	uint32_t n_keys;
	uint32_t *part_of; /* for each key its part, when there are several; owned */
	bool answered;
	bool released;         /* by its origin: nobody is told */
	struct part *parts;    /* &one, or owned */
	struct kept_keys keys; /* that it may change; none when nobody is to be told of them */
	struct part one;
	struct leg first_leg; /* most calls have one */
	bool first_leg_used;
};

/* The calls under way, oldest first; all have the same time to be answered, so the oldest runs out
 * first. */
struct call_list {
	TAILQ_HEAD(call_queue, call) calls;
	struct call *unexpired; /* the oldest whose time is not up, as far as was looked */
	size_t n;
	size_t call_bytes;
	int64_t timeout_ms;
	struct call_queue spare; /* for reuse */
	size_t n_spare;
	uint64_t timeouts; /* calls that were not answered in time */
};

/* call_bytes: of the origin's struct, which begins with struct call. */
void call_list_init(struct call_list *l, size_t call_bytes, int64_t timeout_ms);

/* Fail every call whose time is up.  To be called a few times each timeout. */
void call_list_expire(struct call_list *l, int64_t now_ms);

/* Release all that is under way; nobody is told. */
void call_list_fini(struct call_list *l);

/* A call that is being sent, with one part; call_sent() ends that.  What the origin's struct has
 * behind it is zero.  NULL when memory is short. */
struct call *call_new(struct call_list *l, const struct call_origin *origin,
	const struct command *command, int64_t now_ms);

/* Give it n parts instead; part_of (n_keys entries) is taken over.  False when memory is short. */
bool call_split(struct call *c, uint32_t n, uint32_t *part_of, uint32_t n_keys);

/* A new leg of a part.  NULL when memory is short. */
struct leg *call_leg(struct part *p, uint8_t dc, bool local_rack, bool is_write);

/* All legs were made.  The call may be gone after this. */
void call_sent(struct call *c);

/* A leg's connection has its reply, or knows that there will be none.  The leg is released. */
void call_leg_answered(struct leg *leg, const struct reply *reply);
void call_leg_failed(struct leg *leg, const char *why);

/* It has a reply, which is no answer to count on (REFUSAL_NO_ANSWER); without a quorum it is passed
 * on. */
void call_leg_refused(struct leg *leg, const struct reply *reply);

/* Answer with "-ERR text" in the place of what the legs may still say. */
void call_refuse(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The origin is gone, or was answered: the call ends with its last leg. */
void call_release(struct call *c);

#ifdef __cplusplus
}
#endif

#endif
