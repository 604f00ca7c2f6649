#include "cluster/shares.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_SHARE UINT32_MAX

/* ---- Digests ---- */

#define FNV_OFFSET UINT64_C(14695981039346656037)

/* FNV-1a (Fowler, Noll, Vo), public domain. */
static uint64_t add_bytes(uint64_t h, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t add_text(uint64_t h, const char *text)
{
	return add_bytes(h, text, strlen(text) + 1);
}

static uint64_t add_token(uint64_t h, uint32_t token)
{
	const uint8_t bytes[] = {(uint8_t)(token >> 24), (uint8_t)(token >> 16),
		(uint8_t)(token >> 8), (uint8_t)token};

	return add_bytes(h, bytes, sizeof(bytes));
}

/* Add a node of a share to its digest, wherever the digest is made. */
static uint64_t add_node(uint64_t h, const struct ring *ring, size_t node)
{
	const struct ring_rack *rack = &ring->racks[ring->nodes[node].rack];

	h = add_text(h, ring->dcs[rack->dc].name);
	h = add_text(h, rack->name);
	for (size_t i = 0; i < ring->nodes[node].n_tokens; i++)
		h = add_token(h, ring->nodes[node].tokens[i]);
	return h;
}

void shares_name(const struct ring *ring, size_t node, char *text, size_t cap)
{
	const struct ring_node *n = &ring->nodes[node];
	const struct ring_rack *rack = &ring->racks[n->rack];
	int len = snprintf(text, cap, "%s/%s/%" PRIu32, ring->dcs[rack->dc].name, rack->name,
		n->n_tokens > 0 ? n->tokens[0] : 0);

	if (len >= (int)cap && cap > 20)
		snprintf(text + cap - 20, 20, "~%" PRIx64, add_node(FNV_OFFSET, ring, node));
}

/* ---- Building ---- */

static int compare_tokens(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The tokens of all racks, each once; a ring without any is one segment. */
static bool find_segments(struct shares *s, const struct ring *ring)
{
	size_t n = 0, kept = 0;

	for (size_t r = 0; r < ring->n_racks; r++)
		n += ring->racks[r].n_points;
	s->ends = calloc(n + 1, sizeof(*s->ends));
	s->of = calloc(n + 1, sizeof(*s->of));
	if (!s->ends || !s->of)
		return false;
	n = 0;
	for (size_t r = 0; r < ring->n_racks; r++)
		for (size_t i = 0; i < ring->racks[r].n_points; i++)
			s->ends[n++] = ring->racks[r].points[i].token;
	qsort(s->ends, n, sizeof(*s->ends), compare_tokens);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || s->ends[i] != s->ends[i - 1])
			s->ends[kept++] = s->ends[i];
	s->n_segments = kept;
	return true;
}

/* Whether the peers of a share are the owners of this token. */
static bool has_owners(const struct share *x, const struct ring *ring, uint32_t token)
{
	for (size_t i = 0; i < x->n_peers; i++)
		if (ring_owner(ring, ring->nodes[x->peers[i]].rack, token) != x->peers[i])
			return false;
	return true;
}

static void sort_peers(struct share *x, const struct ring *ring)
{
	for (size_t i = 1; i < x->n_peers; i++)
		for (size_t k = i;
			k > 0 && ring_place(ring, x->peers[k]) < ring_place(ring, x->peers[k - 1]);
			k--) {
			uint32_t p = x->peers[k];

			x->peers[k] = x->peers[k - 1];
			x->peers[k - 1] = p;
		}
}

static bool make_share(struct share *x, const struct ring *ring, uint32_t token)
{
	x->peers = calloc(ring->n_racks, sizeof(*x->peers));
	if (!x->peers)
		return false;
	for (size_t r = 1; r < ring->n_racks; r++)
		x->peers[x->n_peers++] = (uint32_t)ring_owner(ring, r, token);
	sort_peers(x, ring);
	x->digest = FNV_OFFSET;
	for (size_t i = 0, self = 0; i < x->n_peers || !self;) {
		if (!self &&
			(i == x->n_peers || ring_place(ring, 0) < ring_place(ring, x->peers[i]))) {
			x->digest = add_node(x->digest, ring, 0);
			self = 1;
		} else {
			x->digest = add_node(x->digest, ring, x->peers[i++]);
		}
	}
	return true;
}

static bool place_segment(struct shares *s, const struct ring *ring, size_t segment)
{
	uint32_t token = s->ends[segment];
	size_t i = 0;

	s->of[segment] = NO_SHARE;
	if (ring_owner(ring, 0, token) != 0)
		return true;
	while (i < s->n && !has_owners(&s->all[i], ring, token))
		i++;
	if (i == s->n) {
		struct share *grown = realloc(s->all, (s->n + 1) * sizeof(*grown));

		if (!grown)
			return false;
		s->all = grown;
		memset(&s->all[s->n], 0, sizeof(s->all[s->n]));
		s->n++;
		if (!make_share(&s->all[i], ring, token))
			return false;
	}
	s->of[segment] = (uint32_t)i;
	/* Where it begins counts too: after the end of the segment before it, round the ring. */
	s->all[i].digest =
		add_token(s->all[i].digest, s->ends[segment > 0 ? segment - 1 : s->n_segments - 1]);
	s->all[i].digest = add_token(s->all[i].digest, token);
	return true;
}

bool shares_init(struct shares *s, const struct ring *ring)
{
	memset(s, 0, sizeof(*s));
	if (!find_segments(s, ring))
		return false;
	for (size_t i = 0; i < s->n_segments; i++)
		if (!place_segment(s, ring, i))
			return false;
	return true;
}

void shares_fini(struct shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->all[i].peers);
	free(s->all);
	free(s->ends);
	free(s->of);
	memset(s, 0, sizeof(*s));
}

size_t shares_find(const struct shares *s, uint32_t token)
{
	size_t low = 0, high = s->n_segments;
	uint32_t share;

	if (s->n == 1 && s->n_segments == 1)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->ends[middle] < token)
			low = middle + 1;
		else
			high = middle;
	}
	if (s->n_segments == 0)
		return SIZE_MAX;
	share = s->of[low < s->n_segments ? low : 0];
	return share == NO_SHARE ? SIZE_MAX : share;
}
