/*
 * targets - who the entropy channel pushes to, and which keys: the addresses of recon_peers,
 * matched with the nodes of the ring.
 *
 * The node, dyn-entropy push and dyn-entropy conf all use it.  Immutable once made: any thread.
 */
#ifndef HEAL_TARGETS_H
#define HEAL_TARGETS_H

#include "cluster/ring.h"
#include "conf/conf.h"
#include "conf/conf_report.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heal_part {
	HEAL_EVERY_KEY, /* it is not a node of the ring, or there is no ring */
	HEAL_OWNED,     /* the keys that it owns in its rack */
	HEAL_NOTHING,   /* it owns no key that this node owns */
	HEAL_SELF,      /* it is this node's own receiver: nothing either */
};

struct heal_targets {
	const struct ring *ring; /* borrowed; NULL: no ring */
	const struct conf *conf; /* borrowed */
	size_t *nodes; /* of the ring, by place in recon_peers; SIZE_MAX: not a node; owned */
	/* Those that are sent something, in the order of recon_peers: the driver's targets. */
	size_t n_sent;
	const char **sent_endpoints; /* owned; the texts are conf's */
	size_t *sent_nodes;          /* their nodes; owned */
};

/* ring may be NULL.  False when memory is short; call heal_targets_fini() in either case. */
bool heal_targets_init(struct heal_targets *t, const struct conf *conf, const struct ring *ring);
void heal_targets_fini(struct heal_targets *t);

/*
 * The node of the ring whose receiver is at this endpoint, or SIZE_MAX: the one whose dyn_listen is
 * CONF_RECON_PORT_ABOVE below it, or else the only one of its host.
 */
size_t heal_targets_find(const struct heal_targets *t, const char *endpoint);

/* What a target, by its place in recon_peers, is sent. */
enum heal_part heal_targets_part(const struct heal_targets *t, size_t target);
bool heal_targets_takes_part(
	const struct heal_targets *t, size_t target); /* sent anything at all */

/* Whether a node, which may be SIZE_MAX, is sent a key: not one that is a marker. */
bool heal_targets_owns(const struct heal_targets *t, size_t node, const void *key, size_t len);

/*
 * A node of the ring that was down is back: mark in due (n_sent of them) the targets that may have
 * missed writes meanwhile, and leave the others as they are.
 */
void heal_targets_missed(const struct heal_targets *t, size_t node, bool *due);

/* In words, for people: "the keys that it owns" and so on. */
const char *heal_targets_part_text(enum heal_part part);

/* Warn about targets that are not nodes of the ring, or cannot be receivers. */
void heal_targets_warn(const struct heal_targets *t, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
