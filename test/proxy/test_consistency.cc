/*
 * read_consistency and write_consistency: how many racks must have answered, and what is answered
 * when they have not, or not alike.
 */
#include "proxy/ring.h"
#include "support/text.h"
#include "support/wait.h"

#include <csignal>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

const Places kThreeRacks = {{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}};

/* Three racks here, and as many there. */
const Places kTwoDatacenters = {{"east", "r1"}, {"east", "r2"}, {"east", "r3"}, {"west", "r1"},
	{"west", "r2"}, {"west", "r3"}};

/* A ring of which all nodes have this level for reads and writes. */
class LevelRing : public Ring
{
      public:
	LevelRing(const Places &places, const std::string &level) : Ring(places)
	{
		set("read_consistency", level);
		set("write_consistency", level);
		set("timeout", "3000");
		unhealed(); /* nothing heals what a test has put apart */
		set("auto_eject_hosts", "false");
		start();
	}

	/* Kill node i, and wait until node 0 knows. */
	void kill(size_t i)
	{
		(*this)[i].node().kill9();
		EXPECT_TRUE(wait_until([&] { return !(*this)[0].peer_is_up(i); }));
	}

	/* Give the racks values of their own. */
	void disagree(const std::string &key, const std::vector<std::string> &values)
	{
		for (size_t i = 0; i < values.size(); i++)
			(*this)[i].store().set(key, values[i]);
	}
};

struct Level {
	const char *name;
	size_t racks_down; /* with so many of three racks down, the local one aside, it can still
			      be reached */
};

std::ostream &operator<<(std::ostream &to, const Level &level)
{
	return to << level.name;
}

class Consistency : public testing::TestWithParam<Level>
{
};

TEST_P(Consistency, IsReachedWhenAllAreThere)
{
	LevelRing ring(kThreeRacks, GetParam().name);
	RedisClient c = ring[0].client();

	write_keys(c, "k", 2000);
	EXPECT_EQ(count_keys(c, "k", 2000), 2000u);
	EXPECT_EQ(c.cmd("MSET", "a", "1", "b", "2"), "OK");
	EXPECT_EQ(c.list("MGET", "a", "none", "b"), (std::vector<std::string>{"1", "(nil)", "2"}));
	EXPECT_EQ(c.integer("DEL", "a", "b", "none"), 2);
	EXPECT_EQ(c.integer("INCR", "n"), 1);
	EXPECT_TRUE(holds(c.error("LPUSH", "n", "x"), "WRONGTYPE")); /* an answer like any other */
	EXPECT_EQ(c.cmd("PING"), "PONG");
	for (size_t i = 0; i < ring.size(); i++) {
		RedisClient store = ring[i].store();
		EXPECT_TRUE(wait_until([&] { return store.dbsize() == 2001; }));
	}
}

TEST_P(Consistency, IsReachedAsLongAsEnoughRacksAreThere)
{
	LevelRing ring(kThreeRacks, GetParam().name);
	RedisClient c = ring[0].client();

	for (size_t down = 1; down <= 2; down++) {
		const std::string key = "k" + std::to_string(down);

		ring.kill(down);
		if (down <= GetParam().racks_down) {
			EXPECT_EQ(c.cmd("SET", key, "v"), "OK") << down;
			EXPECT_EQ(c.get(key), "v") << down;
			EXPECT_EQ(c.list("MGET", key, "none").size(), 2u);
		} else {
			const auto begin = std::chrono::steady_clock::now();

			EXPECT_TRUE(holds(c.error("SET", key, "v"), "needs 2")) << down;
			EXPECT_TRUE(holds(c.error("GET", key), "of 3 racks answered")) << down;
			EXPECT_TRUE(holds(c.error("MGET", key, "none"), "ERR dynomite"));
			EXPECT_LT(std::chrono::steady_clock::now() - begin, patient(seconds(2)));
		}
		EXPECT_GE(ring[0].missed(down), 1u) << "one write was tried without it";
	}
}

TEST_P(Consistency, EndsInTimeWhenRacksAreSilent)
{
	LevelRing ring(kThreeRacks, GetParam().name);
	RedisClient c = ring[0].client();

	for (const size_t silent : {1u, 2u})
		ring[silent].redis().pause();
	const auto begin = std::chrono::steady_clock::now();
	if (GetParam().racks_down >= 2) {
		EXPECT_EQ(c.cmd("SET", "k", "v"), "OK");
		EXPECT_EQ(c.get("k"), "v");
	} else {
		EXPECT_TRUE(holds(c.error("SET", "k", "v"), "ERR dynomite: "));
	}
	EXPECT_LT(std::chrono::steady_clock::now() - begin, patient(seconds(6)));
	for (const size_t silent : {1u, 2u})
		ring[silent].redis().resume();
	EXPECT_TRUE(wait_until([&] {
		return c.call({"SET", "k", "w"})->type == REDIS_REPLY_STATUS;
	}));
}

TEST_P(Consistency, DoesNotTakeARefusalForAnAnswer)
{
	LevelRing ring(kThreeRacks, GetParam().name);
	RedisClient c = ring[0].client();

	for (const size_t down : {1u, 2u}) {
		ring[down].redis().kill9();
		EXPECT_TRUE(
			wait_until([&] { return ring[down].info("datastore_state") == "down"; }));
	}
	if (GetParam().racks_down >= 2)
		EXPECT_EQ(c.cmd("SET", "k", "v"), "OK");
	else
		EXPECT_TRUE(holds(c.error("SET", "k", "v"), "2 failed"));
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) >= 1; }));
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(2) >= 1; }));
	EXPECT_TRUE(ring[0].node().wait_log("it is up, but misses requests"));
}

