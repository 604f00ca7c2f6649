#include "proxy/route.h"

#include "proxy/join.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_INLINE  16
#define RACKS_INLINE 16

/* What is found out about a request before it is sent. */
struct plan {
	struct proxy *proxy;
	const struct route_request *request;
	bool is_write;
	enum quorum_level level;
	size_t first_rack; /* of a write: the racks before it have it already */
	bool only_local_dc;
	uint32_t *keys; /* indices of arguments */
	uint32_t n_keys, cap_keys;
	bool no_memory;
	uint32_t *group_of; /* for each key; NULL with a single group */
	uint32_t *owners;   /* n_groups * n_racks: the owner of each group in each rack */
	uint32_t n_groups;
	struct lane_keys *lanes; /* of each group */
	uint32_t keys_inline[KEYS_INLINE];
	uint32_t owners_inline[RACKS_INLINE];
	struct lane_keys lanes_inline;
};

static void plan_fini(struct plan *plan)
{
	if (plan->keys != plan->keys_inline)
		free(plan->keys);
	if (plan->owners != plan->owners_inline)
		free(plan->owners);
	if (plan->lanes != &plan->lanes_inline)
		free(plan->lanes);
	free(plan->group_of);
}

/* ---- Keys, and the groups of those with the same owners ---- */

static bool add_key(void *arg, uint32_t index)
{
	struct plan *plan = arg;

	if (plan->n_keys == plan->cap_keys) {
		uint32_t cap = plan->cap_keys * 2;
		uint32_t *grown = malloc(cap * sizeof(*grown));

		if (!grown) {
			plan->no_memory = true;
			return false;
		}
		memcpy(grown, plan->keys, plan->n_keys * sizeof(*grown));
		if (plan->keys != plan->keys_inline)
			free(plan->keys);
		plan->keys = grown;
		plan->cap_keys = cap;
	}
	plan->keys[plan->n_keys++] = index;
	return true;
}

static uint32_t token_of(const struct plan *plan, uint32_t key)
{
	const struct route_request *r = plan->request;

	return ring_token(
		plan->proxy->ring, request_arg(r->parsed, r->bytes, key), r->parsed->args[key].len);
}

/* Whether the request is for this rack, too. */
static bool is_asked(const struct plan *plan, size_t rack)
{
	bool local_dc = plan->proxy->ring->racks[rack].dc == 0;

	if (plan->is_write)
		return rack >= plan->first_rack && (local_dc || !plan->only_local_dc);
	switch (plan->level) {
	case QUORUM_DC_ONE:
		return rack == 0;
	case QUORUM_DC_QUORUM:
	case QUORUM_DC_SAFE_QUORUM:
		return local_dc;
	case QUORUM_DC_EACH_SAFE_QUORUM:
		return true;
	}
	return false;
}

/* Those in the racks that are asked: what others say of two keys must not part them. */
static void find_owners(const struct plan *plan, uint32_t token, uint32_t *owners)
{
	const struct ring *ring = plan->proxy->ring;

	for (size_t r = 0; r < ring->n_racks; r++)
		owners[r] = is_asked(plan, r) ? (uint32_t)ring_owner(ring, r, token) : 0;
}

/* The group with these owners, made of them if there is none yet: they stand behind the last one's.
 */
static uint32_t group_with(struct plan *plan, const uint32_t *owners, uint32_t token)
{
	size_t n_racks = plan->proxy->ring->n_racks;

	for (uint32_t g = 0; g < plan->n_groups; g++)
		if (memcmp(plan->owners + g * n_racks, owners, n_racks * sizeof(*owners)) == 0) {
			plan->lanes[g].several |= plan->lanes[g].token != token;
			return g;
		}
	plan->lanes[plan->n_groups].token = token;
	return plan->n_groups++;
}

/* Room for as many groups as there can be: one for each key, or for each choice of owners. */
static bool make_group_room(struct plan *plan)
{
	size_t n_racks = plan->proxy->ring->n_racks;
	size_t points = 0, n;

	for (size_t r = 0; r < n_racks; r++)
		points += plan->proxy->ring->racks[r].n_points;
	n = plan->n_keys < points + 1 ? plan->n_keys : points + 1;
	n = n ? n : 1;
	plan->group_of = calloc(plan->n_keys ? plan->n_keys : 1, sizeof(*plan->group_of));
	plan->owners = calloc((n + 1) * n_racks, sizeof(*plan->owners));
	plan->lanes = calloc(n, sizeof(*plan->lanes));
	return plan->group_of && plan->owners && plan->lanes;
}

