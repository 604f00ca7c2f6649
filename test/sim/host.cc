#include "sim/world.h"

#include <cinttypes>
#include <cstring>

namespace sim
{

/* ---- What a core asks of its node ---- */

const recon_host World::host = {
	/* record */
	[](void *arg, const journal_record *r) {
		Node &n = *static_cast<Node *>(arg);

		n.world->append(n, *r);
	},
	/* keep: the model's disk is its core, which outlives the node */
	[](void *, const recon_kept *) {},
	/* read */
	[](void *arg, const void *key, size_t len, uint64_t ticket) {
		Node &n = *static_cast<Node *>(arg);

		n.world->read(n, key_of(key, len), ticket);
	},
	/* apply */
	[](void *arg, const void *key, size_t len, const recon_content *c, uint64_t ticket) {
		Node &n = *static_cast<Node *>(arg);

		n.world->repair(n, key_of(key, len), *c, ticket);
	},
	/* scan */
	[](void *arg, uint64_t ticket) {
		Node &n = *static_cast<Node *>(arg);

		n.world->scan(n, 0, ticket);
	},
	/* is_home */
	[](void *arg, uint64_t stamp) {
		return static_cast<int>(stamp_node(stamp)) == static_cast<Node *>(arg)->index;
	},
	/* unsettled */
	[](void *arg, uint32_t peer, const void *key, size_t len, recon_unsettled why) {
		Node &n = *static_cast<Node *>(arg);

		n.world->note("node %d: key %d stays different from %u: %d", n.index,
			key_of(key, len), peer, why);
	},
};

/* The rules of the core that are left out. */
static unsigned left_out()
{
	const struct {
		bool kept;
		unsigned rule;
	} all[] = {
		{rules.compare_and_set, RECON_COMPARE_AND_SET},
		{rules.sums, RECON_SUMS},
		{rules.late_refusal, RECON_LATE_REFUSAL},
		{rules.mixed_for_older, RECON_MIXED_FOR_OLDER},
		{rules.forget_all, RECON_FORGET_ALL},
		{rules.full_comparison, RECON_FULL_COMPARISON},
		{rules.mixed_while_behind, RECON_MIXED_WHILE_BEHIND},
		{rules.forgotten_loses, RECON_FORGOTTEN_LOSES},
		{rules.reopen, RECON_REOPEN},
		{rules.reopen_content, RECON_REOPEN_CONTENT},
		{rules.close_epochs, RECON_CLOSE_EPOCHS},
		{rules.wait, RECON_WAIT_ITS_TURN},
		{rules.fresh_keys, RECON_FRESH_KEYS},
	};
	unsigned without = 0;

	for (const auto &r : all)
		without |= r.kept ? 0 : r.rule;
	return without;
}

void World::make_core(Node &n)
{
	recon_options o{};

	o.seed = SUM_SEED;
	o.share = 1;
	o.node = static_cast<uint64_t>(n.index);
	o.name = "simulated";
	o.incarnation = 1;
	o.peers = others(n);
	o.standing = RECON_INTACT;
	o.max_delay_ms = static_cast<uint32_t>(s.max_delay_ms);
	o.close_ms = static_cast<uint32_t>(s.close_ms);
	o.without = left_out();
	o.clock = &n.clock;
	o.host = &host;
	o.arg = &n;
	n.core = recon_core_new(&o, now_at(n));
}

/* ---- Values ---- */

/* Content and chain belong together at the moment of the reply. */
void World::read(Node &n, int key, uint64_t ticket)
{
	uint64_t generation = n.redis.generation, life = n.life;
	Ms lane_ms = s.lane_ms + lane_of(key);

	after(lane_ms, [this, &n, key, ticket, generation, life, lane_ms] {
		Content content;

		if (!n.redis.up || n.redis.generation != generation || n.life != life)
			return;
		auto it = n.redis.data.find(key);
		if (it != n.redis.data.end())
			content = it->second;
		after(lane_ms, [this, &n, key, ticket, generation, life, content] {
			if (n.up && n.life == life && n.redis.generation == generation)
				read_answered(n, key, content, ticket);
		});
	});
}

void World::read_answered(Node &n, int key, const Content &content, uint64_t ticket)
{
	std::string name = name_of(key);
	journal_chain chain = journal_look(journal_of(n), name.data(), name.size());
	recon_content c{};

	if (content.writes.empty())
		deletes[{key, chain.n > 0 ? chain.entries[0].newest : 0}] = content.deleted;
	if (chain.under_way == 0 && chain.n > 0 && !chain.entries[0].mixed &&
		recon_core_standing(n.core) == RECON_INTACT && !content.writes.empty() &&
		!content.has(chain.entries[0].newest))
		fail("I4: node %d, key %d: clean, newest %" PRIx64
		     ", which its content does not have",
			n.index, key, chain.entries[0].newest);
	c.exists = !content.writes.empty();
	c.bytes = reinterpret_cast<const uint8_t *>(content.writes.data());
	c.len = content.writes.size() * sizeof(Stamp);
	c.digest = digest_of(content);
	recon_core_read_done(n.core, ticket, &c, now_at(n));
	reap();
}

/* The record of it is the last of the log. */
void World::repair(Node &n, int key, const recon_content &content, uint64_t ticket)
{
	Stamp newest = n.log.back().record.stamp;
	Command c{0, lane_of(key), n.log.size() - 1, key, true, {}, true, false, {}};

	if (content.exists) {
		c.content.writes.resize(content.len / sizeof(Stamp));
		memcpy(c.content.writes.data(), content.bytes, content.len);
	} else {
		c.content.deleted = deletes[{key, newest}];
	}
	note("node %d, key %d: repaired to %" PRIx64 ", %zu writes", n.index, key, newest,
		c.content.writes.size());
	command(n, c, [this, &n, key, ticket](bool) {
		recon_core_applied(n.core, ticket, RECON_TAKEN, now_at(n));
		wake(n, key);
		reap();
	});
}

/* From this key on, which takes its time. */
void World::scan(Node &n, int key, uint64_t ticket)
{
	uint64_t generation = n.redis.generation, life = n.life;

	after(random.below(8), [this, &n, key, ticket, generation, life] {
		std::string name = name_of(key);

		if (!n.up || n.life != life || !n.redis.up || n.redis.generation != generation)
			return;
		if (key == s.keys) {
			recon_core_scan_done(n.core, ticket, true, now_at(n));
			reap();
			return;
		}
		const Content &c = n.redis.data[key];
		if (!c.writes.empty() &&
			recon_core_scan_wants(n.core, ticket, name.data(), name.size()))
			recon_core_scan_key(n.core, ticket, name.data(), name.size(), digest_of(c));
		scan(n, key + 1, ticket);
	});
}

} // namespace sim