INSTANTIATE_TEST_SUITE_P(Levels, Consistency,
	testing::Values(Level{"DC_ONE", 2}, Level{"dc_quorum", 1}, Level{"Dc_Safe_Quorum", 1},
		Level{"DC_EACH_SAFE_QUORUM", 1}),
	testing::PrintToStringParamName());

/* ---- What is answered when racks have different values ---- */

TEST(ConsistencyOfReads, AtDcOneIsTheLocalRacks)
{
	LevelRing ring(kThreeRacks, "dc_one");

	ring.disagree("k", {"a", "b", "b"});
	EXPECT_EQ(ring[0].client().get("k"), "a");
	EXPECT_EQ(ring[1].client().get("k"), "b");
	ring[0].redis().kill9();
	EXPECT_TRUE(wait_until([&] { return ring[0].info("datastore_state") == "down"; }));
	EXPECT_TRUE(holds(ring[0].client().error("GET", "k"), "ERR dynomite: the datastore"));
}

TEST(ConsistencyOfReads, AtDcQuorumIsTheLocalRacksIfItAnswered)
{
	LevelRing ring(kThreeRacks, "dc_quorum");

	ring.disagree("k", {"a", "b", "c"});
	const std::string value = ring[0].client().get("k");
	EXPECT_TRUE(value == "a" || value == "b" || value == "c") << value;
	/* Without a rack the two that are left must both have answered. */
	ring.kill(2);
	EXPECT_EQ(ring[0].client().get("k"), "a");
	ring[2].node().start();
	ring.wait_peers();
	/* Without the local datastore the others answer. */
	ring[0].redis().kill9();
	EXPECT_TRUE(wait_until([&] { return ring[0].info("datastore_state") == "down"; }));
	const std::string other = ring[0].client().get("k");
	EXPECT_TRUE(other == "b" || other == "c") << other;
	EXPECT_EQ(ring[0].client().cmd("SET", "w", "v"), "OK");
}

TEST(ConsistencyOfReads, AtDcSafeQuorumIsWhatMostSay)
{
	LevelRing ring(kThreeRacks, "dc_safe_quorum");
	RedisClient c = ring[0].client();

	ring.disagree("k", {"a", "b", "b"});
	EXPECT_EQ(c.get("k"), "b");
	ring.disagree("k", {"a", "a", "b"});
	EXPECT_EQ(c.get("k"), "a");
	ring.disagree("k", {"a", "b", "c"});
	EXPECT_EQ(c.error("GET", "k"),
		"ERR dynomite: 3 of 3 racks answered, 0 failed, 1 agreed: DC_SAFE_QUORUM needs 2 "
		"that agree");
	/* A write that they do not answer alike has no answer either, though all have done it. */
	ring.disagree("n", {"1", "5", "7"});
	EXPECT_TRUE(holds(c.error("INCR", "n"), "1 agreed"));
	EXPECT_EQ(ring[2].store().get("n"), "8");
}

TEST(ConsistencyOfReads, AtDcEachSafeQuorumIsAskedForEverywhere)
{
	LevelRing ring(kTwoDatacenters, "dc_each_safe_quorum");
	RedisClient c = ring[0].client();

	write_keys(c, "k", 500);
	EXPECT_EQ(count_keys(c, "k", 500), 500u);
	for (size_t i = 0; i < ring.size(); i++) {
		RedisClient store = ring[i].store();
		EXPECT_TRUE(wait_until([&] { return count_keys(store, "k", 500) == 500; }));
	}
	ring.disagree("r", {"a", "a", "a", "b", "c", "d"});
	EXPECT_TRUE(holds(c.error("GET", "r"), "in another datacenter"));
	ring.disagree("r", {"a", "a", "x", "b", "b", "d"});
	EXPECT_EQ(c.get("r"), "a") << "each datacenter agrees with itself";
	/* One rack of another datacenter may be down, two may not. */
	ring.kill(4);
	EXPECT_EQ(c.cmd("SET", "w", "v"), "OK");
	ring.kill(5);
	EXPECT_TRUE(holds(c.error("SET", "w", "v"), "in another datacenter"));
	EXPECT_TRUE(holds(c.error("GET", "w"), "in another datacenter"));
}

TEST(ConsistencyOfReads, BelowThatDoesNotWaitForAnotherDatacenter)
{
	LevelRing ring(kTwoDatacenters, "dc_safe_quorum");
	RedisClient c = ring[0].client();

	for (size_t i = 3; i < 6; i++)
		ring[i].node().process().signal(SIGSTOP);
	const auto begin = std::chrono::steady_clock::now();
	write_keys(c, "k", 1000);
	EXPECT_EQ(count_keys(c, "k", 1000), 1000u);
	EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2900));
	for (size_t i = 3; i < 6; i++)
		ring[i].node().process().signal(SIGCONT);
	for (size_t i = 3; i < 6; i++) {
		RedisClient store = ring[i].store();
		EXPECT_TRUE(wait_until([&] { return count_keys(store, "k", 1000) == 1000; }));
	}
}

} // namespace
} // namespace e2e
