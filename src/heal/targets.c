#include "heal/targets.h"

#include "journal/marker.h"

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
		if (i > 0) { /* not this node, which is known by its recon_listen */
			of_host = i;
			n_of_host++;
		}
	}
	if (is_own(t, &a))
		return 0;
	return n_of_host == 1 ? of_host : SIZE_MAX;
}

static void choose_sent(struct heal_targets *t)
{
	for (size_t i = 0; i < t->conf->recon_peers.n; i++) {
		if (!heal_targets_takes_part(t, i))
			continue;
		t->sent_endpoints[t->n_sent] = t->conf->recon_peers.items[i];
		t->sent_nodes[t->n_sent++] = t->nodes[i];
	}
}

bool heal_targets_init(struct heal_targets *t, const struct conf *conf, const struct ring *ring)
{
	size_t n = conf->recon_peers.n;

	memset(t, 0, sizeof(*t));
	t->ring = ring;
	t->conf = conf;
	t->nodes = calloc(n + 1, sizeof(*t->nodes));
	t->sent_endpoints = calloc(n + 1, sizeof(*t->sent_endpoints));
	t->sent_nodes = calloc(n + 1, sizeof(*t->sent_nodes));
	if (!t->nodes || !t->sent_endpoints || !t->sent_nodes)
		return false;
	for (size_t i = 0; i < n; i++)
		t->nodes[i] = heal_targets_find(t, conf->recon_peers.items[i]);
	choose_sent(t);
	return true;
}

void heal_targets_fini(struct heal_targets *t)
{
	free(t->nodes);
	free(t->sent_endpoints);
	free(t->sent_nodes);
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

	if (marker_is_key(key, len)) /* it says what this node's own Redis has */
		return false;
	return node == SIZE_MAX ||
	       ring_owner(ring, ring->nodes[node].rack, ring_token(ring, key, len)) == node;
}

/* Whether other may have missed writes that node missed: a remote datacenter gets a write through
 * one node. */
static bool misses_with(const struct ring *ring, size_t node, size_t other)
{
	size_t dc = ring->racks[ring->nodes[node].rack].dc;

	return other == node ||
	       (dc != 0 && other != SIZE_MAX && ring->racks[ring->nodes[other].rack].dc == dc);
}

void heal_targets_missed(const struct heal_targets *t, size_t node, bool *due)
{
	bool known = false;

	for (size_t i = 0; i < t->conf->recon_peers.n; i++)
		known = known || t->nodes[i] == node;
	/* A node that matches no target may be any of them: all are due. */
	for (size_t i = 0; i < t->n_sent; i++)
		due[i] = due[i] || !known || misses_with(t->ring, node, t->sent_nodes[i]);
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

/* Whether a node of the ring takes links there. */
static bool is_of_links(const struct heal_targets *t, const char *endpoint)
{
	struct addr a;

	if (!addr_parse(&a, endpoint))
		return false;
	for (size_t i = 0; i < t->ring->n_nodes; i++)
		if (t->ring->nodes[i].addr.port == a.port &&
			strcasecmp(t->ring->nodes[i].addr.host, a.host) == 0)
			return true;
	return false;
}

void heal_targets_warn(const struct heal_targets *t, struct conf_report *report)
{
	if (!t->ring)
		return;
	for (size_t i = 0; i < t->conf->recon_peers.n; i++)
		if (is_of_links(t, t->conf->recon_peers.items[i]))
			conf_report_warning(report, conf_at(t->conf, CONF_KEY_RECON_PEERS),
				"%s is the dyn_listen of a node, which is no receiver: give its "
				"recon_listen (by default the port %d above)",
				t->conf->recon_peers.items[i], CONF_RECON_PORT_ABOVE);
	if (t->ring->n_nodes == 1)
		return;
	for (size_t i = 0; i < t->conf->recon_peers.n; i++) {
		if (t->nodes[i] == SIZE_MAX && !is_of_links(t, t->conf->recon_peers.items[i]))
			conf_report_warning(report, conf_at(t->conf, CONF_KEY_RECON_PEERS),
				"%s is no node of dyn_seeds and is sent every key (a node is known "
				"by its host, and where several share one by a port %d above its "
				"own)",
				t->conf->recon_peers.items[i], CONF_RECON_PORT_ABOVE);
	}
}
