/*
 * recon_ring - what the ring says of the peers of the entropy channel: who is pushed to, and what.
 *
 * The node, dyn-entropy push and dyn-entropy conf all ask here.  Immutable once made: any thread.
 */
#ifndef RECON_RING_H
#define RECON_RING_H

#include "cluster/ring.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum recon_part {
	RECON_EVERY_KEY, /* it is no node of the ring, or there is none */
	RECON_OWNED,     /* the keys that it owns in its rack */
	RECON_NOTHING,   /* it owns no key that this node owns, too */
	RECON_SELF,      /* it is this node's own receiver: likewise */
};

struct recon_ring {
	const struct ring *ring; /* borrowed; NULL: there is none */
	const struct conf *conf; /* borrowed */
	size_t *nodes; /* of the ring, by place in recon_peers; SIZE_MAX: none of them; owned */
};

/* ring may be NULL.  False when memory is short; call recon_ring_fini() in either case. */
bool recon_ring_init(struct recon_ring *r, const struct conf *conf, const struct ring *ring);
void recon_ring_fini(struct recon_ring *r);

/*
 * The node of the ring whose receiver is at this endpoint, or SIZE_MAX: the one whose dyn_listen is
 * CONF_RECON_PORT_ABOVE below it, or else the only one of its host.
 */
size_t recon_ring_find(const struct recon_ring *r, const char *endpoint);

/* What a peer, by its place in recon_peers, is sent. */
enum recon_part recon_ring_part(const struct recon_ring *r, size_t peer);
bool recon_ring_takes_part(const struct recon_ring *r, size_t peer); /* anything at all */

/* Whether a node, which may be SIZE_MAX, is sent a key. */
bool recon_ring_owns(const struct recon_ring *r, size_t node, const void *key, size_t len);

/* In words, for people: "the keys that it owns" and so on. */
const char *recon_part_text(enum recon_part part);

/* Warn of peers that a ring does not know. */
void recon_ring_warn(const struct recon_ring *r, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
