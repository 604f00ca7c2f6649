#include "proxy/route.h"

#include "proto/dnode.h"
#include "proto/follow.h"
#include "proto/request_effect.h"
#include "proxy/followers.h"
#include "proxy/join.h"
#include "proxy/plan.h"
#include "proxy/proxy_internal.h"

#include <stdlib.h>
#include <string.h>

/* A request being sent to the nodes of its plan. */
struct routing {
	struct proxy *proxy;
	struct call *call;
	const struct request *request;
	struct plan plan;
};

/* ---- The keys of writes ---- */

static bool make_room(struct call *c, const struct request *r)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < r->n_written; i++)
		bytes += r->args[request_key(r, r->first_written + i)].len;
	return kept_keys_reserve(&c->keys, r->n_written, bytes);
}

static bool copy_keys(struct call *c, const struct request *r)
{
	if (!make_room(c, r))
		return false;
	for (uint32_t i = r->first_written; i < r->first_written + r->n_written; i++) {
		uint32_t arg = request_key(r, i);
		struct write_key *k =
			kept_keys_add(&c->keys, request_arg(r, arg), r->args[arg].len);

		k->effect = (uint8_t)request_effect(r, i, &k->doubtful);
	}
	return true;
}

/* Keep the keys that a write may change until its replicas have answered.  False, with the call
 * refused, when out of memory: the hooks must not miss a write. */
static inline bool keep_keys(const struct proxy *p, struct call *c, const struct request *r)
{
	const struct proxy_hooks *hooks = &p->options.hooks;

	if ((!hooks->write_begun && !hooks->write_ended) || r->n_written == 0 || copy_keys(c, r))
		return true;
	call_refuse(c, "dynomite: out of memory");
	return false;
}

/* Give a part of a write its stamp, unless it came with one. */
static inline void stamp_part(const struct proxy *p, struct part *part)
{
	const struct proxy_hooks *hooks = &p->options.hooks;

	if (hooks->draw_stamp && part->stamp == 0)
		part->stamp = hooks->draw_stamp(hooks->arg);
}

/* ---- Legs ---- */

/* The request for the owners of a group. */
struct message {
	const uint32_t *owners; /* by rack */
	struct lane_keys lanes;
	const uint8_t *bytes;
	size_t len;
	uint32_t first_key, n_keys; /* range in the call's kept keys */
};

/* A message with all keys of the call. */
static struct message message_of(
	const struct routing *rt, uint32_t group, const uint8_t *bytes, size_t len)
{
	return (struct message){
		.owners = plan_owners(&rt->plan, group),
		.lanes = rt->plan.lanes[group],
		.bytes = bytes,
		.len = len,
		.n_keys = rt->call->keys.n,
	};
}

/* Send to a node; 0 is this node's datastore. */
static void send_to(struct proxy *p, uint32_t node, struct leg *leg, const struct message *m)
{
	leg->first_key = m->first_key;
	leg->n_keys = m->n_keys;
	if (node == 0 && leg->is_write)
		arrive_send(p, leg, &m->lanes, m->bytes, m->len);
	else
		replica_send(p->replicas[node], leg, &m->lanes, m->bytes, m->len);
}

/* Out of memory for a leg: count a missed write, and fail the part if it needs this answer. */
static void no_leg(struct proxy *p, uint32_t node, struct part *part, bool is_write, bool counts,
	const struct message *m)
{
	const struct leg like = {
		.part = part,
		.is_write = is_write,
		.first_key = m->first_key,
		.n_keys = m->n_keys,
	};

	replica_pass_by(p->replicas[node], &like);
	if (counts)
		call_refuse(part->call, "dynomite: out of memory");
}

