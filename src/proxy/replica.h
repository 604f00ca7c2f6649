/*
 * replica - where requests are sent: the datastore behind this node, or a peer.  It has a few
 * connections that are kept up, each with the legs that wait for a reply on it.
 *
 * Shared by both: lanes, limits, timeouts, counters.  datastore and peer create replicas, and add
 * the protocol.  Requests that were not sent or not answered are counted.  Event loop's thread.
 */
#ifndef PROXY_REPLICA_H
#define PROXY_REPLICA_H

#include "proxy/call.h"
#include "proxy/figures.h"
#include "proxy/lanes.h"
#include "proxy/uplink.h"
#include "proxy/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct replica;

struct replica_options {
	size_t node;                        /* index in ring->nodes; 0: the datastore */
	const char *address;                /* "host:port", or a path; borrowed */
	const struct uplink_policy *policy; /* borrowed */
	size_t n_connections;
	size_t queue_max;       /* limit of legs under way per connection */
	size_t queue_bytes_max; /* limit of bytes to be written per connection */
	int64_t timeout_ms;     /* a connection that does not answer for twice as long is closed */
	/* It is back after being down, so it may have missed or lost writes.  May be NULL. */
	void (*back)(void *arg, size_t node);
	/* Of the datastore: one connection is up again, and so are all. */
	void (*up)(void *arg, size_t node);
	void *back_arg; /* of both */
	/* A leg got an error reply: send it once more in another form.  True: the leg goes on. */
	bool (*again)(void *arg, size_t node, struct leg *leg, const struct reply *reply);
	void *again_arg;
	/* Called with the result of each write here, and the reply if there is one, before its leg
	 * ends; the leg's call still exists.  With misses_only, only for writes that were not
	 * carried out for sure, and where others of the part were refused. */
	void (*written)(void *arg, size_t node, const struct leg *leg, enum write_fate fate,
		const struct reply *reply);
	void *written_arg;
	bool misses_only;
	/* Of a peer: the id of each message, greater than all before.  NULL: they are numbered. */
	uint64_t (*draw_id)(void *arg);
	void *draw_arg;
};

/* One connection. */
struct replica_conn {
	struct uplink uplink; /* first: the uplink's callbacks cast it */
	struct replica *replica;
	TAILQ_HEAD(replica_legs, leg) legs; /* in the order in which they were sent */
	size_t n_legs;
	int64_t silent_since_ms; /* since when legs wait without any input; 0: they did not at the
				    last check */
	bool was_up;             /* since the last attempt to connect */
	bool missed;             /* a request was refused or lost since it was last up */
};

/* What differs between the datastore and peers. */
struct replica_kind {
	size_t replica_bytes; /* of the struct that begins with struct replica */
	size_t conn_bytes;    /* of the struct that begins with struct replica_conn */
	/* Reasons for failed legs. */
	const char *is_down, *is_full, *went_away;
	/* Connected.  What this function sends goes ahead of what was queued before. */
	void (*up)(struct replica_conn *l);
	/* Disconnected: log it.  The legs fail after this. */
	void (*down)(struct replica_conn *l, const char *why);
	/* Discard the state of the connection that has ended. */
	void (*forget)(struct replica_conn *l);
	/* Input, as conn_ops.bytes. */
	size_t (*bytes)(struct replica_conn *l, const uint8_t *bytes, size_t len);
	/* Queue a request.  False when out of memory. */
	bool (*send)(struct replica_conn *l, struct leg *leg, const uint8_t *bytes, size_t len);
	/* A request has failed.  May be NULL. */
	void (*failed)(struct replica *r, const char *why);
	/* Called by replica_check(), after it closed connections that do not answer.  May be NULL.
	 */
	void (*check)(struct replica *r, int64_t now_ms);
};

struct replica {
	const struct replica_kind *kind;
	struct replica_options options;
	struct replica_figures figures; /* what replica_count() does not find elsewhere */
	struct lanes lanes;
	char *conns;   /* options.n_connections, kind->conn_bytes apart */
	bool stopping; /* it is being released: do not report failures */
};

/* ---- For the proxy ---- */

/* Close its connections, fail the waiting legs, and release it; NULL is harmless. */
void replica_free(struct replica *r);

/* Connect now instead of with the first request. */
void replica_preconnect(struct replica *r);

/* It may be reachable again: reconnect without waiting for the timer. */
void replica_nudge(struct replica *r);

/* Whether a request would be queued now. */
bool replica_is_usable(const struct replica *r);

/* Send a request (RESP) for a leg.  The leg ends with its reply or a failure, perhaps in this call.
 */
void replica_send(struct replica *r, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* Count a request that is not sent because there is no memory for its leg; like is a leg with its
 * fields. */
void replica_pass_by(struct replica *r, const struct leg *like);

/* Close connections that do not answer.  Call it a few times per timeout. */
void replica_check(struct replica *r, int64_t now_ms);

/* Take it out of use; put it back; close its connections and connect again. */
void replica_set_down(struct replica *r);
void replica_set_up(struct replica *r);
void replica_reset(struct replica *r);

/* Fill f with what it has counted so far. */
void replica_count(const struct replica *r, struct replica_figures *f);

/* How its first connection is: uplink_state_name(). */
const char *replica_state(const struct replica *r);

/* ---- For the kinds ---- */

/* A replica of a kind; the rest of the kind's struct is zeroed.  NULL when out of memory, or the
 * address is not valid. */
struct replica *replica_new(const struct replica_kind *kind, const struct replica_options *options);

static inline struct replica_conn *replica_conn_at(const struct replica *r, size_t i)
{
	return (struct replica_conn *)(r->conns + i * r->kind->conn_bytes);
}

/* Take a leg out of the queue, because it has its reply or failed. */
static inline void replica_unqueue(struct replica_conn *l, struct leg *leg)
{
	TAILQ_REMOVE(&l->legs, leg, next);
	l->n_legs--;
}

/* A leg failed: count it, report the fate of its write, and end the leg. */
void replica_leg_failed(struct replica *r, struct leg *leg, enum write_fate fate, const char *why);

/* Count a failed request, whose leg the caller ends. */
void replica_note_failure(struct replica *r, const char *why);

/* Whether a leg with an error reply was sent again. */
static inline bool replica_again(
	const struct replica *r, struct leg *leg, const struct reply *reply)
{
	const struct replica_options *o = &r->options;

	return o->again && o->again(o->again_arg, o->node, leg, reply);
}

/* Report the fate of a leg's write, if it is one, before the leg ends. */
static inline void replica_tell(const struct replica *r, const struct leg *leg,
	enum write_fate fate, const struct reply *reply)
{
	struct part *part = leg->part;

	if (!leg->is_write || !r->options.written)
		return;
	if (leg->local_rack)
		part->local_fate = (uint8_t)fate;
	if (fate != WRITE_TAKEN || !r->options.misses_only || !SLIST_EMPTY(&part->refused))
		r->options.written(r->options.written_arg, r->options.node, leg, fate, reply);
}

/* The fate of a write that got this reply. */
enum write_fate replica_fate(const uint8_t *reply, size_t len);

/* Call options.back. */
void replica_is_back(struct replica *r);

#ifdef __cplusplus
}
#endif

#endif
