#include "heal/recon_ring.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether this node's own receiver listens there. */
static bool is_own(const struct recon_ring *r, const struct addr *a)
{
	struct addr own;

	if (!r->conf->recon_listen || !addr_parse(&own, r->conf->recon_listen))
		return false;
	return own.port == a->port && strcasecmp(own.host, a->host) == 0;
}

size_t recon_ring_find(const struct recon_ring *r, const char *endpoint)
{
	size_t of_host = SIZE_MAX, n_of_host = 0;
	struct addr a;

	if (!r->ring || !addr_parse(&a, endpoint))
		return SIZE_MAX;
	for (size_t i = 0; i < r->ring->n_nodes; i++) {
		const struct addr *node = &r->ring->nodes[i].addr;

		if (strcasecmp(node->host, a.host) != 0)
			continue;
		if (node->port + CONF_RECON_PORT_ABOVE == a.port)
			return i;
		if (i > 0) { /* this node is known by its recon_listen */
			of_host = i;
			n_of_host++;
		}
	}
	if (is_own(r, &a))
		return 0;
	return n_of_host == 1 ? of_host : SIZE_MAX;
}

bool recon_ring_init(struct recon_ring *r, const struct conf *conf, const struct ring *ring)
{
	r->ring = ring;
	r->conf = conf;
	r->nodes = calloc(conf->recon_peers.n + 1, sizeof(*r->nodes));
	if (!r->nodes)
		return false;
	for (size_t i = 0; i < conf->recon_peers.n; i++)
		r->nodes[i] = recon_ring_find(r, conf->recon_peers.items[i]);
	return true;
}

void recon_ring_fini(struct recon_ring *r)
{
	free(r->nodes);
	memset(r, 0, sizeof(*r));
}

enum recon_part recon_ring_part(const struct recon_ring *r, size_t peer)
{
	size_t node = r->nodes[peer];

	if (node == SIZE_MAX)
		return RECON_EVERY_KEY;
	if (node == 0)
		return RECON_SELF;
	return ring_share(r->ring, 0, node) ? RECON_OWNED : RECON_NOTHING;
}

bool recon_ring_takes_part(const struct recon_ring *r, size_t peer)
{
	enum recon_part part = recon_ring_part(r, peer);

	return part == RECON_EVERY_KEY || part == RECON_OWNED;
}

bool recon_ring_owns(const struct recon_ring *r, size_t node, const void *key, size_t len)
{
	const struct ring *ring = r->ring;

	return node == SIZE_MAX ||
	       ring_owner(ring, ring->nodes[node].rack, ring_token(ring, key, len)) == node;
}

const char *recon_part_text(enum recon_part part)
{
	switch (part) {
	case RECON_EVERY_KEY:
		return "every key";
	case RECON_OWNED:
		return "the keys that it owns";
	case RECON_NOTHING:
		return "nothing: it shares no keys with this node";
	case RECON_SELF:
		return "nothing: it is this node";
	}
	return "?";
}

void recon_ring_warn(const struct recon_ring *r, struct conf_report *report)
{
	if (!r->ring || r->ring->n_nodes == 1)
		return;
	for (size_t i = 0; i < r->conf->recon_peers.n; i++) {
		if (r->nodes[i] == SIZE_MAX)
			conf_warning(report, r->conf, "recon_peers",
				"%s is no node of dyn_seeds and is sent every key (a node is known "
				"by its host, and where several share one by a port %d above its "
				"own)",
				r->conf->recon_peers.items[i], CONF_RECON_PORT_ABOVE);
	}
}
