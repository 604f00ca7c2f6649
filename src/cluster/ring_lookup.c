#include "cluster/ring.h"

#include <string.h>
#include <strings.h>

uint32_t ring_token(const struct ring *r, const void *key, size_t len)
{
	const char *from = key, *begin, *end;

	if (r->hash_tag[0] && len > 0) {
		begin = memchr(from, r->hash_tag[0], len);
		end = begin ? memchr(begin + 1, r->hash_tag[1], len - (size_t)(begin + 1 - from))
			    : NULL;
		if (end)
			return ring_murmur(begin + 1, (size_t)(end - begin - 1));
	}
	return ring_murmur(key, len);
}

size_t ring_owner(const struct ring *r, size_t rack, uint32_t token)
{
	const struct ring_point *points = r->racks[rack].points;
	size_t low = 0, high = r->racks[rack].n_points;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (points[middle].token < token)
			low = middle + 1;
		else
			high = middle;
	}
	return points[low < r->racks[rack].n_points ? low : 0].node;
}

/* Whether a owns, in its rack, one of the tokens at which a range of b ends. */
static bool owns_an_end(const struct ring *r, size_t a, size_t b)
{
	const struct ring_node *node = &r->nodes[b];

	for (size_t i = 0; i < node->n_tokens; i++)
		if (ring_owner(r, r->nodes[a].rack, node->tokens[i]) == a)
			return true;
	return false;
}

bool ring_share(const struct ring *r, size_t a, size_t b)
{
	size_t rack_a = r->nodes[a].rack, rack_b = r->nodes[b].rack;

	if (rack_a == rack_b)
		return false;
	/* If two ranges overlap, the end of one lies in the other.  Tokens above the last point
	 * belong to the range of the first point. */
	return owns_an_end(r, a, b) || owns_an_end(r, b, a) ||
	       (ring_owner(r, rack_a, UINT32_MAX) == a && ring_owner(r, rack_b, UINT32_MAX) == b);
}

/* Less than zero: a comes before b. */
static int compare_places(const struct ring *r, size_t a, size_t b)
{
	const struct ring_node *na = &r->nodes[a], *nb = &r->nodes[b];
	const struct ring_rack *ra = &r->racks[na->rack], *rb = &r->racks[nb->rack];
	uint32_t ta = na->n_tokens ? na->tokens[0] : 0, tb = nb->n_tokens ? nb->tokens[0] : 0;
	int order = strcmp(r->dcs[ra->dc].name, r->dcs[rb->dc].name);

	if (order == 0)
		order = strcmp(ra->name, rb->name);
	return order != 0 ? order : (ta > tb) - (ta < tb);
}

size_t ring_place(const struct ring *r, size_t node)
{
	size_t place = 0;

	for (size_t i = 0; i < r->n_nodes; i++)
		place += compare_places(r, i, node) < 0;
	return place;
}

size_t ring_find(const struct ring *r, const char *name)
{
	for (size_t i = 0; i < r->n_nodes; i++) {
		if (strcasecmp(r->nodes[i].name, name) == 0)
			return i;
	}
	return SIZE_MAX;
}
