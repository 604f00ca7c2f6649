/*
 * reconciler - version 2 of the channel as a node runs it: the journals of its writes, and sessions
 * with the nodes that own the same keys, in which the newer value of each key wins.
 *
 * The proxy's hooks lead here: a write is stamped, asked about, and recorded with what became of
 * it.  Event loop's thread.
 */
#ifndef REPAIR_RECONCILER_H
#define REPAIR_RECONCILER_H

#include "cluster/ring.h"
#include "journal/recent.h"
#include "journal/state.h"
#include "proxy/proxy.h"
#include "recon/tls.h"
#include "repair/figures.h"
#include "repair/unsettled.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which version of the channel's protocol another node speaks. */
enum reconciler_speech {
	RECONCILER_SPEECH_UNKNOWN, /* it was not reached yet, or not since it is back */
	RECONCILER_SPEAKS_1, /* it ends connections as a node does that speaks version 1 alone */
	RECONCILER_SPEAKS_2, /* it has opened a connection: for good */
};

/* All of it is borrowed. */
struct reconciler_options {
	struct event_base *base;
	const struct ring *ring;
	/* Of each node of the ring: where its receiver listens, "host:port"; NULL: it has none. */
	const char *const *receivers;
	struct recent *recent; /* notes what sessions enter in the journal, and holds it */
	recon_tls_derive_fn derive;
	void *derive_arg;
	struct state *state; /* who this node is, and the clock of its stamps */
	uint64_t log_bytes;  /* the most that the log of writes takes on disk */
	uint32_t n_lanes;    /* connections to the datastore */
	int64_t timeout_ms;  /* of requests */
	/* A node was found to speak version 1 alone.  May be NULL. */
	void (*speaks_1)(void *arg, size_t node);
	void *arg;
};

struct reconciler;

/* NULL, with a message logged, on failure. */
struct reconciler *reconciler_new(const struct reconciler_options *options);

/* After the proxy that it reads and repairs keys through was made with its hooks.  False, with a
 * message logged, on failure. */
bool reconciler_start(struct reconciler *r, struct proxy *proxy);

/* End all sessions, and begin no more. */
void reconciler_stop(struct reconciler *r);

/* After the proxy.  NULL is harmless. */
void reconciler_free(struct reconciler *r);

/* The hooks; arg is the reconciler. */
void reconciler_datastore_up(void *arg);
void reconciler_before_flush(void *arg);
uint64_t reconciler_draw_stamp(void *arg);
void reconciler_write_arrives(void *arg, struct stamped_write *w);
void reconciler_write_ended(void *arg, size_t node, const struct stamped_write *w,
	enum write_fate fate, bool left_unchanged);

/* A node of the ring that was down is back: sessions with it, in a moment. */
void reconciler_node_back(struct reconciler *r, size_t node);

/* Listen to a node that has connected to the receiver's port and speaks TLS; takes over fd. */
void reconciler_accept(struct reconciler *r, int fd);

/* Which version a node of the ring speaks, by its index in ring->nodes. */
enum reconciler_speech reconciler_speech(const struct reconciler *r, size_t node);

/* Sessions now with a node, by its index in ring->nodes (SIZE_MAX: with all), one after the other
 * until all that has been written is settled.  full: every key is compared.  False when it owns no
 * key of this node. */
bool reconciler_run(struct reconciler *r, size_t node, bool full);

/* End all sessions, and begin none, nor take part in one, until it is taken back. */
void reconciler_pause(struct reconciler *r, bool pause);
bool reconciler_is_paused(const struct reconciler *r);

/* The next key that stays different, the newest first: NULL begins, and ends; *node: whom it
 * differs from, by its index in ring->nodes. */
const struct unsettled_key *reconciler_next_unsettled(
	const struct reconciler *r, const struct unsettled_key *last, size_t *node);

/* What was counted until now. */
void reconciler_count(const struct reconciler *r, struct repair_figures *f);

/* How complete this node's data is, a sentence for people.  Static. */
const char *reconciler_condition(const struct reconciler *r);

/* How it goes with a peer. */
struct reconciler_peer {
	struct repair_peer_figures figures;
	const char *why_full;   /* every key is compared; NULL: only recent writes.  Static. */
	const char *why_failed; /* its last session; NULL: it did not.  Until the next call of the
				   event loop. */
};

/* Of a node, by its index in ring->nodes.  False when it owns no key of this node, or speaks
 * version 1 alone. */
bool reconciler_peer(const struct reconciler *r, size_t node, struct reconciler_peer *p);

#ifdef __cplusplus
}
#endif

#endif
