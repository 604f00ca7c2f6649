#include "cluster/ring.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OVERLAPS_TOLD                                                                              \
	20 /* reported of one ring: a mistake in a long list can repeat in every entry */

#define MESSAGE_MAX 6144 /* names of racks may be long */

/* A ring that is being built. */
struct builder {
	const struct ring_options *options;
	struct ring *ring;
	size_t overlaps;
	bool wrong; /* an error was reported */
};

void ring_free(struct ring *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_nodes; i++) {
		free(r->nodes[i].name);
		free(r->nodes[i].tokens);
	}
	for (size_t i = 0; i < r->n_racks; i++) {
		free(r->racks[i].name);
		free(r->racks[i].points);
	}
	for (size_t i = 0; i < r->n_dcs; i++) {
		free(r->dcs[i].name);
		free(r->dcs[i].racks);
	}
	free(r->nodes);
	free(r->racks);
	free(r->dcs);
	free(r);
}

__attribute__((format(printf, 4, 5))) static void report(
	struct builder *b, enum ring_key key, size_t line, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	b->wrong = true;
	b->options->report(b->options->report_arg, key, line, message);
}

static bool no_memory(struct builder *b)
{
	report(b, RING_KEY_NONE, 0, "not enough memory for the ring");
	return false;
}

static int compare_tokens(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Read "1,2,3" into node->tokens, and sort them. */
static bool read_tokens(
	struct builder *b, enum ring_key key, const char *text, struct ring_node *node)
{
	size_t n = 1;

	for (const char *c = text; *c; c++)
		n += *c == ',';
	node->tokens = calloc(n, sizeof(*node->tokens));
	if (!node->tokens)
		return no_memory(b);
	for (;;) {
		size_t len = strcspn(text, ",");
		uint64_t token;

		if (number_read(text, len, UINT32_MAX, &token) != NUMBER_OK) {
			report(b, key, node->line,
				"a token of %s is not a decimal of 0..4294967295; give such "
				"numbers, separated by commas",
				node->name);
			return false;
		}
		node->tokens[node->n_tokens++] = (uint32_t)token;
		if (!text[len])
			break;
		text += len + 1;
	}
	qsort(node->tokens, node->n_tokens, sizeof(*node->tokens), compare_tokens);
	return true;
}

static bool find_dc(struct builder *b, const char *name, size_t *index)
{
	struct ring *r = b->ring;
	struct ring_dc *grown;

	for (size_t i = 0; i < r->n_dcs; i++) {
		if (strcmp(r->dcs[i].name, name) == 0) {
			*index = i;
			return true;
		}
	}
	if (r->n_dcs == RING_DCS_MAX) {
		report(b, RING_KEY_DYN_SEEDS, 0, "more than %d datacenters", RING_DCS_MAX);
		return false;
	}
	grown = realloc(r->dcs, (r->n_dcs + 1) * sizeof(*grown));
	if (!grown)
		return no_memory(b);
	r->dcs = grown;
	memset(&grown[r->n_dcs], 0, sizeof(*grown));
	grown[r->n_dcs].name = strdup(name);
	if (!grown[r->n_dcs].name)
		return no_memory(b);
	*index = r->n_dcs++;
	return true;
}

static bool add_rack(struct builder *b, const char *name, size_t dc)
{
	struct ring *r = b->ring;
	struct ring_rack *racks = realloc(r->racks, (r->n_racks + 1) * sizeof(*racks));
	struct ring_dc *d = &r->dcs[dc];
	size_t *indices;

	if (!racks)
		return no_memory(b);
	r->racks = racks;
	indices = realloc(d->racks, (d->n_racks + 1) * sizeof(*indices));
	if (!indices)
		return no_memory(b);
	d->racks = indices;
	memset(&racks[r->n_racks], 0, sizeof(*racks));
	racks[r->n_racks].dc = dc;
	racks[r->n_racks].name = strdup(name);
	if (!racks[r->n_racks].name)
		return no_memory(b);
	indices[d->n_racks++] = r->n_racks++;
	return true;
}

/* Racks with the same name in different datacenters are different racks. */
static bool find_rack(struct builder *b, const char *name, const char *dc_name, size_t *index)
{
	const struct ring *r = b->ring;
	size_t dc = 0;

	if (!find_dc(b, dc_name, &dc))
		return false;
	for (size_t i = 0; i < r->n_racks; i++) {
		if (r->racks[i].dc == dc && strcmp(r->racks[i].name, name) == 0) {
			*index = i;
			return true;
		}
	}
	*index = r->n_racks;
	return add_rack(b, name, dc);
}

/* A new node at the end, not counted until it is complete; NULL when out of memory. */
static struct ring_node *new_node(struct builder *b, const struct addr *addr, size_t line)
{
	struct ring_node *grown =
		realloc(b->ring->nodes, (b->ring->n_nodes + 1) * sizeof(*b->ring->nodes));
	char text[ADDR_TEXT_MAX];
	struct ring_node *node;

	if (!grown) {
		no_memory(b);
		return NULL;
	}
	b->ring->nodes = grown;
	node = &grown[b->ring->n_nodes];
	memset(node, 0, sizeof(*node));
	node->addr = *addr;
	node->line = line;
	node->name = strdup(addr_format(addr, text, sizeof(text)));
	if (!node->name) {
		no_memory(b);
		return NULL;
	}
	b->ring->n_nodes++;
	return node;
}

static bool add_self(struct builder *b)
{
	const struct ring_options *o = b->options;
	struct addr addr = {"localhost", 0};
	struct ring_node *node;

	if (o->bad_listen)
		return false; /* any of the seeds may be this node: no check is possible */
	if (o->listen ? !addr_parse(&addr, o->listen) : o->n_seeds > 0) {
		report(b, RING_KEY_DYN_LISTEN, 0,
			"is missing; give host:port, where the nodes of dyn_seeds connect to this "
			"node");
		return false;
	}
	node = new_node(b, &addr, o->tokens_line);
	if (!node || !find_rack(b, o->rack, o->datacenter, &node->rack))
		return false;
	node->is_local = true;
	return !o->tokens || read_tokens(b, RING_KEY_TOKENS, o->tokens, node);
}

static bool is_wildcard(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool same_tokens(const struct ring_node *a, const struct ring_node *b)
{
	return a->n_tokens == b->n_tokens && a->n_tokens > 0 &&
	       memcmp(a->tokens, b->tokens, a->n_tokens * sizeof(*a->tokens)) == 0;
}

/*
 * Whether a seed, the last node, is this node: all nodes may share one list.  A node that listens
 * on every address is recognised by its place in the ring.
 */
static bool is_self(struct builder *b, const struct ring_node *node)
{
	const struct ring_node *self = &b->ring->nodes[0];

	if (node->addr.port != self->addr.port)
		return false;
	if (strcasecmp(node->addr.host, self->addr.host) == 0)
		return true;
	return is_wildcard(self->addr.host) && node->rack == self->rack && same_tokens(node, self);
}

/* This node is in dyn_seeds too: check that both descriptions agree. */
static void check_self(struct builder *b, const struct ring_node *node)
{
	const struct ring_node *self = &b->ring->nodes[0];

	if (node->rack == self->rack && (same_tokens(node, self) || self->n_tokens == 0))
		return;
	if (b->options->bad_place)
		return; /* its place is unknown */
	report(b, RING_KEY_DYN_SEEDS, node->line,
		"%s is this node, but with another rack, datacenter or tokens than the keys rack, "
		"datacenter and tokens say; make them the same",
		node->name);
}

static void drop_last(struct builder *b)
{
	struct ring_node *node = &b->ring->nodes[--b->ring->n_nodes];

	free(node->name);
	free(node->tokens);
}

/* Take over what only the seed, the last node, says of this node: its tokens, or the address that
 * other nodes use. */
static void adopt(struct builder *b)
{
	struct ring_node *self = &b->ring->nodes[0];
	struct ring_node *node = &b->ring->nodes[b->ring->n_nodes - 1];

	if (self->n_tokens == 0) {
		free(self->tokens);
		self->tokens = node->tokens;
		self->n_tokens = node->n_tokens;
		node->tokens = NULL;
	}
	if (is_wildcard(self->addr.host)) {
		char *name = self->name;

		self->name = node->name;
		node->name = name;
		self->addr = node->addr;
	}
}

static bool add_seed(struct builder *b, const struct ring_seed *seed)
{
	struct ring_node *node = new_node(b, &seed->addr, seed->line);

	if (!node || !find_rack(b, seed->rack, seed->datacenter, &node->rack) ||
		!read_tokens(b, RING_KEY_DYN_SEEDS, seed->tokens, node))
		return false;
	if (is_self(b, node)) {
		check_self(b, node);
		adopt(b);
		drop_last(b);
		return true;
	}
	for (size_t i = 1; i + 1 < b->ring->n_nodes; i++) {
		if (strcasecmp(b->ring->nodes[i].name, node->name) == 0) {
			report(b, RING_KEY_DYN_SEEDS, node->line,
				"%s is there twice; leave one of them, with all its tokens",
				node->name);
			drop_last(b);
			break;
		}
	}
	return true;
}

/* Without tokens a node owns nothing, unless it is alone in its rack. */
static bool check_tokens(struct builder *b)
{
	struct ring_node *self = &b->ring->nodes[0];

	if (self->n_tokens > 0 || b->options->bad_tokens)
		return true;
	for (size_t i = 1; i < b->ring->n_nodes; i++) {
		const struct ring_node *other = &b->ring->nodes[i];

		if (other->rack != self->rack)
			continue;
		report(b, RING_KEY_TOKENS, other->line,
			"is missing: %s, this node, shares rack %s of datacenter %s with %s; give "
			"the tokens by which they share its keys",
			self->name, b->options->rack, b->options->datacenter, other->name);
		return true;
	}
	return read_tokens(b, RING_KEY_TOKENS, "0", self);
}

static int compare_points(const void *a, const void *b)
{
	const struct ring_point *x = a, *y = b;

	if (x->token != y->token)
		return x->token < y->token ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static void report_overlap(struct builder *b, const struct ring_rack *rack, size_t i)
{
	const struct ring *r = b->ring;
	const struct ring_node *one = &r->nodes[rack->points[i - 1].node];
	const struct ring_node *other = &r->nodes[rack->points[i].node];
	uint32_t token = rack->points[i].token;

	if (++b->overlaps > OVERLAPS_TOLD)
		return;
	if (one == other)
		report(b, one->is_local ? RING_KEY_TOKENS : RING_KEY_DYN_SEEDS, one->line,
			"%s has the token %u twice; leave one of them", one->name, token);
	else
		report(b, RING_KEY_DYN_SEEDS, other->line,
			"%s and %s, both in rack %s of datacenter %s, have the same token %u; give "
			"each its own",
			one->name, other->name, rack->name, r->dcs[rack->dc].name, token);
}

/* Fill in a rack's points: the tokens of its nodes, sorted. */
static bool lay_out(struct builder *b, size_t index)
{
	const struct ring *r = b->ring;
	struct ring_rack *rack = &r->racks[index];
	size_t n = 0;

	for (size_t i = 0; i < r->n_nodes; i++)
		n += r->nodes[i].rack == index ? r->nodes[i].n_tokens : 0;
	rack->points = calloc(n ? n : 1, sizeof(*rack->points));
	if (!rack->points)
		return no_memory(b);
	for (size_t i = 0; i < r->n_nodes; i++) {
		const struct ring_node *node = &r->nodes[i];

		for (size_t t = 0; node->rack == index && t < node->n_tokens; t++) {
			rack->points[rack->n_points].token = node->tokens[t];
			rack->points[rack->n_points++].node = (uint32_t)i;
		}
	}
	qsort(rack->points, n, sizeof(*rack->points), compare_points);
	for (size_t i = 1; i < n; i++) {
		if (rack->points[i].token == rack->points[i - 1].token)
			report_overlap(b, rack, i);
	}
	return true;
}

/* Add and check all nodes, and report every error; false when it cannot go on. */
static bool build(struct builder *b)
{
	if (!add_self(b))
		return false;
	for (size_t i = 0; i < b->options->n_seeds; i++) {
		if (!add_seed(b, &b->options->seeds[i]))
			return false;
	}
	if (!check_tokens(b))
		return false;
	for (size_t i = 0; i < b->ring->n_racks; i++) {
		if (!lay_out(b, i))
			return false;
	}
	return true;
}

struct ring *ring_new(const struct ring_options *options)
{
	struct builder b = {.options = options, .ring = calloc(1, sizeof(*b.ring))};

	if (!b.ring) {
		no_memory(&b);
		return NULL;
	}
	if (options->hash_tag)
		memcpy(b.ring->hash_tag, options->hash_tag, sizeof(b.ring->hash_tag));
	if (build(&b) && !b.wrong)
		return b.ring;
	ring_free(b.ring);
	return NULL;
}