static void send_leg(struct routing *rt, struct part *part, size_t rack, enum dnode_type type,
	const struct message *m)
{
	struct proxy *p = rt->proxy;
	bool is_write = plan_is_write(&rt->plan);
	struct leg *leg = call_leg(part, (uint8_t)p->ring->racks[rack].dc, rack == 0, is_write);

	if (!leg) {
		no_leg(p, m->owners[rack], part, is_write, rack == 0 || part->quorum, m);
		return;
	}
	leg->type = (uint8_t)type;
	/* Only dc_each_safe_quorum needs answers of other datacenters. */
	if (leg->dc != 0 && rt->plan.level != CONSISTENCY_DC_EACH_SAFE_QUORUM)
		leg->abandoned = true;
	send_to(p, m->owners[rack], leg, m);
}

/* Send to another datacenter: the first reachable owner forwards it to the other racks.  If none is
 * reachable, each owner has missed it. */
static void send_to_dc(
	struct routing *rt, struct part *part, const struct ring_dc *dc, const struct message *m)
{
	for (size_t i = 0; i < dc->n_racks; i++)
		if (replica_is_usable(rt->proxy->replicas[m->owners[dc->racks[i]]])) {
			send_leg(rt, part, dc->racks[i], DNODE_REQUEST_FORWARD, m);
			return;
		}
	for (size_t i = 0; i < dc->n_racks; i++)
		send_leg(rt, part, dc->racks[i], DNODE_REQUEST_FORWARD, m);
}

static bool make_quorum(const struct plan *plan, struct part *part)
{
	const struct ring *ring = plan->ring;
	size_t n_racks[RING_DCS_MAX];
	size_t n_dcs = plan->level == CONSISTENCY_DC_EACH_SAFE_QUORUM ? ring->n_dcs : 1;

	if (plan->level == CONSISTENCY_DC_ONE)
		return true;
	for (size_t d = 0; d < n_dcs; d++)
		n_racks[d] = ring->dcs[d].n_racks;
	part->quorum = quorum_new(plan->level, n_racks, n_dcs);
	return part->quorum != NULL;
}

/* Send to the racks that are asked. */
static void send_to_racks(struct routing *rt, struct part *part, const struct message *m)
{
	const struct plan *plan = &rt->plan;
	const struct ring *ring = plan->ring;
	bool each = plan->level == CONSISTENCY_DC_EACH_SAFE_QUORUM;

	for (size_t r = 0; r < ring->n_racks; r++) {
		if (plan_is_asked(plan, r) && (ring->racks[r].dc == 0 || each))
			send_leg(rt, part, r, DNODE_REQUEST, m);
	}
	if (!plan_is_write(plan) || each || plan->only_local_dc)
		return;
	for (size_t dc = 1; dc < ring->n_dcs; dc++)
		send_to_dc(rt, part, &ring->dcs[dc], m);
}

/* Send a part to all its replicas; to the local rack alone if the others are to follow. */
static void send_part(struct routing *rt, struct part *part, const struct message *m)
{
	if (!make_quorum(&rt->plan, part)) {
		call_refuse(part->call, "dynomite: out of memory");
		return;
	}
	if (plan_is_write(&rt->plan))
		stamp_part(rt->proxy, part);
	if (part->call->followers)
		send_leg(rt, part, 0, DNODE_REQUEST, m);
	else
		send_to_racks(rt, part, m);
}

/* ---- Requests ---- */

static void routing_init(
	struct routing *rt, struct proxy *p, struct call *c, const struct request *r)
{
	struct plan *plan = &rt->plan;

	rt->proxy = p;
	rt->call = c;
	rt->request = r;
	plan_init(plan);
	plan->ring = p->ring;
	plan->request = r;
	plan->level = plan_is_write(plan) ? p->write_level : p->read_level;
}

/* Make the plan; false after refusing the call. */
static bool make_plan(struct routing *rt)
{
	bool ok = plan_make(&rt->plan);

	if (!ok)
		call_refuse(rt->call, "dynomite: out of memory");
	return ok;
}

