#include "heal/targets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether this node's own receiver listens there. */
static bool is_own(const struct heal_targets *t, const struct addr *a)
{
	struct addr own;

	if (!t->conf->recon_listen || !addr_parse(&own, t->conf->recon_listen))
		return false;
	return own.port == a->port && strcasecmp(own.host, a->host) == 0;
}

size_t heal_targets_find(const struct heal_targets *t, const char *endpoint)
{
	size_t of_host = SIZE_MAX, n_of_host = 0;
	struct addr a;

	if (!t->ring || !addr_parse(&a, endpoint))
		return SIZE_MAX;
	for (size_t i = 0; i < t->ring->n_nodes; i++) {
		const struct addr *node = &t->ring->nodes[i].addr;

		if (strcasecmp(node->host, a.host) != 0)
			continue;
		if (node->port + CONF_RECON_PORT_ABOVE == a.port)
			return i;
		if (i > 0) { /* this node is known by its recon_listen */
			of_host = i;
			n_of_host++;
		}
	}
	if (is_own(t, &a))
		return 0;
	return n_of_host == 1 ? of_host : SIZE_MAX;
}

bool heal_targets_init(struct heal_targets *t, const struct conf *conf, const struct ring *ring)
{
	t->ring = ring;
	t->conf = conf;
	t->nodes = calloc(conf->recon_peers.n + 1, sizeof(*t->nodes));
	if (!t->nodes)
		return false;
	for (size_t i = 0; i < conf->recon_peers.n; i++)
		t->nodes[i] = heal_targets_find(t, conf->recon_peers.items[i]);
	return true;
}

void heal_targets_fini(struct heal_targets *t)
{
	free(t->nodes);
	memset(t, 0, sizeof(*t));
}

enum heal_part heal_targets_part(const struct heal_targets *t, size_t target)
{
	size_t node = t->nodes[target];

	if (node == SIZE_MAX)
		return HEAL_EVERY_KEY;
	if (node == 0)
		return HEAL_SELF;
	return ring_share(t->ring, 0, node) ? HEAL_OWNED : HEAL_NOTHING;
}

bool heal_targets_takes_part(const struct heal_targets *t, size_t target)
{
	enum heal_part part = heal_targets_part(t, target);

	return part == HEAL_EVERY_KEY || part == HEAL_OWNED;
}

bool heal_targets_owns(const struct heal_targets *t, size_t node, const void *key, size_t len)
{
	const struct ring *ring = t->ring;

	return node == SIZE_MAX ||
	       ring_owner(ring, ring->nodes[node].rack, ring_token(ring, key, len)) == node;
}

const char *heal_targets_part_text(enum heal_part part)
{
	switch (part) {
	case HEAL_EVERY_KEY:
		return "every key";
	case HEAL_OWNED:
		return "the keys that it owns";
	case HEAL_NOTHING:
		return "nothing: it shares no keys with this node";
	case HEAL_SELF:
		return "nothing: it is this node";
	}
	return "?";
}

void heal_targets_warn(const struct heal_targets *t, struct conf_report *report)
{
	if (!t->ring || t->ring->n_nodes == 1)
		return;
	for (size_t i = 0; i < t->conf->recon_peers.n; i++) {
		if (t->nodes[i] == SIZE_MAX)
			conf_report_warning(report, conf_at(t->conf, CONF_KEY_RECON_PEERS),
				"%s is no node of dyn_seeds and is sent every key (a node is known "
				"by its host, and where several share one by a port %d above its "
				"own)",
				t->conf->recon_peers.items[i], CONF_RECON_PORT_ABOVE);
	}
}
