/*
 * ring - who owns a key: datacenters, their racks, the nodes of a rack and their tokens.
 *
 * Built once from the configuration and immutable afterwards: any thread.  A rack holds every key;
 * within it the owner of a key is the node with the smallest token at or above the key's token, or
 * the first one when there is none.
 */
#ifndef CLUSTER_RING_H
#define CLUSTER_RING_H

#include "base/addr.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RING_DCS_MAX 255 /* a byte holds the index of one */

struct ring_node {
	char *name;       /* "host:port", for people and the control paths; owned */
	struct addr addr; /* of its dyn_listen */
	size_t rack;      /* index into ring->racks */
	uint32_t *tokens; /* in order; owned */
	size_t n_tokens;
	bool is_local; /* this node */
	size_t line;   /* where the file has it; 0: nowhere */
};

struct ring_point {
	uint32_t token;
	uint32_t node; /* index into ring->nodes */
};

struct ring_rack {
	char *name;                /* owned */
	size_t dc;                 /* index into ring->dcs */
	struct ring_point *points; /* by token; owned */
	size_t n_points;
};

struct ring_dc {
	char *name;    /* owned */
	size_t *racks; /* indices into ring->racks; owned */
	size_t n_racks;
};

struct ring {
	struct ring_node *nodes; /* nodes[0] is this node */
	size_t n_nodes;
	struct ring_rack *racks; /* racks[0] is this node's */
	size_t n_racks;
	struct ring_dc *dcs; /* dcs[0] is this node's */
	size_t n_dcs;
	char hash_tag[2]; /* both zero: none */
};

/*
 * Build from datacenter, rack, tokens, dyn_listen, dyn_seeds and hash_tag.  NULL after adding to
 * report what is wrong: a token that two nodes of a rack share (names both), no tokens beside other
 * nodes of the rack (names one), and so on.  A node that is alone in its rack needs none.  A seed
 * that is this node itself is left out.  conf may have been loaded partly: what is wrong in it
 * already is not held against the rest; the ring is NULL then, or one that must not be used.
 */
struct ring *ring_new(const struct conf *conf, struct conf_report *report);
void ring_free(struct ring *r);

/* The token of a key: the hash of what stands between the hash_tag characters, or of all of it. */
uint32_t ring_token(const struct ring *r, const void *key, size_t len);

/* The owner of a token in a rack, as an index into nodes. */
size_t ring_owner(const struct ring *r, size_t rack, uint32_t token);

/* Whether two nodes of different racks both own some key.  Nodes of one rack never do. */
bool ring_share(const struct ring *r, size_t a, size_t b);

/* The node with this name, or SIZE_MAX. */
size_t ring_find(const struct ring *r, const char *name);

/* MurmurHash2, 32 bits, as hash: murmur means it. */
uint32_t ring_murmur(const void *key, size_t len);

#ifdef __cplusplus
}
#endif

#endif
