#include "proxy/plan.h"

#include <stdlib.h>
#include <string.h>

/* Up to this many keys, groups are found by linear search. */
#define FEW_KEYS 8

void plan_init(struct plan *plan)
{
	memset(plan, 0, sizeof(*plan));
}

void plan_fini(struct plan *plan)
{
	if (plan->owners != plan->owners_inline)
		free(plan->owners);
	if (plan->lanes != &plan->lanes_inline)
		free(plan->lanes);
	free(plan->group_of);
	free(plan->table);
}

/* The token of the i-th key. */
static uint32_t token_of(const struct plan *plan, uint32_t i)
{
	const struct request *r = plan->request;
	uint32_t arg = request_key(r, i);

	return ring_token(plan->ring, request_arg(r, arg), r->args[arg].len);
}

/* ---- Racks and owners ---- */

bool plan_is_asked(const struct plan *plan, size_t rack)
{
	bool local_dc = plan->ring->racks[rack].dc == 0;

	if (plan_is_write(plan))
		return rack >= plan->first_rack && (local_dc || !plan->only_local_dc);
	switch (plan->level) {
	case CONSISTENCY_DC_ONE:
		return rack == 0;
	case CONSISTENCY_DC_QUORUM:
	case CONSISTENCY_DC_SAFE_QUORUM:
		return local_dc;
	case CONSISTENCY_DC_EACH_SAFE_QUORUM:
		return true;
	}
	return false;
}

bool plan_is_undivided(const struct plan *plan)
{
	const struct ring *ring = plan->ring;

	for (size_t r = 0; r < ring->n_racks; r++)
		for (size_t i = 1; plan_is_asked(plan, r) && i < ring->racks[r].n_points; i++)
			if (ring->racks[r].points[i].node != ring->racks[r].points[0].node)
				return false;
	return true;
}

/* The owners in the racks that are asked; 0 for the others, which must not affect the groups. */
static void find_owners(const struct plan *plan, uint32_t token, uint32_t *owners)
{
	const struct ring *ring = plan->ring;

	for (size_t r = 0; r < ring->n_racks; r++)
		owners[r] = plan_is_asked(plan, r) ? (uint32_t)ring_owner(ring, r, token) : 0;
}

/* ---- Groups ---- */

/* Allocate for the most groups possible: one per key, or per combination of owners. */
static bool make_room(struct plan *plan)
{
	size_t n_racks = plan->ring->n_racks;
	uint32_t n_keys = plan->request->n_keys;
	size_t n = 1;

	for (size_t r = 0; r < n_racks; r++)
		n += plan->ring->racks[r].n_points;
	if (n > n_keys)
		n = n_keys ? n_keys : 1;
	plan->group_of = calloc(n_keys ? n_keys : 1, sizeof(*plan->group_of));
	plan->owners = calloc((n + 1) * n_racks, sizeof(*plan->owners));
	plan->lanes = calloc(n, sizeof(*plan->lanes));
	if (!plan->group_of || !plan->owners || !plan->lanes)
		return false;
	if (n_keys <= FEW_KEYS)
		return true;
	plan->table_size = 16;
	while (plan->table_size < 2 * n)
		plan->table_size *= 2;
	plan->table = calloc(plan->table_size, sizeof(*plan->table));
	return plan->table != NULL;
}

static bool has_owners(const struct plan *plan, uint32_t group, const uint32_t *owners)
{
	return memcmp(plan_owners(plan, group), owners, plan->ring->n_racks * sizeof(*owners)) == 0;
}

/* The group with these owners, or n_groups.  *slot is its place in the table, used or free. */
static uint32_t find_group(const struct plan *plan, const uint32_t *owners, size_t *slot)
{
	uint32_t g = 0;
	size_t at;

	if (!plan->table) {
		while (g < plan->n_groups && !has_owners(plan, g, owners))
			g++;
		return g;
	}
	at = ring_murmur(owners, plan->ring->n_racks * sizeof(*owners));
	for (at &= plan->table_size - 1; plan->table[at] != 0;
		at = (at + 1) & (plan->table_size - 1))
		if (has_owners(plan, plan->table[at] - 1, owners))
			break;
	*slot = at;
	return plan->table[at] ? plan->table[at] - 1 : plan->n_groups;
}

/* Assign a key to the group with its owners. */
static void place(struct plan *plan, uint32_t i)
{
	uint32_t token = token_of(plan, i);
	uint32_t *owners =
		plan->owners + plan->n_groups * plan->ring->n_racks; /* of the next new group */
	size_t slot = 0;
	uint32_t g;

	find_owners(plan, token, owners);
	g = find_group(plan, owners, &slot);
	if (g == plan->n_groups) {
		plan->lanes[g].token = token;
		plan->n_groups++;
		if (plan->table)
			plan->table[slot] = g + 1;
	}
	plan->lanes[g].several |= plan->lanes[g].token != token;
	plan->group_of[i] = g;
}

/* Make a single group, usually without allocating. */
static bool group_one(struct plan *plan, const struct lane_keys *lanes)
{
	if (plan->ring->n_racks <= PLAN_RACKS_INLINE) {
		plan->owners = plan->owners_inline;
		plan->lanes = &plan->lanes_inline;
	} else if (!make_room(plan)) {
		return false;
	}
	plan->lanes[0] = *lanes;
	find_owners(plan, lanes->token, plan->owners);
	plan->n_groups = 1;
	return true;
}

bool plan_make(struct plan *plan)
{
	struct lane_keys lanes = {0};

	if (plan->request->n_keys == 0) {
		/* A script without keys: the same node of each rack carries it out each time. */
		lanes.several = true;
		return group_one(plan, &lanes);
	}
	if (plan->request->n_keys == 1) {
		lanes.token = token_of(plan, 0);
		return group_one(plan, &lanes);
	}
	if (!make_room(plan))
		return false;
	for (uint32_t i = 0; i < plan->request->n_keys; i++)
		place(plan, i);
	return true;
}

void plan_sort(const struct plan *plan, uint32_t *order, uint32_t *begin)
{
	memset(begin, 0, (plan->n_groups + 1) * sizeof(*begin));
	for (uint32_t i = 0; i < plan->request->n_keys; i++)
		begin[plan->group_of[i] + 1]++;
	for (uint32_t g = 0; g < plan->n_groups; g++)
		begin[g + 1] += begin[g];
	/* Counting sort: each group's begin advances to its end, where the next group began. */
	for (uint32_t i = 0; i < plan->request->n_keys; i++)
		order[begin[plan->group_of[i]]++] = request_key(plan->request, i);
	for (uint32_t g = plan->n_groups; g > 0; g--)
		begin[g] = begin[g - 1];
	begin[0] = 0;
}
