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

static recon_write write_of(const std::string &key, const Write &w)
{
	return {key.data(), key.size(), w.stamp, w.kind, false, 0};
}

void World::arrive(Node &n, const Write &w, const Reply &reply)
{
	std::string key = name_of(w.key);
	const recon_write write = write_of(key, w);

	if (!n.connected || !n.redis.up) {
		reply(false);
		return;
	}
	switch (recon_core_write(n.core, &write, now_at(n))) {
	case RECON_CARRY_OUT:
		carry_out(n, w, reply);
		break;
	case RECON_DO_NOTHING:
		note("node %d passes %" PRIx64 " over", n.index, w.stamp);
		reply(true);
		break;
	case RECON_WAIT:
		n.waiting[w.key].push_back({w, reply, now + 5000});
		break;
	case RECON_TOO_LATE:
	case RECON_TOO_FAR:
	case RECON_NO_MEMORY:
		reply(false);
		break;
	}
}

void World::carry_out(Node &n, const Write &w, const Reply &reply)
{
	Command c{0, lane_of(w.key), n.log.size() - 1, w.key, true, w, false, w.fails_at == n.index,
		{}};
	const uint64_t place = recon_core_place(n.core);

	command(n, c, [this, &n, w, reply, place](bool ok) {
		std::string key = name_of(w.key);
		recon_write write = write_of(key, w);

		write.place = place;
		recon_core_answered(n.core, &write, ok ? RECON_TAKEN : RECON_WITHDRAWN);
		note("node %d %s %" PRIx64, n.index, ok ? "took" : "refused", w.stamp);
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