/* A single group, most often without memory of its own. */
static bool group_one(struct plan *plan, const struct lane_keys *lanes)
{
	if (plan->proxy->ring->n_racks <= RACKS_INLINE) {
		plan->owners = plan->owners_inline;
		plan->lanes = &plan->lanes_inline;
	} else if (!make_group_room(plan)) {
		return false;
	}
	plan->lanes[0] = *lanes;
	find_owners(plan, lanes->token, plan->owners);
	plan->n_groups = 1;
	return true;
}

static bool group_keys(struct plan *plan)
{
	size_t n_racks = plan->proxy->ring->n_racks;
	struct lane_keys lanes = {0};

	if (plan->n_keys == 0) {
		/* A script that names no keys: one node of each rack does it, the same one each
		 * time. */
		lanes.several = true;
		return group_one(plan, &lanes);
	}
	if (plan->n_keys == 1) {
		lanes.token = token_of(plan, plan->keys[0]);
		return group_one(plan, &lanes);
	}
	if (!make_group_room(plan))
		return false;
	for (uint32_t i = 0; i < plan->n_keys; i++) {
		uint32_t token = token_of(plan, plan->keys[i]);
		uint32_t *owners = plan->owners + plan->n_groups * n_racks; /* the next free */

		find_owners(plan, token, owners);
		plan->group_of[i] = group_with(plan, owners, token);
	}
	return true;
}

/* ---- Legs ---- */

/* What is sent to the owners of a group. */
struct message {
	const uint32_t *owners; /* by rack */
	struct lane_keys lanes;
	const uint8_t *bytes;
	size_t len;
};

static struct message message_of(
	const struct plan *plan, uint32_t group, const uint8_t *bytes, size_t len)
{
	return (struct message){
		.owners = plan->owners + group * plan->proxy->ring->n_racks,
		.lanes = plan->lanes[group],
		.bytes = bytes,
		.len = len,
	};
}

/* To a node, which is this one itself when it is the first. */
static void send_to(struct proxy *p, uint32_t node, struct leg *leg, const struct message *m)
{
	if (node == 0)
		datastore_send(p->store, leg, &m->lanes, m->bytes, m->len);
	else
		peer_send(p->peers[node], leg, &m->lanes, m->bytes, m->len);
}

static void send_leg(struct plan *plan, struct part *part, size_t rack, enum dnode_type type,
	const struct message *m)
{
	struct proxy *p = plan->proxy;
	struct leg *leg =
		call_leg(part, (uint8_t)p->ring->racks[rack].dc, rack == 0, plan->is_write);

	if (!leg)
		return; /* the part is short of an answer, which its deadline tells */
	leg->type = (uint8_t)type;
	/* Of another datacenter only dc_each_safe_quorum wants to hear. */
	if (leg->dc != 0 && plan->level != QUORUM_DC_EACH_SAFE_QUORUM)
		leg->abandoned = true;
	send_to(p, m->owners[rack], leg, m);
}

/* To another datacenter: the first rack whose owner can be reached takes it for all of them.  When
 * none can, each owner has missed it. */
static void send_to_dc(
	struct plan *plan, struct part *part, const struct ring_dc *dc, const struct message *m)
{
	for (size_t i = 0; i < dc->n_racks; i++)
		if (peer_is_usable(plan->proxy->peers[m->owners[dc->racks[i]]])) {
			send_leg(plan, part, dc->racks[i], DNODE_REQUEST_FORWARD, m);
			return;
		}
	for (size_t i = 0; i < dc->n_racks; i++)
		send_leg(plan, part, dc->racks[i], DNODE_REQUEST_FORWARD, m);
}

static bool make_quorum(struct plan *plan, struct part *part)
{
	const struct ring *ring = plan->proxy->ring;
	size_t n_racks[RING_DCS_MAX];
	size_t n_dcs = plan->level == QUORUM_DC_EACH_SAFE_QUORUM ? ring->n_dcs : 1;

	if (plan->level == QUORUM_DC_ONE)
		return true;
	for (size_t d = 0; d < n_dcs; d++)
		n_racks[d] = ring->dcs[d].n_racks;
	part->quorum = quorum_new(plan->level, n_racks, n_dcs);
	return part->quorum != NULL;
}

