/*
 * The life of what was down: a Redis, a node, a link between datacenters.  What it has missed is
 * there soon after it is back, without anybody's doing: by the rounds of version 1 of the channel's
 * protocol.  What sessions do is in test_converge.cc.
 */
#include "cluster/ring.h"
#include "proxy/forwarder.h"
#include "proxy/load.h"
#include "proxy/ring.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>
#include <thread>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

constexpr size_t kKeys = 3000;

/* Rounds 300 s apart: what heals here heals because a peer is back.  It is tried often. */
class Life : public Ring
{
      public:
	explicit Life(const Places &places) : Ring(places)
	{
		set("recon_protocol", "1");
		set("server_retry_timeout", "300");
		set("recon_max_rate", "0");
		/* How long a node leaves alone what it has written grows with this. */
		set("timeout", "3000");
	}

	void wait_down(size_t from, size_t to)
	{
		EXPECT_TRUE(wait_until(
			[&] { return !(*this)[from].peer_is_up(peer_number(from, to)); }));
	}
};

/* Where the node's entropy channel listens. */
std::string recon_address(Member &m)
{
	return "127.0.0.1:" + std::to_string(m.node().port() + 4);
}

/* The rounds of the start are over: those to all, and to the nodes that were started later. */
void wait_quiet(Node &node)
{
	auto since = std::chrono::steady_clock::now();
	size_t rounds = 0;

	EXPECT_TRUE(wait_until(
		[&] {
			const auto now = std::chrono::steady_clock::now();
			if (node.rounds() != rounds) {
				rounds = node.rounds();
				since = now;
			}
			return rounds > 0 && now - since > std::chrono::milliseconds(1500);
		},
		seconds(30)));
}

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};

TEST(LifeOfARedis, ThatWasStoppedHasTheKeysAfterARound)
{
	Life ring(kTwoRacks);

	ring.set("recon_interval_seconds", "1").start();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	ring[1].redis().stop();
	write_keys(c, "while", kKeys);
	EXPECT_EQ(c.cmd("SET", "the key", "the value"), "OK");
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) >= kKeys + 1; }));
	ring[1].redis().start_again();
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys)) << "it came back empty";
	EXPECT_TRUE(wait_until([&] { return ring[1].store().get("the key") == "the value"; }));
	EXPECT_EQ(ring[1].client().get("the key"), "the value");
}

TEST(LifeOfARedis, ThatWasStoppedHasTheKeysSoonWhenThereIsTraffic)
{
	Life ring(kTwoRacks);

	ring.start();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	ring[1].redis().kill9();
	write_keys(c, "while", kKeys);
	ring[1].redis().start_again();
	Load load(ring[0], "traffic");
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	load.stop();
	EXPECT_EQ(load.errors(), 0u);
	EXPECT_TRUE(wait_until([&] { return load.missing(ring[1].store()) == 0; }));
}

TEST(LifeOfARedis, ThatWasStoppedHasTheKeysSoonWhenThereIsNone)
{
	Life ring(kTwoRacks);

	ring.start();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	/* Nothing is written meanwhile: it comes back empty, and nobody was refused. */
	ring[1].redis().kill9();
	EXPECT_TRUE(wait_until([&] { return ring[1].info("datastore_state") == "down"; }));
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
	ring[1].redis().start_again();
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	/* All is written meanwhile, and nothing afterwards. */
	ring[1].redis().kill9();
	EXPECT_TRUE(wait_until([&] { return ring[1].info("datastore_state") == "down"; }));
	write_keys(c, "while", kKeys);
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) >= kKeys; }));
	ring[1].redis().start_again();
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	/* And what is written now gets there at once. */
	write_keys(c, "after", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "after", kKeys));
}

TEST(LifeOfARedis, BehindAnEmptyNodeIsFilledFromTheOthers)
{
	Life ring(kTwoRacks);

	ring.start();
	RedisClient c = ring[0].client();
	write_keys(c, "k", kKeys);
	ring[1].node().stop();
	ring[1].redis().kill9();
	ring[1].redis().start_again();
	ring[1].node().start();
	EXPECT_TRUE(soon_has(ring[1], "k", kKeys));
	RedisClient there = ring[1].client();
	EXPECT_EQ(count_keys(there, "k", kKeys), kKeys);
}

struct Death {
	const char *name;
	bool node, redis;
	bool kill;
};

