#include "sim/world.h"

#include <cinttypes>

namespace sim
{

World::Entries World::list(const Node &n, const std::set<uint32_t> &epochs)
{
	struct Arg {
		const std::set<uint32_t> *epochs;
		std::map<int, std::vector<journal_entry>> found;
	} arg{&epochs, {}};

	journal_each(
		n.j,
		[](void *p, const void *key, size_t len, const journal_chain *c) {
			auto *x = static_cast<Arg *>(p);

			for (size_t i = 0; i < c->n; i++)
				if (x->epochs->count(c->entries[i].epoch))
					x->found[key_of(key, len)].push_back(c->entries[i]);
		},
		&arg);
	return arg.found;
}

/* Content and chain belong together at the moment of the reply. */
void World::read_side(Node &n, int key, std::function<void(bool, Side)> got)
{
	Command c{0, lane_of(key), SIZE_MAX - 1, key, false, {}, false, false, {}};
	auto content = std::make_shared<Content>();
	uint64_t generation = n.redis.generation, life = n.life;

	after(s.lane_ms + c.lane, [this, &n, key, content, generation, life, got, c] {
		if (!n.redis.up || n.redis.generation != generation || n.life != life)
			return;
		auto it = n.redis.data.find(key);
		if (it != n.redis.data.end())
			*content = it->second;
		after(s.lane_ms + c.lane, [this, &n, key, content, generation, life, got] {
			if (!n.up || n.life != life || n.redis.generation != generation)
				return;
			std::string name = name_of(key);
			journal_chain chain = journal_look(n.j, name.data(), name.size());
			Side side{};

			side.entries.assign(chain.entries, chain.entries + chain.n);
			side.side.chain = chain;
			side.side.forgotten = rules.forgotten_loses ? journal_forgotten(n.j) : 0;
			side.side.behind = n.standing != Standing::Intact;
			side.horizon = journal_horizon(n.j);
			side.side.digest = digest_of(*content);
			side.side.is_home = chain.n > 0 && stamp_node(chain.entries[0].newest) ==
								   static_cast<uint32_t>(n.index);
			side.content = *content;
			side.busy = chain.under_way > 0;
			if (!side.busy && !side.entries.empty() && !side.entries[0].mixed &&
				n.standing == Standing::Intact && !content->writes.empty() &&
				std::find(content->writes.begin(), content->writes.end(),
					side.entries[0].newest) == content->writes.end())
				fail("I4: node %d, key %d: clean, newest %" PRIx64
				     ", which its content does not have",
					n.index, key, side.entries[0].newest);
			got(true, side);
		});
	});
}

void World::compare_key(const SessionPtr &x, int key)
{
	Node &b = nodes[static_cast<size_t>(x->b)];

	send(x->a, x->b, [this, x, key, &b] {
		if (broken(x))
			return;
		read_side(b, key, [this, x, key](bool, Side sb) {
			send(x->b, x->a, [this, x, key, sb] {
				if (broken(x))
					return;
				read_side(nodes[static_cast<size_t>(x->a)], key,
					[this, x, key, sb](bool, Side sa) {
						if (!broken(x))
							decide_key(x, key, sa, sb);
					});
			});
		});
	});
}

void World::decide_key(const SessionPtr &x, int key, Side sa, Side sb)
{
	Node &a = nodes[static_cast<size_t>(x->a)], &b = nodes[static_cast<size_t>(x->b)];
	std::vector<journal_entry> ea = sa.entries, eb = sb.entries;

	sa.side.chain.entries = sa.entries.data();
	sb.side.chain.entries = sb.entries.data();
	if (sa.busy || sb.busy) {
		key_done(x, key, false, ea, eb);
		return;
	}
	bool equal = sa.side.digest == sb.side.digest;
	auto done = [this, x, key, ea, eb](bool ok) { key_done(x, key, ok, ea, eb); };
	for (const auto *side : {&sa, &sb})
		for (const journal_entry &e : side->entries)
			note("  %d: epoch %u newest %" PRIx64 " count %u sum %" PRIx64
			     "%s, %zu writes",
				side == &sa ? x->a : x->b, e.epoch, e.newest, e.count, e.sum,
				e.mixed ? " mixed" : "", side->content.writes.size());
	switch (journal_decide(&sa.side, &sb.side)) {
	case JOURNAL_CONFLICT:
		done(true);
		break;
	case JOURNAL_SECOND:
		note("session %d-%d: key %d: %d is right", x->a, x->b, key, x->b);
		repair(a, key, sa, sb, equal, &x->repairs_a, done);
		break;
	case JOURNAL_FIRST:
		note("session %d-%d: key %d: %d is right", x->a, x->b, key, x->a);
		send(x->a, x->b, [this, x, key, sa, sb, equal, done, &b] {
			if (broken(x))
				return;
			repair(b, key, sb, sa, equal, &x->repairs_b, [this, x, done](bool ok) {
				send(x->b, x->a, [this, x, ok, done] {
					if (!broken(x))
						done(ok);
				});
			});
		});
		break;
	}
}

void World::repair(Node &n, int key, const Side &seen, const Side &winner, bool equal,
	std::map<uint32_t, uint32_t> *own, std::function<void(bool)> done)
{
	std::string name = name_of(key);
	journal_chain chain = journal_look(n.j, name.data(), name.size());
	Side before = seen;

	before.side.chain.entries = before.entries.data();
	if (rules.compare_and_set &&
		(chain.under_way > 0 ||
			journal_chain_digest(&chain) != journal_chain_digest(&before.side.chain))) {
		done(false);
		return;
	}
	journal_record r{};

	r.entries = winner.entries.data();
	r.n_entries = winner.entries.size();
	r.stamp = r.n_entries ? r.entries[0].newest : 0;
	r.epoch = winner.horizon;
	if (equal) {
		Side w = winner;

		w.side.chain.entries = w.entries.data();
		r.action = JOURNAL_ALIGNED;
		/* An entry of what the other has forgotten stays until it is forgotten here. */
		if (journal_chain_digest(&chain) != journal_chain_digest(&w.side.chain) &&
			!(chain.n > 0 && chain.entries[0].epoch <= winner.side.forgotten))
			append(n, r, key, lane_of(key), false);
		done(true);
		return;
	}
	r.action = JOURNAL_REPAIR;
	note("node %d, key %d: repaired to %" PRIx64 ", %zu writes", n.index, key, r.stamp,
		winner.content.writes.size());
	size_t at = append(n, r, key, lane_of(key), true);
	Command c{0, lane_of(key), at, key, true, {}, true, false, winner.content};
	command(n, c, [this, &n, key, at, own, done](bool) {
		LogRecord l = n.log[at];
		journal_record repaired = l.record;
		std::map<uint32_t, uint32_t> earlier;
		std::set<uint32_t> epochs;

		for (auto &[e, count] : *own)
			epochs.insert(e);
		earlier = repairs(n, epochs);

		repaired.action = JOURNAL_REPAIRED;
		repaired.entries = l.entries.data();
		repaired.n_entries = l.entries.size();
		append(n, repaired, key, lane_of(key), false, at);
		for (auto [e, count] : repairs(n, epochs))
			(*own)[e] += count - earlier[e];
		done(true);
		wake(n, key);
	});
}

void World::key_done(const SessionPtr &x, int key, bool ok, const std::vector<journal_entry> &ea,
	const std::vector<journal_entry> &eb)
{
	if (x->ended)
		return;
	if (!ok) {
		note("session %d-%d: key %d: changed meanwhile", x->a, x->b, key);
		x->all_well = false;
		for (const auto *l : {&ea, &eb})
			for (const journal_entry &e : *l)
				x->failed.insert(e.epoch);
	}
	if (--x->left == 0)
		settle(x);
}

} // namespace sim