/* Send one part to all replicas that are to have it. */
static void send_part(struct plan *plan, struct part *part, const struct message *m)
{
	const struct ring *ring = plan->proxy->ring;
	bool each = plan->level == QUORUM_DC_EACH_SAFE_QUORUM;

	if (!make_quorum(plan, part)) {
		call_refuse(part->call, "dynomite: out of memory");
		return;
	}
	for (size_t r = 0; r < ring->n_racks; r++) {
		if (is_asked(plan, r) && (ring->racks[r].dc == 0 || each))
			send_leg(plan, part, r, DNODE_REQUEST, m);
	}
	if (!plan->is_write || each || plan->only_local_dc)
		return;
	for (size_t dc = 1; dc < ring->n_dcs; dc++)
		send_to_dc(plan, part, &ring->dcs[dc], m);
}

/* ---- Requests ---- */

static void plan_init(struct plan *plan, struct proxy *p, const struct route_request *r)
{
	memset(plan, 0, sizeof(*plan));
	plan->proxy = p;
	plan->request = r;
	plan->is_write = r->call->is_write;
	plan->level = plan->is_write ? p->write_level : p->read_level;
	plan->keys = plan->keys_inline;
	plan->cap_keys = KEYS_INLINE;
}

/* Find the keys and their groups; false after refusing the call. */
static bool make_plan(struct plan *plan)
{
	const struct route_request *r = plan->request;
	bool understood = command_each_key(r->call->command, r->bytes, r->parsed, add_key, plan);

	if (plan->no_memory)
		call_refuse(r->call, "dynomite: out of memory");
	else if (!understood)
		call_refuse(r->call,
			"value is not an integer or out of range, or the keys are missing");
	else if (!group_keys(plan))
		call_refuse(r->call, "dynomite: out of memory");
	else
		return true;
	return false;
}

/* Several groups: each is sent a request of its own, for its own keys. */
static bool send_groups(struct plan *plan)
{
	const struct route_request *r = plan->request;
	bool split = r->call->n_parts > 1;
	uint32_t *keys = malloc(plan->n_keys * sizeof(*keys));
	struct buf part = {0};
	bool ok = keys != NULL;

	for (uint32_t g = 0; ok && g < plan->n_groups; g++) {
		size_t n = 0;

		for (uint32_t i = 0; i < plan->n_keys; i++)
			if (plan->group_of[i] == g)
				keys[n++] = plan->keys[i];
		buf_clear(&part);
		ok = join_write_part(&part, r->call->command, r->bytes, r->parsed, keys, n);
		if (ok) {
			struct message m = message_of(plan, g, buf_head(&part), buf_len(&part));

			send_part(plan, split ? &r->call->parts[g] : &r->call->one, &m);
		}
	}
	buf_fini(&part);
	free(keys);
	return ok;
}

/* The answers of the groups become one. */
static void send_split(struct plan *plan)
{
	struct call *c = plan->request->call;
	uint32_t *part_of = malloc(plan->n_keys * sizeof(*part_of));

	if (part_of)
		memcpy(part_of, plan->group_of, plan->n_keys * sizeof(*part_of));
	if (!part_of || !call_split(c, plan->n_groups, part_of, plan->n_keys)) {
		free(part_of);
		call_refuse(c, "dynomite: out of memory");
	} else if (!send_groups(plan)) {
		call_refuse(c, "dynomite: out of memory");
	}
}

/* SCRIPT and the like: to every node.  The answer is this one's, or is made of all that come. */
static void send_everywhere(struct plan *plan)
{
	const struct ring *ring = plan->proxy->ring;
	const struct route_request *r = plan->request;
	struct call *c = r->call;
	bool is_joined = c->command->join == COMMAND_LEAST;
	const struct message m = {
		.lanes = {.several = true},
		.bytes = r->bytes,
		.len = r->parsed->len,
	};

	if (is_joined && !call_split(c, (uint32_t)ring->n_nodes, NULL, 0)) {
		call_refuse(c, "dynomite: out of memory");
		return;
	}
	for (uint32_t n = 0; n < ring->n_nodes; n++) {
		size_t dc = ring->racks[ring->nodes[n].rack].dc;
		struct leg *leg = call_leg(is_joined ? &c->parts[n] : &c->one, (uint8_t)dc,
			is_joined || n == 0, !is_joined);

		if (!leg)
			continue;
		leg->type = DNODE_REQUEST;
		send_to(plan->proxy, n, leg, &m);
	}
}