std::ostream &operator<<(std::ostream &to, const Death &d)
{
	return to << d.name;
}

class LifeOfANode : public testing::TestWithParam<Death>
{
};

TEST_P(LifeOfANode, ThatWasDownHasWhatItMissed)
{
	Life ring(kTwoRacks);

	ring.start();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	c.set("old", "value");
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	EXPECT_TRUE(wait_until([&] { return ring[1].store().get("old") == "value"; }));
	if (GetParam().kill)
		ring[1].node().kill9();
	else
		ring[1].end();
	ring.wait_down(0, 1);
	/* Killed between carrying out a write and saying so: that one counts as missed. */
	const uint64_t unheard = ring[0].missed(1);
	EXPECT_LE(unheard, kKeys + 1);
	if (GetParam().redis)
		ring[1].redis().kill9();
	write_keys(c, "while", kKeys);
	EXPECT_EQ(c.integer("RPUSH", "a list", "a", "b", "c"), 3);
	EXPECT_EQ(c.cmd("SET", "expiring", "v", "EX", 1000), "OK");
	EXPECT_EQ(ring[0].missed(1), unheard + kKeys + 2);
	if (GetParam().redis)
		ring[1].redis().start_again();
	ring[1].node().start();
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	RedisClient there = ring[1].client();
	EXPECT_TRUE(wait_until([&] { return there.integer("LLEN", "a list") == 3; }));
	EXPECT_TRUE(wait_until([&] { return there.integer("TTL", "expiring") > 900; }));
	EXPECT_EQ(there.get("old"), "value");
	std::string differences;
	EXPECT_EQ(compare(ring[0].redis(), ring[1].redis(), &differences), 0) << differences;
	/* And it has part in what is written now. */
	write_keys(c, "after", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "after", kKeys));
	EXPECT_EQ(ring[0].missed(1), unheard + kKeys + 2);
}

INSTANTIATE_TEST_SUITE_P(Deaths, LifeOfANode,
	testing::Values(Death{"Stopped", true, false, false}, Death{"Killed", true, false, true},
		Death{"KilledWithItsRedis", true, true, true}),
	testing::PrintToStringParamName());

TEST(LifeOfANodeAmongOthers, HasItsOwnKeysAndNoOthers)
{
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2", "2147483647"}, {"dc", "r2", "4294967295"}});

	ring.set("server_retry_timeout", "300").start();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	ring[2].node().kill9();
	ring[2].redis().kill9();
	EXPECT_TRUE(wait_until([&] { return !ring[0].peer_is_up(2); }));
	write_keys(c, "while", kKeys);
	ring[2].redis().start_again();
	ring[2].node().start();
	const auto both = [&](const std::string &prefix) {
		RedisClient low = ring[1].store(), high = ring[2].store();
		return count_keys(low, prefix, kKeys) + count_keys(high, prefix, kKeys);
	};
	EXPECT_TRUE(wait_until([&] { return both("while") == kKeys; }, seconds(40)));
	EXPECT_TRUE(wait_until([&] { return both("before") == kKeys; }, seconds(40)));
	for (const size_t i : {1u, 2u})
		for (const std::string &key : ring[i].store().keys())
			ASSERT_EQ(ring_murmur(key.data(), key.size()) <= 2147483647, i == 1) << key;
}

