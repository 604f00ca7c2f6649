/*
 * shares - the parts of a ring in which the same nodes own every key.
 *
 * The tokens of all racks cut the ring into segments.  A share is all segments whose owners, one in
 * each rack, are the same nodes: these hold the same keys there, and can compare what they hold.
 * Where the racks have the same tokens a node has one share; otherwise several.
 *
 * Built once and immutable afterwards: any thread.
 */
#ifndef CLUSTER_SHARES_H
#define CLUSTER_SHARES_H

#include "cluster/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct share {
	/* Of its segments and owners: the same in all nodes whose rings agree on them. */
	uint64_t digest;
	uint32_t *peers; /* the other owners: indices into ring->nodes, by ring_place(); owned
			  */
	size_t n_peers;
};

struct shares {
	struct share *all; /* those of this node, ring->nodes[0]; owned */
	size_t n;
	uint32_t *ends; /* private: the last token of each segment, in order; owned */
	uint32_t *of;   /* private: the share of each segment, or UINT32_MAX; owned */
	size_t n_segments;
};

/* False when out of memory.  Call shares_fini() in either case. */
bool shares_init(struct shares *s, const struct ring *ring);
void shares_fini(struct shares *s);

/* The share of a token, as an index into all; SIZE_MAX: this node does not own it. */
size_t shares_find(const struct shares *s, uint32_t token);

/* The text that names a node to others: datacenter, rack and first token.  At most cap bytes with
 * the NUL; a longer name ends in a hash instead. */
void shares_name(const struct ring *ring, size_t node, char *text, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
