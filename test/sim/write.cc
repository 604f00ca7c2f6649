#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- The write path ---- */

void World::client_write()
{
	int coordinator = static_cast<int>(random.below(static_cast<int64_t>(nodes.size())));
	bool far = random.chance(s.far_percent); /* a proxy that has no replica */
	Node &c = nodes[static_cast<size_t>(coordinator)];
	int dice = static_cast<int>(random.below(10));

	if (!far && !c.up)
		return;
	auto w = std::make_unique<Write>();
	w->stamp = far ? stamp_draw(&far_clock, static_cast<uint64_t>(now + far_skew + 100000000))
		       : stamp_draw(&c.clock, wall(c));
	if (random.chance(s.error_percent))
		w->fails_at = static_cast<int>(random.below(static_cast<int64_t>(nodes.size())));
	w->key = static_cast<int>(random.below(1 + random.below(s.keys)));
	w->kind = dice < 5 ? JOURNAL_UPDATE : dice < 8 ? JOURNAL_OVERWRITE : JOURNAL_DELETE;
	w->coordinator = coordinator;
	Write *at_client = w.get();
	writes.push_back(std::move(w));
	note("write %" PRIx64 " kind %d of key %d at node %d", at_client->stamp, at_client->kind,
		at_client->key, coordinator);
	for (size_t i = 0; i < nodes.size(); i++) {
		bool local = static_cast<int>(i) == coordinator;
		auto run = [this, i, local, at_client] {
			arrive(nodes[i], *at_client, [this, local, at_client](bool ok) {
				if (ok && local && !at_client->acknowledged) {
					at_client->acknowledged = true;
					acknowledged++;
				}
			});
		};

		if (local && !far)
			run();
		else if (far)
			send_far(static_cast<int>(i), run);
		else
			send(coordinator, static_cast<int>(i), run);
	}
}

/* Too late, too far ahead, or of what is forgotten. */
bool World::is_refused(Node &n, const Write &w)
{
	if (!n.connected || !n.redis.up || !stamp_see(&n.clock, w.stamp, wall(n)))
		return true;
	if (rules.late_refusal &&
		stamp_ms(w.stamp) + static_cast<uint64_t>(s.max_delay_ms) < wall(n))
		return true;
	return stamp_epoch(w.stamp) <=
	       (rules.close_epochs ? journal_closed(n.j) : journal_forgotten(n.j));
}

void World::arrive(Node &n, const Write &w, const Reply &reply)
{
	std::string key = name_of(w.key);
	journal_record r{};

	if (is_refused(n, w)) {
		reply(false);
		return;
	}
	r.stamp = w.stamp;
	r.kind = w.kind;
	switch (journal_arrival(n.j, key.data(), key.size(), w.stamp, w.kind)) {
	case JOURNAL_WAIT:
		if (!rules.wait)
			break;
		n.waiting[w.key].push_back({w, reply, now + 5000});
		return;
	case JOURNAL_COUNT_MIXED:
		r.mixed = rules.mixed_for_older;
		[[fallthrough]];
	case JOURNAL_COUNT:
		r.action = JOURNAL_COUNTED;
		append(n, r, w.key, lane_of(w.key), false);
		note("node %d counts %" PRIx64, n.index, w.stamp);
		reply(true);
		return;
	case JOURNAL_LEAVE_MIXED:
		r.action = JOURNAL_LEFT;
		append(n, r, w.key, lane_of(w.key), false);
		[[fallthrough]];
	case JOURNAL_LEAVE:
		note("node %d leaves %" PRIx64, n.index, w.stamp);
		reply(true);
		return;
	case JOURNAL_CARRY_OUT_MIXED:
		r.mixed = rules.mixed_for_older;
		break;
	case JOURNAL_CARRY_OUT:
		break;
	}
	carry_out(n, w, r, reply);
}

void World::carry_out(Node &n, const Write &w, journal_record r, const Reply &reply)
{
	if (n.standing != Standing::Intact && w.kind == JOURNAL_UPDATE)
		r.mixed |= rules.mixed_while_behind;
	r.action = JOURNAL_SENT;
	size_t at = append(n, r, w.key, lane_of(w.key), true);
	Command c{0, lane_of(w.key), at, w.key, true, w, false, w.fails_at == n.index, {}};

	command(n, c, [this, &n, w, at, r, reply](bool ok) {
		journal_record answer = r;

		answer.action = ok ? JOURNAL_TAKEN : JOURNAL_WITHDRAWN;
		append(n, answer, w.key, lane_of(w.key), false, at);
		note("node %d %s %" PRIx64 "%s", n.index, ok ? "took" : "refused", w.stamp,
			r.mixed ? " mixed" : "");
		reply(ok);
		wake(n, w.key);
	});
}

void World::wake(Node &n, int key)
{
	auto it = n.waiting.find(key);

	if (it == n.waiting.end())
		return;
	std::vector<Waiting> list = std::move(it->second);
	n.waiting.erase(it);
	for (Waiting &w : list)
		if (w.deadline > now)
			arrive(n, w.write, w.reply);
}

} // namespace sim
