#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- Redis ---- */

void World::command(Node &n, Command c, std::function<void(bool)> answered)
{
	uint64_t generation = n.redis.generation, life = n.life;

	if (!n.redis.up || !n.connected)
		return;
	/* lanes keep their order: all delays are equal within one */
	after(s.lane_ms + c.lane, [this, &n, c, generation, life, answered] {
		if (!n.redis.up || n.redis.generation != generation)
			return;
		if (c.is_write) {
			Command done = c;

			done.at = now;
			n.redis.execute(done, commutes(c.key));
			n.redis.done.push_back(std::move(done));
		}
		after(s.lane_ms + c.lane, [&n, c, generation, life, answered] {
			if (!n.up || n.life != life || n.redis.generation != generation)
				return;
			if (answered)
				answered(!c.fails);
		});
	});
}

void World::crash_redis(Node &n)
{
	Redis &r = n.redis;
	Ms kept = now;

	if (!r.up)
		return;
	faults++;
	r.up = false;
	r.generation++;
	n.connected = false;
	switch (s.rollbacks ? r.persistence : Persistence::Always) {
	case Persistence::Always:
		break;
	case Persistence::Everysec:
		kept = now - random.between(0, 1500);
		break;
	case Persistence::Rdb:
		kept = r.saved_at;
		break;
	case Persistence::None:
		kept = -1;
		break;
	}
	while (!r.done.empty() && r.done.back().at > kept)
		r.done.pop_back();
	r.data.clear();
	for (const Command &c : r.done)
		r.execute(c, commutes(c.key));
	bury();
	/* what waited gets no answer */
	n.waiting.clear();
	close_sessions(n);
	note("redis %d is gone, %zu commands left of it", n.index, r.done.size());
	after(downtime(), [this, &n] { start_redis(n); });
}

void World::start_redis(Node &n)
{
	n.redis.up = true;
	if (n.up)
		after(random.between(1, 50), [this, &n] { connect(n); });
}

void World::connect(Node &n)
{
	if (!n.up || !n.redis.up || n.connected)
		return;
	if (rules.fence)
		n.redis.generation++; /* the old connections are killed */
	n.connected = true;
	rebuild(n);
	note("node %d is connected", n.index);
}

void World::crash_node(Node &n)
{
	if (!n.up)
		return;
	faults++;
	n.up = false;
	n.life++;
	n.connected = false;
	n.waiting.clear();
	close_sessions(n);
	if (!rules.log_before_send && !n.log.empty())
		n.log.resize(n.log.size() - static_cast<size_t>(random.below(static_cast<int64_t>(
						    std::min<size_t>(n.log.size(), 4)))));
	note("node %d is gone", n.index);
	after(downtime(), [this, &n] { start_node(n); });
}

void World::start_node(Node &n)
{
	n.up = true;
	n.clock.last = std::max(n.clock.last, stamp_make(wall(n), n.clock.node, 0));
	std::fill(n.next_ms.begin(), n.next_ms.end(), 0);
	if (n.redis.up)
		after(random.between(1, 50), [this, &n] { connect(n); });
}

} // namespace sim
