#include "checker/world.h"

#include "checker/clients.h"
#include "support/http.h"
#include "support/wait.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <thread>

namespace checker
{
namespace
{

using namespace support;
using e2e::Forwarder;
using std::chrono::milliseconds;

const char *const kNames[kFaults] = {"kill-node", "kill-redis", "pause-redis", "peer-down", "cut",
	"cut-one-way", "stall", "stop-node", "kill-both", "empty-redis", "flush"};

e2e::Places places(size_t racks)
{
	e2e::Places all;

	for (size_t i = 0; i < racks; i++)
		all.push_back({"dc", "r" + std::to_string(i + 1)});
	return all;
}

RedisClient::Args redis_args(const std::string &persistence)
{
	if (persistence == "none")
		return {};
	return {"--appendonly", "yes", "--appendfsync", persistence};
}

/* The elements of a key, by its type. */
std::vector<std::string> elements(RedisClient &c, const std::string &type, const std::string &key)
{
	std::vector<std::string> all;

	if (type == "string")
		return {c.get(key)};
	if (type == "list")
		return c.list("LRANGE", key, "0", "-1");
	if (type == "set")
		all = c.list("SMEMBERS", key);
	if (type == "hash") {
		const std::vector<std::string> flat = c.list("HGETALL", key);

		for (size_t i = 0; i + 1 < flat.size(); i += 2)
			all.push_back(flat[i] + "=" + flat[i + 1]);
	}
	std::sort(all.begin(), all.end());
	return all;
}

} // namespace

const char *fault_name(Fault fault)
{
	return kNames[static_cast<int>(fault)];
}

/* ---- Plans ---- */

Plan Plan::of_seed(uint64_t seed)
{
	static const char *const levels[] = {"DC_ONE", "DC_QUORUM", "DC_SAFE_QUORUM"};
	static const char *const kept[] = {"always", "everysec", "none"};
	std::mt19937_64 random(seed);
	Plan p;

	p.seed = seed;
	p.racks = 2 + random() % 2;
	p.consistency = levels[random() % 3];
	p.persistence = kept[random() % 3];
	const bool is_quiet = seed % 5 == 0;
	const size_t kinds = is_quiet ? 0 : 1 + random() % 4;
	for (size_t i = 0; i < kinds; i++) {
		/* The last is rare. */
		const int fault =
			static_cast<int>(random() % (random() % 4 ? kFaults - 1 : kFaults));

		p.faults.push_back(static_cast<Fault>(fault));
	}
	return p;
}

size_t Plan::copies() const
{
	return consistency == "DC_ONE" ? 1 : racks / 2 + 1;
}

std::string Plan::text() const
{
	std::ostringstream out;

	out << "seed " << seed << ": " << racks << " racks, " << consistency << ", persistence "
	    << persistence << ", faults:";
	for (const Fault f : faults)
		out << " " << fault_name(f);
	return out.str();
}

/* ---- The ring ---- */

World::World(const Plan &plan)
    : plan_(plan), random_(plan.seed), ring_(places(plan.racks), redis_args(plan.persistence))
{
	ring_.set("timeout", std::to_string(patient_ms(1500)))
		.set("server_retry_timeout", "300")
		.set("recon_protocol", plan.protocol)
		.set("read_consistency", plan.consistency)
		.set("write_consistency", plan.consistency);
	for (size_t i = 0; i < ring_.size(); i++)
		for (size_t j = 0; j < ring_.size(); j++)
			if (i != j) {
				ways_[{i, j}] = std::make_unique<Forwarder>(ring_[j].node().port());
				ring_.route(i, j, ways_[{i, j}]->port());
			}
	ring_.start();
}

size_t World::another(size_t i)
{
	return (i + 1 + below(ring_.size() - 1)) % ring_.size();
}

void World::pause(int64_t least_ms, int64_t most_ms)
{
	const uint64_t ms =
		static_cast<uint64_t>(least_ms) + below(static_cast<uint64_t>(most_ms - least_ms));

	std::this_thread::sleep_for(milliseconds(ms));
}

void World::note(Fault fault, size_t i, const char *what)
{
	events_ += "  " + std::to_string(now_us()) + " node " + std::to_string(i) + " " +
		   fault_name(fault) + " " + what + "\n";
}

/* ---- Faults ---- */

void World::tell(size_t i, const std::string &path)
{
	EXPECT_TRUE(http(ring_[i].stats_port(), path).ok()) << path;
}

void World::peers(size_t i, const char *what)
{
	for (size_t j = 0; j < ring_.size(); j++)
		if (j == i)
			tell(i, std::string("/peer/") + what + "/all");
		else
			tell(j, std::string("/peer/") + what +
					"/127.0.0.1:" + std::to_string(ways_[{j, i}]->port()));
}

void World::ways(size_t i, void (Forwarder::*what)())
{
	for (auto &w : ways_)
		if (w.first.first == i || w.first.second == i)
			(*w.second.*what)();
}

void World::lost(size_t i)
{
	losses_.push_back({i, now_us()});
}

void World::start_redis(size_t i, bool is_empty)
{
	RedisServer &redis = ring_[i].redis();

	if (is_empty)
		std::filesystem::remove_all(redis.dir() + "/appendonlydir");
	redis.start_again();
	if (is_empty || plan_.persistence == "none")
		lost(i);
}

void World::begin(Fault fault, size_t i)
{
	note(fault, i, "begins");
	switch (fault) {
	case Fault::kKillNode:
		return ring_[i].node().kill9();
	case Fault::kKillBoth:
		ring_[i].node().kill9();
		return ring_[i].redis().kill9();
	case Fault::kKillRedis:
	case Fault::kEmptyRedis:
		return ring_[i].redis().kill9();
	case Fault::kPauseRedis:
		return ring_[i].redis().pause();
	case Fault::kPeerDown:
		return peers(i, "down");
	case Fault::kCut:
		return ways(i, &Forwarder::cut);
	case Fault::kCutOneWay:
		return ways_[{i, another(i)}]->cut();
	case Fault::kStall:
		return ways(i, &Forwarder::stall);
	case Fault::kStopNode:
		EXPECT_EQ(ring_[i].node().stop(), 0);
		return;
	case Fault::kFlush:
		ring_[i].store().cmd("FLUSHALL");
		return lost(i);
	}
}

void World::end(Fault fault, size_t i)
{
	note(fault, i, "ends");
	switch (fault) {
	case Fault::kKillNode:
	case Fault::kStopNode:
		return ring_[i].node().start();
	case Fault::kKillBoth:
		start_redis(i, false);
		return ring_[i].node().start();
	case Fault::kKillRedis:
	case Fault::kEmptyRedis:
		return start_redis(i, fault == Fault::kEmptyRedis);
	case Fault::kPauseRedis:
		return ring_[i].redis().resume();
	case Fault::kPeerDown:
		return peers(i, "up");
	case Fault::kCut:
	case Fault::kCutOneWay:
	case Fault::kStall:
		return ways(i, &Forwarder::mend);
	case Fault::kFlush:
		return;
	}
}

void World::round()
{
	const Fault one = plan_.faults[below(plan_.faults.size())];
	const Fault two = plan_.faults[below(plan_.faults.size())];
	const size_t i = below(ring_.size()), j = another(i);
	/* A peer can be declared up or down by nodes that run only. */
	const bool both = below(3) == 0 && one != Fault::kPeerDown && two != Fault::kPeerDown;

	begin(one, i);
	if (both) {
		pause(0, 1000);
		begin(two, j);
	}
	pause(200, 4000);
	end(one, i);
	if (both) {
		pause(0, 1000);
		end(two, j);
	}
	pause(200, 3000);
}

/* ---- The replicas ---- */

Dataset World::dataset(size_t i)
{
	RedisClient c = ring_[i].store();
	Dataset d;

	for (const std::string &key : c.keys()) {
		Content content;

		content.type = c.cmd("TYPE", key);
		if (content.type == "none")
			continue; /* it has expired meanwhile */
		content.elements = elements(c, content.type, key);
		content.deadline_ms = std::max<int64_t>(c.integer("PEXPIRETIME", key), 0);
		if (c.exists(key))
			d[key] = content;
	}
	return d;
}

std::vector<std::string> World::all_differences()
{
	std::vector<std::string> all;
	const Dataset first = dataset(0);

	for (size_t i = 1; i < ring_.size(); i++)
		for (const std::string &line : differences(first, dataset(i)))
			all.push_back("node 0 and " + std::to_string(i) + ": " + line);
	for (size_t i = 1; all.empty() && i < ring_.size(); i++) {
		std::string output;

		if (compare(ring_[0].redis(), ring_[i].redis(), &output) != 0)
			all.push_back("I1: for dyn-entropy compare: " + output);
	}
	return all;
}

std::vector<std::string> World::wait_equal(milliseconds limit)
{
	const auto deadline = std::chrono::steady_clock::now() + patient(limit);

	ring_.wait_peers();
	for (;;) {
		std::vector<std::string> all = all_differences();

		if (all.empty() || std::chrono::steady_clock::now() >= deadline)
			return all;
		std::this_thread::sleep_for(milliseconds(500));
	}
}

} // namespace checker
