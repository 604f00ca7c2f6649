/*
 * peer - another node of the ring, as this one reaches it: DNODE over a few connections.
 *
 * Answers are matched by message id.  What could not be sent to it, or was never answered, is
 * counted: that is what the entropy channel heals.  Event loop's thread.
 */
#ifndef PROXY_PEER_H
#define PROXY_PEER_H

#include "cluster/ring.h"
#include "proto/dnode.h"
#include "proto/dnode_crypto.h"
#include "proxy/call.h"
#include "proxy/lanes.h"
#include "proxy/uplink.h"

#ifdef __cplusplus
extern "C" {
#endif

struct peer;

struct peer_options {
	const struct ring_node *node; /* borrowed, as is all below */
	const struct uplink_policy *policy;
	const struct dnode_rsa *rsa; /* NULL: a plain link */
	bool same_dc;
	size_t n_connections;
	size_t queue_max;       /* legs under way per connection */
	size_t queue_bytes_max; /* waiting to be written per connection */
	int64_t timeout_ms;
	/* It was down, or missed requests while it was up, and takes them again. */
	void (*back)(void *arg, struct peer *peer);
	void *back_arg;
};

struct peer_counters {
	uint64_t requests, replies;
	uint64_t failures; /* legs without an answer */
	uint64_t missed;   /* of them, writes: what this peer may not have */
	uint64_t bytes_out, bytes_in;
	uint64_t connects;
	size_t queued; /* legs under way now */
	const char *state;
	bool up;
};

/* NULL when memory is short. */
struct peer *peer_new(const struct peer_options *options);
void peer_free(struct peer *p);

const struct ring_node *peer_node(const struct peer *p);

/* Connect now, not with the first request. */
void peer_preconnect(struct peer *p);

/* It may be back from where it was: try it now. */
void peer_nudge(struct peer *p);

/* Whether a message would be queued now. */
bool peer_is_usable(const struct peer *p);

/* Send a request (RESP) for a leg, as a message of leg->type; the leg ends here or with its answer.
 */
void peer_send(struct peer *p, struct leg *leg, const struct lane_keys *keys, const uint8_t *bytes,
	size_t len);

/* There is no memory for a leg: count what the peer is not even sent. */
void peer_pass_by(struct peer *p, bool is_write);

/* Give up connections that do not answer, and see who is well again.  To be called a few times each
 * timeout. */
void peer_check(struct peer *p, int64_t now_ms);

/* Take it out of use, put it back, and close its connections to begin anew. */
void peer_set_down(struct peer *p);
void peer_set_up(struct peer *p);
void peer_reset(struct peer *p);

void peer_count(const struct peer *p, struct peer_counters *c);

#ifdef __cplusplus
}
#endif

#endif