/* The others have missed nothing, and are left alone. */
TEST(LifeOfANodeAmongOthers, IsHealedAlone)
{
	Life ring(Places{{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}});

	ring.start();
	Node &healer = ring[0].node();
	RedisClient c = ring[0].client();
	write_keys(c, "before", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	wait_quiet(healer);
	ring[1].node().kill9();
	ring.wait_down(0, 1);
	write_keys(c, "while", kKeys);
	const size_t to_third = healer.logged("to " + recon_address(ring[2]));
	const size_t rounds = healer.rounds();
	ring[1].node().start();
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(healer.wait_rounds(rounds + 1));
	EXPECT_GE(healer.logged("1 of 1 targets exchanged"), 1u);
	EXPECT_EQ(healer.logged("to " + recon_address(ring[2])), to_third) << healer.log();
}

/* ---- A link between datacenters ---- */

class LifeOfALink : public testing::TestWithParam<bool>
{
};

TEST_P(LifeOfALink, ThatWasCutLeavesNothingBehind)
{
	const LinkKey key(2048);
	Life ring({{"east", "r1"}, {"east", "r2"}, {"west", "r1"}, {"west", "r2"}});
	std::vector<std::unique_ptr<Forwarder>> sea;

	if (GetParam())
		ring.set("secure_server_option", "datacenter").set("pem_key_file", key.file());
	for (const size_t from : {0u, 1u, 2u, 3u})
		for (const size_t to : {0u, 1u, 2u, 3u})
			if ((from < 2) != (to < 2)) {
				sea.push_back(std::make_unique<Forwarder>(ring[to].node().port()));
				ring.route(from, to, sea.back()->port());
			}
	ring.start();
	RedisClient east = ring[0].client(), west = ring[3].client();
	write_keys(east, "east before", kKeys);
	write_keys(west, "west before", kKeys);
	EXPECT_TRUE(soon_has(ring[2], "east before", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "west before", kKeys));
	east.set("both", "before");
	EXPECT_TRUE(wait_until([&] { return ring[3].store().get("both") == "before"; }));

	for (const auto &link : sea)
		link->cut();
	for (const size_t i : {2u, 3u})
		ring.wait_down(0, i);
	for (const size_t i : {0u, 1u})
		ring.wait_down(3, i);
	write_keys(east, "east while", kKeys);
	write_keys(west, "west while", kKeys);
	east.set("both", "of the east");
	west.set("both", "of the west");
	EXPECT_TRUE(soon_has(ring[1], "east while", kKeys));
	EXPECT_TRUE(soon_has(ring[2], "west while", kKeys));
	EXPECT_EQ(count_keys(west, "east while", kKeys), 0u);
	for (const size_t n : {2u, 3u}) {
		EXPECT_GE(ring[0].missed(n), kKeys + 1) << "no node of the west has got any";
		EXPECT_LE(ring[0].missed(n), kKeys + 10) << "but what was under way at the cut";
	}

	for (const auto &link : sea)
		link->mend();
	for (size_t i = 0; i < ring.size(); i++) {
		EXPECT_TRUE(soon_has(ring[i], "east while", kKeys)) << i;
		EXPECT_TRUE(soon_has(ring[i], "west while", kKeys)) << i;
		EXPECT_TRUE(soon_has(ring[i], "east before", kKeys)) << i;
	}
	/* Neither wins for keys that both have written. */
	EXPECT_EQ(ring[0].store().get("both"), "of the east");
	EXPECT_EQ(ring[2].store().get("both"), "of the west");
	write_keys(east, "east after", kKeys);
	EXPECT_TRUE(soon_has(ring[3], "east after", kKeys));
	if (GetParam()) {
		EXPECT_FALSE(holds(ring[2].node().log(), "decrypt")) << ring[2].node().log();
	}
}

/* The same by an operator's action: peers are taken out of use, and put back. */
TEST(LifeOfAPeer, ThatWasTakenOutOfUseHasWhatItMissed)
{
	Life ring(Places{{"east", "r1"}, {"west", "r1"}});
	const auto ask = [&](size_t i, const std::string &path) {
		Socket s(ring[i].stats_port());

		EXPECT_TRUE(s.send("GET " + path + " HTTP/1.0\r\n\r\n"));
		const std::string answer = s.read_to_end();
		EXPECT_TRUE(holds(answer.substr(0, 20), " 200 ")) << answer;
	};

	ring.start();
	for (const size_t i : {0u, 1u})
		wait_quiet(ring[i].node());
	RedisClient east = ring[0].client(), west = ring[1].client();
	for (const size_t i : {0u, 1u})
		ask(i, "/peer/down/all");
	write_keys(east, "east", kKeys);
	write_keys(west, "west", kKeys);
	EXPECT_EQ(ring[0].missed(1), kKeys);
	EXPECT_EQ(ring[0].peer_info(1, "state"), "held");
	EXPECT_EQ(count_keys(west, "east", kKeys), 0u);
	for (const size_t i : {0u, 1u})
		ask(i, "/peer/up/all");
	EXPECT_TRUE(soon_has(ring[0], "west", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "east", kKeys));
	write_keys(east, "after", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "after", kKeys));
}

INSTANTIATE_TEST_SUITE_P(
	Encrypted, LifeOfALink, testing::Bool(), testing::PrintToStringParamName());

} // namespace
} // namespace e2e
