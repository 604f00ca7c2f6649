/*
 * plan - which nodes a request concerns: its keys, in groups that have the same owners.
 *
 * A plain value, made for one request.  Event loop's thread.
 */
#ifndef PROXY_PLAN_H
#define PROXY_PLAN_H

#include "base/consistency.h"
#include "cluster/ring.h"
#include "proto/request.h"
#include "proxy/lanes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLAN_RACKS_INLINE 16

struct plan {
	/* Input, set before plan_make(); borrowed. */
	const struct ring *ring;
	const struct request *request; /* RESP, and valid */
	enum consistency level;
	size_t first_rack; /* of a write: earlier racks have it already */
	bool only_local_dc;

	/* Result. */
	uint32_t *group_of;      /* for each key; NULL: all are in group 0 */
	uint32_t n_groups;       /* at least 1, even without keys */
	uint32_t *owners;        /* n_groups times the number of racks: see plan_owners() */
	struct lane_keys *lanes; /* of each group */

	/* Private. */
	uint32_t *table; /* hash table of groups by owners; NULL for few keys */
	size_t table_size;
	uint32_t owners_inline[PLAN_RACKS_INLINE];
	struct lane_keys lanes_inline;
};

/* Initialise a plan; the input is not set yet.  The struct must not be moved or copied. */
void plan_init(struct plan *plan);
void plan_fini(struct plan *plan);

/* Compute the groups of the request's keys.  False when out of memory. */
bool plan_make(struct plan *plan);

static inline bool plan_is_write(const struct plan *plan)
{
	return plan->request->kind == COMMAND_WRITE;
}

/* Whether the request is sent to this rack. */
bool plan_is_asked(const struct plan *plan, size_t rack);

/* Whether each rack that is asked has a single node. */
bool plan_is_undivided(const struct plan *plan);

/* The owners of a group, as indices into ring->nodes, by rack; 0 for a rack that is not asked. */
static inline const uint32_t *plan_owners(const struct plan *plan, uint32_t group)
{
	return plan->owners + group * plan->ring->n_racks;
}

/*
 * The argument indices of the keys, sorted by group: those of group g are order[begin[g]] up to
 * order[begin[g + 1] - 1], in the order of the request.  order has an entry for each key, begin has
 * n_groups + 1.
 */
void plan_sort(const struct plan *plan, uint32_t *order, uint32_t *begin);

#ifdef __cplusplus
}
#endif

#endif