/* Send each group a request with its own keys, which are sorted by group. */
static bool send_sorted(struct routing *rt, const uint32_t *order, const uint32_t *begin)
{
	struct call *c = rt->call;
	bool split = c->n_parts > 1, ok = true;
	struct buf part = {0};

	for (uint32_t g = 0; ok && g < rt->plan.n_groups; g++) {
		buf_clear(&part);
		ok = join_write_part(&part, rt->request, order + begin[g], begin[g + 1] - begin[g]);
		if (ok) {
			struct message m = message_of(rt, g, buf_head(&part), buf_len(&part));

			if (c->keys.n == rt->request->n_keys) { /* all keys are written */
				m.first_key = begin[g];
				m.n_keys = begin[g + 1] - begin[g];
			}
			send_part(rt, split ? &c->parts[g] : &c->one, &m);
		}
	}
	buf_fini(&part);
	return ok;
}

/* Sort the kept keys by group.  A write that can be split changes all of its keys. */
static bool sort_kept(struct routing *rt, uint32_t *begin)
{
	const struct plan *plan = &rt->plan;
	struct kept_keys *keys = &rt->call->keys;

	return keys->n != plan->request->n_keys ||
	       kept_keys_sort(keys, plan->group_of, begin, plan->n_groups);
}

static bool send_groups(struct routing *rt)
{
	const struct plan *plan = &rt->plan;
	uint32_t *order = malloc(plan->request->n_keys * sizeof(*order));
	uint32_t *begin = malloc((plan->n_groups + 1) * sizeof(*begin));
	bool ok = order && begin;

	if (ok) {
		plan_sort(plan, order, begin);
		ok = sort_kept(rt, begin) && send_sorted(rt, order, begin);
	}
	free(order);
	free(begin);
	return ok;
}

/* Send a part to each group; their replies are joined. */
static void send_split(struct routing *rt)
{
	const struct plan *plan = &rt->plan;
	uint32_t n_keys = plan->request->n_keys;
	struct call *c = rt->call;
	uint32_t *part_of = malloc(n_keys * sizeof(*part_of));

	if (part_of)
		memcpy(part_of, plan->group_of, n_keys * sizeof(*part_of));
	if (!part_of || !call_split(c, plan->n_groups, part_of, n_keys)) {
		free(part_of);
		call_refuse(c, "dynomite: out of memory");
	} else if (keep_keys(rt->proxy, c, rt->request) && !send_groups(rt)) {
		call_refuse(c, "dynomite: out of memory");
	}
}

/* Send the request unchanged to the owners of all its keys. */
static void send_undivided(struct routing *rt)
{
	const struct request *r = rt->request;
	struct message m;

	if (!keep_keys(rt->proxy, rt->call, r))
		return;
	if (rt->proxy->ring->n_racks > 1 && follow_applies(r) &&
		!followers_begin(rt->proxy, rt->call, r)) {
		call_refuse(rt->call, "dynomite: out of memory");
		return;
	}
	m = message_of(rt, 0, r->bytes, r->len);
	send_part(rt, &rt->call->one, &m);
}

/* Send SCRIPT and the like to every node.  The reply is this node's, or joined from all. */
static void send_everywhere(struct proxy *p, struct call *c, const struct request *r)
{
	const struct ring *ring = p->ring;
	bool is_joined = c->command->join == COMMAND_LEAST;
	const struct message m = {
		.lanes = {.several = true},
		.bytes = r->bytes,
		.len = r->len,
	};

	if (is_joined && !call_split(c, (uint32_t)ring->n_nodes, NULL, 0)) {
		call_refuse(c, "dynomite: out of memory");
		return;
	}
	for (uint32_t n = 0; n < ring->n_nodes; n++) {
		size_t dc = ring->racks[ring->nodes[n].rack].dc;
		struct part *part = is_joined ? &c->parts[n] : &c->one;
		struct leg *leg = call_leg(part, (uint8_t)dc, is_joined || n == 0, !is_joined);

		if (!leg) {
			no_leg(p, n, part, !is_joined, is_joined || n == 0, &m);
			continue;
		}
		leg->type = DNODE_REQUEST;
		send_to(p, n, leg, &m);
	}
}