/* Whether each of the racks that are asked is a single node. */
static bool all_in_one_place(const struct plan *plan)
{
	const struct ring *ring = plan->proxy->ring;

	for (size_t r = 0; r < ring->n_racks; r++)
		for (size_t i = 1; is_asked(plan, r) && i < ring->racks[r].n_points; i++)
			if (ring->racks[r].points[i].node != ring->racks[r].points[0].node)
				return false;
	return true;
}

void route_client(struct proxy *p, const struct route_request *r)
{
	struct plan plan;

	plan_init(&plan, p, r);
	if (command_is_for_all(r->call->command)) {
		send_everywhere(&plan);
	} else if (make_plan(&plan)) {
		if (command_reads_unnamed(r->call->command, r->bytes, r->parsed) &&
			!all_in_one_place(&plan)) {
			call_refuse(r->call, "dynomite: BY and GET patterns read keys that other "
					     "nodes may have");
		} else if (plan.n_groups == 1) {
			struct message m = message_of(&plan, 0, r->bytes, r->parsed->len);

			send_part(&plan, &r->call->one, &m);
		} else if (r->call->command->join == COMMAND_WHOLE) {
			call_refuse(r->call,
				"dynomite: the keys of this command belong to different nodes "
				"(CROSSSLOT); give them a common hash_tag");
		} else {
			send_split(&plan);
		}
	}
	plan_fini(&plan);
}

/* What the lanes want to know of the keys of a request, as they are found. */
struct key_survey {
	const struct proxy *proxy;
	const struct route_request *request;
	struct lane_keys lanes;
	bool any;
};

static bool survey_key(void *arg, uint32_t index)
{
	struct key_survey *s = arg;
	const struct route_request *r = s->request;
	uint32_t token = ring_token(s->proxy->ring, request_arg(r->parsed, r->bytes, index),
		r->parsed->args[index].len);

	if (!s->any)
		s->lanes.token = token;
	s->any = true;
	s->lanes.several = s->lanes.several || token != s->lanes.token;
	return true;
}

/* A request without keys may be about any, as a script is. */
static struct lane_keys lanes_of(const struct proxy *p, const struct route_request *r)
{
	struct key_survey s = {.proxy = p, .request = r};

	if (p->conf->datastore_connections == 1)
		return s.lanes;
	if (!command_each_key(r->call->command, r->bytes, r->parsed, survey_key, &s) || !s.any)
		s.lanes.several = true;
	return s.lanes;
}

void route_here(struct proxy *p, const struct route_request *r)
{
	struct leg *leg = call_leg(&r->call->one, 0, true, false);
	struct lane_keys lanes = lanes_of(p, r);

	if (!leg) {
		call_refuse(r->call, "dynomite: out of memory");
		return;
	}
	datastore_send(p->store, leg, &lanes, r->bytes, r->parsed->len);
}

void route_forward(struct proxy *p, const struct route_request *r)
{
	struct plan plan;

	route_here(p, r);
	if (!r->call->is_write || command_is_for_all(r->call->command))
		return;
	plan_init(&plan, p, r);
	plan.level = QUORUM_DC_ONE; /* ours is the answer */
	plan.first_rack = 1;
	plan.only_local_dc = true;
	if (p->ring->dcs[0].n_racks > 1 && make_plan(&plan)) {
		if (plan.n_groups == 1 || r->call->command->join == COMMAND_WHOLE) {
			for (uint32_t g = 0; g < plan.n_groups; g++) {
				struct message m = message_of(&plan, g, r->bytes, r->parsed->len);

				m.lanes.several |= plan.n_groups > 1;
				send_part(&plan, &r->call->one, &m);
			}
		} else if (!send_groups(&plan)) {
			call_refuse(r->call, "dynomite: out of memory");
		}
	}
	plan_fini(&plan);
}
