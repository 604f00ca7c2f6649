/*
 * ring - which node owns a key: datacenters, their racks, the nodes of a rack and their tokens.
 *
 * Built once and immutable afterwards: any thread.  Each rack holds every key.  Within a rack the
 * owner of a key is the node with the smallest token at or above the key's token, or with the
 * smallest of all when there is none.
 */
#ifndef CLUSTER_RING_H
#define CLUSTER_RING_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RING_DCS_MAX 255 /* the index of one fits in a byte */

struct ring_node {
	char *name;       /* "host:port", in messages and URLs; owned */
	struct addr addr; /* of its dyn_listen */
	size_t rack;      /* index into ring->racks */
	uint32_t *tokens; /* in order; owned */
	size_t n_tokens;
	bool is_local; /* this node */
	size_t line;   /* of the configuration; 0: none */
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
	char hash_tag[2]; /* two characters; both zero: none */
};

/* The part of the configuration that an error is about. */
enum ring_key {
	RING_KEY_NONE,
	RING_KEY_DYN_LISTEN,
	RING_KEY_DYN_SEEDS,
	RING_KEY_TOKENS,
};

/* Another node of the configuration; lines count from 1. */
struct ring_seed {
	struct addr addr; /* of its dyn_listen */
	const char *rack, *datacenter;
	const char *tokens; /* decimals, separated by commas */
	size_t line;
};

/* What a ring is built from; borrowed until ring_new() returns. */
struct ring_options {
	const char *listen; /* this node's dyn_listen; NULL: none */
	const char *datacenter, *rack;
	const char *tokens; /* NULL: none */
	size_t tokens_line; /* 0: none */
	const struct ring_seed *seeds;
	size_t n_seeds;
	const char *hash_tag; /* two characters; NULL: none */
	/* Whether the configured value of listen, of rack or datacenter, of tokens was refused, so
	 * that the one here is a substitute.  That has been reported: no errors follow from it. */
	bool bad_listen, bad_place, bad_tokens;
	/* Called for each error.  line is 0 when the error is at the key's own line, if any. */
	void (*report)(void *arg, enum ring_key key, size_t line, const char *message);
	void *report_arg;
};

/*
 * Build a ring; release it with ring_free().  NULL after reporting every error: a token that two
 * nodes of a rack share (names both), no tokens although the rack has other nodes (names one), and
 * so on.  A node that is alone in its rack needs none.  A seed that is this node is left out.
 * Where a bad_ flag is set the ring is NULL, or must not be used.
 */
struct ring *ring_new(const struct ring_options *options);
void ring_free(struct ring *r); /* NULL is harmless */

/* The token of a key: the hash of the part between the hash_tag characters, or of the whole key. */
uint32_t ring_token(const struct ring *r, const void *key, size_t len);

/* The owner of a token in a rack, as an index into nodes. */
size_t ring_owner(const struct ring *r, size_t rack, uint32_t token);

/* Whether two nodes of different racks both own some key.  Nodes of one rack never do. */
bool ring_share(const struct ring *r, size_t a, size_t b);

/* The place of a node among all nodes by datacenter, rack, and first token: the same in every node
 * whose configuration lists the same ones. */
size_t ring_place(const struct ring *r, size_t node);

/* The node with this name, or SIZE_MAX. */
size_t ring_find(const struct ring *r, const char *name);

/* MurmurHash2 of 32 bits, which is what hash: murmur means in Dynomite. */
uint32_t ring_murmur(const void *key, size_t len);

#ifdef __cplusplus
}
#endif

#endif
