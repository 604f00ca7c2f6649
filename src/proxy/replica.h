/*
 * replica - where requests are sent: the datastore behind this node, or a peer.  A few connections
 * that are kept up, each with the legs that wait for their replies on it.
 *
 * What both have in common is here: lanes, limits, patience, figures.  datastore and peer make
 * replicas, and add what they speak.  What could not be sent, or was never answered, is counted.
 * Event loop's thread.
 */
#ifndef PROXY_REPLICA_H
#define PROXY_REPLICA_H

#include "proxy/call.h"
#include "proxy/counters.h"
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
	size_t node;                        /* index in the ring's nodes; 0: the datastore */
	const char *address;                /* "host:port", or a path; borrowed */
	const struct uplink_policy *policy; /* borrowed */
	size_t n_connections;
	size_t queue_max;       /* legs under way per connection */
	size_t queue_bytes_max; /* waiting to be written per connection */
	int64_t timeout_ms; /* a connection that lets a leg wait for twice as long is given up */
	/* It was away, so that it may have missed or lost writes, and is back.  May be NULL. */
	void (*back)(void *arg, size_t node);
	void *back_arg;
	/* A leg that writes ends: what became of the write here.  The leg's call is still there.
	 * With misses_only, told of what was missed or is not known alone. */
	void (*written)(void *arg, size_t node, const struct leg *leg, enum write_fate fate);
	void *written_arg;
	bool misses_only;
};

/* One connection. */
struct replica_line {
	struct uplink uplink; /* first: the uplink's functions give it back */
	struct replica *replica;
	TAILQ_HEAD(replica_legs, leg) legs; /* in the order they were sent in */
	size_t n_legs;
	int64_t silent_since_ms; /* a leg waits and nothing has come; 0: not so at the last check */
	bool was_up;             /* since it was last dialled */
	bool missed;             /* a request was refused or lost since it was last up */
};

/* What the datastore and a peer do each in its way. */
struct replica_kind {
	size_t replica_bytes; /* of the struct that begins with struct replica */
	size_t line_bytes;    /* of the struct that begins with struct replica_line */
	/* Why a leg failed. */
	const char *is_down, *is_full, *went_away;
	/* Connected; what is sent from within this goes ahead of what was queued before. */
	void (*up)(struct replica_line *l);
	/* Out of order: log it.  Its legs fail after this. */
	void (*down)(struct replica_line *l, const char *why);
	/* Forget what belongs to the connection that has ended. */
	void (*forget)(struct replica_line *l);
	/* Bytes have arrived: as conn_ops.bytes. */
	size_t (*bytes)(struct replica_line *l, const uint8_t *bytes, size_t len);
	/* Queue a request.  False when memory is short. */
	bool (*send)(struct replica_line *l, struct leg *leg, const uint8_t *bytes, size_t len);
	/* A request has failed.  May be NULL. */
	void (*failed)(struct replica *r, const char *why);
	/* From time to time, after connections that do not answer were given up.  May be NULL. */
	void (*check)(struct replica *r, int64_t now_ms);
};

struct replica {
	const struct replica_kind *kind;
	struct replica_options options;
	struct replica_counters counters;
	struct lanes lanes;
	char *lines;   /* options.n_connections, kind->line_bytes apart */
	bool stopping; /* it is being released: nothing is news any more */
};

/* ---- For the proxy ---- */

/* Close its connections, fail what waits, and release it; NULL is harmless. */
void replica_free(struct replica *r);

/* Connect now, not with the first request. */
void replica_preconnect(struct replica *r);

/* It may be back from where it was: try it now. */
void replica_nudge(struct replica *r);

/* Whether a request would be queued now. */
bool replica_is_usable(const struct replica *r);

/* Send a request (RESP) for a leg, which ends here or with its reply. */
void replica_send(struct replica *r, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* There is no memory for a leg that would be like this one: the replica is not even sent it. */
void replica_pass_by(struct replica *r, const struct leg *like);

/* Give up connections that do not answer.  To be called a few times each timeout. */
void replica_check(struct replica *r, int64_t now_ms);

/* Take it out of use, put it back, and close its connections to begin anew. */
void replica_set_down(struct replica *r);
void replica_set_up(struct replica *r);
void replica_reset(struct replica *r);

/* Fill c with what it has counted so far, and with its state. */
void replica_count(const struct replica *r, struct replica_counters *c);

/* ---- For the kinds ---- */

/* Zeroed but for what is above.  NULL when memory is short, or the address is none. */
struct replica *replica_new(const struct replica_kind *kind, const struct replica_options *options);

static inline struct replica_line *replica_line_at(const struct replica *r, size_t i)
{
	return (struct replica_line *)(r->lines + i * r->kind->line_bytes);
}

/* A leg waits no more: its reply is there, or there will be none. */
static inline void replica_unqueue(struct replica_line *l, struct leg *leg)
{
	TAILQ_REMOVE(&l->legs, leg, next);
	l->n_legs--;
}

/* There is no reply to count on: count it, tell of it, and end the leg. */
void replica_leg_failed(struct replica *r, struct leg *leg, enum write_fate fate, const char *why);

/* Count a request that has failed, whose leg the caller ends. */
void replica_note_failure(struct replica *r, const char *why);

/* Tell what became of a leg's write, if it is one, before the leg ends. */
static inline void replica_tell(
	const struct replica *r, const struct leg *leg, enum write_fate fate)
{
	bool is_missed = fate == WRITE_MISSED || fate == WRITE_UNKNOWN;

	if (leg->is_write && r->options.written && (is_missed || !r->options.misses_only))
		r->options.written(r->options.written_arg, r->options.node, leg, fate);
}

/* What a reply says of a write. */
enum write_fate replica_fate(const uint8_t *reply, size_t len);

/* Tell that it is back. */
void replica_is_back(struct replica *r);

#ifdef __cplusplus
}
#endif

#endif