void route_client(struct proxy *p, struct call *c, const struct request *r)
{
	struct routing rt;

	if (command_is_for_all(r->command)) {
		send_everywhere(p, c, r);
		return;
	}
	routing_init(&rt, p, c, r);
	if (!make_plan(&rt)) {
		plan_fini(&rt.plan); /* refused */
		return;
	}
	if (request_reads_unnamed(r) && !plan_is_undivided(&rt.plan)) {
		call_refuse(c, "dynomite: BY and GET patterns read keys that other nodes may have");
	} else if (rt.plan.n_groups == 1) {
		send_undivided(&rt);
	} else if (r->command->join == COMMAND_WHOLE) {
		call_refuse(c,
			"dynomite: the keys of this command belong to different nodes (CROSSSLOT); "
			"give them a common hash_tag");
	} else {
		send_split(&rt);
	}
	plan_fini(&rt.plan);
}

void route_others(struct proxy *p, struct call *c, const struct request *r)
{
	struct routing rt;

	routing_init(&rt, p, c, r);
	rt.plan.first_rack = 1;
	if (make_plan(&rt)) {
		const struct message m = message_of(&rt, 0, r->bytes, r->len);

		send_to_racks(&rt, &c->one, &m);
	}
	plan_fini(&rt.plan);
}

struct lane_keys route_lanes(const struct proxy *p, const struct request *r)
{
	/* A request without keys, such as a script, may use any key. */
	struct lane_keys lanes = {.several = r->n_keys == 0};

	for (uint32_t i = 0; i < r->n_keys; i++) {
		uint32_t arg = request_key(r, i);
		uint32_t token = ring_token(p->ring, request_arg(r, arg), r->args[arg].len);

		if (i == 0)
			lanes.token = token;
		lanes.several = lanes.several || token != lanes.token;
	}
	return lanes;
}

void route_here(struct proxy *p, struct call *c, const struct request *r)
{
	bool is_write = r->kind == COMMAND_WRITE;
	struct message m = {.bytes = r->bytes, .len = r->len};
	struct leg *leg;

	if (p->options.datastore_connections > 1)
		m.lanes = route_lanes(p, r);

	if (!keep_keys(p, c, r))
		return;
	m.n_keys = c->keys.n;
	leg = call_leg(&c->one, 0, true, is_write);
	if (leg)
		send_to(p, 0, leg, &m);
	else
		no_leg(p, 0, &c->one, is_write, true, &m);
}

/* Send the unchanged request to the owners of each group, since it cannot be split. */
static void send_whole(struct routing *rt)
{
	const struct request *r = rt->request;

	for (uint32_t g = 0; g < rt->plan.n_groups; g++) {
		struct message m = message_of(rt, g, r->bytes, r->len);

		m.lanes.several |= rt->plan.n_groups > 1;
		send_part(rt, &rt->call->one, &m);
	}
}

void route_forward(struct proxy *p, struct call *c, const struct request *r)
{
	struct routing rt;

	route_here(p, c, r);
	if (r->kind != COMMAND_WRITE || command_is_for_all(r->command) ||
		p->ring->dcs[0].n_racks == 1)
		return;
	routing_init(&rt, p, c, r);
	rt.plan.level = CONSISTENCY_DC_ONE; /* this node's reply is the answer */
	rt.plan.first_rack = 1;
	rt.plan.only_local_dc = true;
	if (!make_plan(&rt)) {
		/* refused */
	} else if (rt.plan.n_groups == 1 || r->command->join == COMMAND_WHOLE) {
		send_whole(&rt);
	} else if (!send_groups(&rt)) {
		call_refuse(c, "dynomite: out of memory");
	}
	plan_fini(&rt.plan);
}
