/*
 * world - a ring with everything that can happen to it, from one seed: what it is made of, which
 * faults come, and what its replicas hold.
 */
#ifndef TEST_CHECKER_WORLD_H
#define TEST_CHECKER_WORLD_H

#include "checker/history.h"
#include "proxy/forwarder.h"
#include "proxy/ring.h"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace checker
{

enum class Fault {
	kKillNode,   /* kill -9, and later started again */
	kKillRedis,  /* kill -9; what it comes back with is a matter of its persistence */
	kPauseRedis, /* SIGSTOP, SIGCONT */
	kPeerDown,   /* declared down on the node's statistics port, both ways */
	kCut,        /* no connections with the others, both ways */
	kCutOneWay,  /* none to one of the others */
	kStall,      /* connections that carry nothing, both ways */
	kStopNode,   /* SIGTERM, and later started again */
	kKillBoth,   /* kill -9 of node and Redis */
	kEmptyRedis, /* kill -9, and back with nothing */
	kFlush       /* FLUSHALL behind the node */
};
constexpr int kFaults = 11;

const char *fault_name(Fault fault);

struct Plan {
	uint64_t seed = 0;
	size_t racks = 2;
	std::string consistency = "DC_ONE";
	std::string persistence = "always"; /* appendfsync; or "none" */
	std::vector<Fault> faults;          /* those that may come; none: a quiet run */
	size_t rounds = 5;                  /* of faults */
	std::string protocol = "2";         /* recon_protocol */

	static Plan of_seed(uint64_t seed);
	size_t copies() const;
	std::string text() const;
};

class World
{
      public:
	explicit World(const Plan &plan);

	e2e::Ring &ring()
	{
		return ring_;
	}
	const std::vector<Loss> &losses() const
	{
		return losses_;
	}
	/* What happened, a line each. */
	const std::string &events() const
	{
		return events_;
	}

	/* One or two faults at once, on nodes of their own; they are over when it returns. */
	void round();

	/* What replica i holds. */
	Dataset dataset(size_t i);
	/* Wait until all replicas are equal, for `dyn-entropy compare` too; what differs if they
	 * are not by then. */
	std::vector<std::string> wait_equal(std::chrono::milliseconds limit);

      private:
	const Plan plan_;
	std::mt19937_64 random_;
	e2e::Ring ring_;
	std::map<std::pair<size_t, size_t>, std::unique_ptr<e2e::Forwarder>> ways_;
	std::vector<Loss> losses_;
	std::string events_;

	uint64_t below(uint64_t n)
	{
		return random_() % n;
	}
	size_t another(size_t i);
	void pause(int64_t least_ms, int64_t most_ms);
	void note(Fault fault, size_t i, const char *what);
	void begin(Fault fault, size_t i);
	void end(Fault fault, size_t i);
	void tell(size_t i, const std::string &path);
	void peers(size_t i, const char *what);
	void ways(size_t i, void (e2e::Forwarder::*what)());
	void lost(size_t i);
	void start_redis(size_t i, bool is_empty);
	std::vector<std::string> all_differences();
};

} // namespace checker

#endif
