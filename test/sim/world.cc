#include "sim/world.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

namespace sim
{

/* ---- Events ---- */

void World::fail(const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (!failure.empty())
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	failure = text;
}

void World::note(const char *fmt, ...)
{
	va_list args;

	if (!show)
		return;
	printf("%8" PRId64 " ", now);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void World::at(Ms when, std::function<void()> run)
{
	events.push({when, order++, std::move(run)});
}

/* From a proxy that has no replica. */
void World::send_far(int to, std::function<void()> run)
{
	uint64_t life = nodes[static_cast<size_t>(to)].life;

	if (!calm && random.chance(s.lose_percent))
		return;
	after(hop(), [this, to, life, run = std::move(run)] {
		Node &n = nodes[static_cast<size_t>(to)];

		if (n.up && n.life == life)
			run();
	});
}

/* A message, which may be lost and is never carried out by a node that died meanwhile. */
void World::send(int from, int to, std::function<void()> run)
{
	uint64_t life = nodes[static_cast<size_t>(to)].life;

	if (!calm && (cut[static_cast<size_t>(from)][static_cast<size_t>(to)] ||
			     random.chance(s.lose_percent)))
		return;
	after(hop(), [this, to, life, run = std::move(run)] {
		Node &n = nodes[static_cast<size_t>(to)];

		if (n.up && n.life == life)
			run();
	});
}

/* ---- The course of things ---- */

void World::tick()
{
	for (Node &n : nodes) {
		if (!n.up || !n.connected)
			continue;
		recon_core_forget(n.core, now_at(n));
		for (size_t p = 0; p < nodes.size(); p++) {
			if (static_cast<int>(p) == n.index || n.next_ms[p] > now)
				continue;
			n.next_ms[p] = now + s.session_ms + random.below(2000);
			begin_session(n.index, static_cast<int>(p));
		}
		for (auto it = n.waiting.begin(); it != n.waiting.end();) {
			auto &l = it->second;

			l.erase(std::remove_if(l.begin(), l.end(),
					[this](const Waiting &w) { return w.deadline <= now; }),
				l.end());
			it = l.empty() ? n.waiting.erase(it) : std::next(it);
		}
		if (n.redis.up && n.redis.persistence == Persistence::Rdb && random.chance(5))
			n.redis.saved_at = now;
	}
	tick_sessions();
	if (!calm && random.chance(s.fault_percent))
		fault();
	after(1000, [this] { tick(); });
}

void World::fault()
{
	Node &n = nodes[static_cast<size_t>(random.below(static_cast<int64_t>(nodes.size())))];
	int dice = static_cast<int>(random.below(3));

	if (dice == 0 && s.restarts) {
		crash_node(n);
	} else if (dice == 1 && s.restarts) {
		crash_redis(n);
	} else if (s.partitions) {
		size_t other =
			static_cast<size_t>(random.below(static_cast<int64_t>(nodes.size())));
		bool both = random.chance(70);

		faults++;
		cut[static_cast<size_t>(n.index)][other] = true;
		if (both)
			cut[other][static_cast<size_t>(n.index)] = true;
		note("cut %d %d", n.index, static_cast<int>(other));
		after(random.between(1000, 25000), [this, &n, other] {
			cut[static_cast<size_t>(n.index)][other] = false;
			cut[other][static_cast<size_t>(n.index)] = false;
		});
	}
}

World::World(uint64_t seed) : random{seed * 7919 + 17}
{
	s.nodes = static_cast<int>(random.between(2, 4));
	s.keys = static_cast<int>(random.chance(50) ? random.between(2, 8) : random.between(8, 60));
	s.lanes = static_cast<int>(random.between(1, 2));
	s.lane_ms = random.chance(50) ? 2 : random.between(2, 80);
	s.writing_ms = random.between(20, 120) * 1000;
	s.fault_percent = random.chance(20) ? 0 : static_cast<int>(random.between(2, 60));
	s.lose_percent = random.chance(30) ? 0 : static_cast<int>(random.between(1, 50));
	s.far_percent = random.chance(50) ? 0 : static_cast<int>(random.between(1, 100));
	s.late_percent = random.chance(50) ? 3 : static_cast<int>(random.between(3, 50));
	s.error_percent = random.chance(50) ? 0 : static_cast<int>(random.between(1, 10));
	far_skew = random.between(-2500, 2500);
	s.window = static_cast<uint32_t>(random.between(1, 64));
	s.restarts = random.chance(60);
	s.rollbacks = random.chance(70);
	s.partitions = random.chance(70);
	nodes.resize(static_cast<size_t>(s.nodes));
	cut.assign(nodes.size(), std::vector<bool>(nodes.size(), false));
	for (size_t i = 0; i < nodes.size(); i++) {
		Node &n = nodes[i];

		n.index = static_cast<int>(i);
		n.skew = random.between(-2500, 2500);
		n.clock.node = static_cast<uint32_t>(i);
		n.world = this;
		n.next_ms.resize(nodes.size());
		make_core(n);
		n.redis.persistence = static_cast<Persistence>(random.below(4));
	}
}

World::~World()
{
	for (auto &c : connections) {
		close(c->dialer);
		close(c->listener);
	}
	for (Node &n : nodes)
		recon_core_free(n.core);
}

bool World::run()
{
	Ms gap = random.between(20, 800);
	Ms end = s.writing_ms + 240000;
	std::function<void()> next = [this, gap, &next] {
		client_write();
		if (now < s.writing_ms)
			after(1 + random.below(2 * gap), next);
	};

	at(0, next);
	at(0, [this] { tick(); });
	at(s.writing_ms, [this] {
		calm = true;
		for (auto &row : cut)
			std::fill(row.begin(), row.end(), false);
		note("calm");
	});
	while (!events.empty() && failure.empty()) {
		Event e = events.top();

		if (e.at > end)
			break;
		events.pop();
		now = e.at;
		steps++;
		e.run();
	}
	if (failure.empty())
		check();
	return failure.empty();
}

} // namespace sim
