/*
 * Which nodes are sent the rounds of version 1: those that do not speak version 2, and no others.
 */
#include "heal/guard.h"
#include "proxy/ring.h"
#include "support/http.h"
#include "support/json_at.h"
#include "support/wait.h"

#include <gtest/gtest.h>
#include <thread>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

constexpr size_t kKeys = 1000;
constexpr int kTimeoutMs = 1500;

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};
const Places kThreeRacks = {{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}};

/* The last node speaks version 1 alone. */
class Mixed : public Ring
{
      public:
	explicit Mixed(const Places &places) : Ring(places)
	{
		set("server_retry_timeout", "300");
		set("timeout", std::to_string(patient_ms(kTimeoutMs)));
		old().node().set("recon_protocol", "1");
	}
	Member &old()
	{
		return (*this)[size() - 1];
	}
	/* Each of the others knows of the last one. */
	void wait_known()
	{
		for (size_t i = 0; i + 1 < size(); i++)
			EXPECT_TRUE((*this)[i].node().wait_log(
				"speaks version 1 of the protocol alone"));
	}
	/* A node and its Redis, which comes back empty. */
	void kill(size_t i)
	{
		(*this)[i].node().kill9();
		(*this)[i].redis().kill9();
		for (size_t from = 0; from < size(); from++) {
			const auto sees = [&] {
				return from != i && (*this)[from].peer_is_up(peer_number(from, i));
			};
			EXPECT_TRUE(wait_until([&] { return !sees(); }));
		}
	}
	void back(size_t i)
	{
		(*this)[i].redis().start_again();
		(*this)[i].node().start();
	}
};

uint64_t counted(const Member &m, const std::string &field)
{
	return std::stoull(json_at(http(m.stats_port(), "/info").body, {"entropy", field}));
}

/* Pushes to a node that have ended, in the log of another. */
size_t pushes(Member &from, Member &to)
{
	return from.node().logged("to 127.0.0.1:" + std::to_string(to.node().port() + 4) + ":");
}

TEST(MixedRing, HealsBothWays)
{
	Mixed ring(kTwoRacks);

	ring.start();
	ring.wait_known();
	RedisClient one = ring[0].client();
	write_keys(one, "before", kKeys);
	ring.kill(1);
	write_keys(one, "while", kKeys);
	ring.back(1);
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));

	ring.wait_peers();
	ring.kill(0);
	RedisClient two = ring[1].client();
	write_keys(two, "then", kKeys);
	ring.back(0);
	EXPECT_TRUE(soon_has(ring[0], "before", kKeys));
	EXPECT_TRUE(soon_has(ring[0], "while", kKeys));
	EXPECT_TRUE(soon_has(ring[0], "then", kKeys));
}

TEST(MixedRing, SendsRoundsToTheNodeOfVersion1Alone)
{
	Mixed ring(kThreeRacks);

	ring.set("recon_interval_seconds", "1").start();
	ring.wait_known();
	RedisClient one = ring[0].client();
	write_keys(one, "before", kKeys);
	ring.kill(1);
	write_keys(one, "while", kKeys);
	ring.back(1);
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	EXPECT_TRUE(soon_has(ring[1], "while", kKeys));
	EXPECT_TRUE(wait_until([&] { return pushes(ring[0], ring[2]) >= 3; }, seconds(30)));
	EXPECT_TRUE(wait_until([&] { return pushes(ring[2], ring[0]) >= 3; }, seconds(30)));
	EXPECT_EQ(pushes(ring[0], ring[1]), 0u) << ring[0].node().log();
	EXPECT_EQ(pushes(ring[1], ring[0]), 0u) << ring[1].node().log();
}

TEST(MixedRing, SendsNoRoundsWhereAllSpeakVersion2)
{
	Ring ring(kTwoRacks);

	ring.set("recon_interval_seconds", "1").set("timeout", std::to_string(patient_ms(1500)));
	ring.start();
	RedisClient one = ring[0].client();
	write_keys(one, "before", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "before", kKeys));
	/* Sessions follow each other until what was there at the start is settled. */
	const auto is_asked = [&] {
		return json_at(http(ring[0].stats_port(), "/info").body,
			       {"entropy", "sessions", "with", "0", "asked"}) == "true";
	};
	EXPECT_TRUE(wait_until([&] { return !is_asked(); }, seconds(60)));
	ASSERT_EQ(http(ring[0].stats_port(), "/entropy/run").code, 200);
	EXPECT_TRUE(is_asked()) << "a request is one for sessions";
	EXPECT_TRUE(wait_until([&] { return !is_asked(); }, seconds(60)));
	for (size_t i : {0u, 1u}) {
		EXPECT_EQ(counted(ring[i], "rounds"), 0u);
		EXPECT_EQ(ring[i].node().rounds(), 0u);
		EXPECT_FALSE(ring[i].node().logged("is skipped")) << ring[i].node().log();
	}
}

TEST(MixedRing, ARoundBringsBackNothingThatTheJournalKnows)
{
	Mixed ring(kTwoRacks);
	const struct heal_guard guard = {nullptr, patient_ms(kTimeoutMs), 0};

	ring.start();
	ring.wait_known();
	RedisClient one = ring[0].client();
	write_keys(one, "k", kKeys);
	EXPECT_TRUE(soon_has(ring[1], "k", kKeys));
	ASSERT_TRUE(ring[1].node().wait_rounds(1));
	/* The node of version 1 misses that they are deleted. */
	ASSERT_EQ(http(ring[0].stats_port(), "/peer/down/all").code, 200);
	for (size_t i = 0; i < kKeys; i++)
		one.cmd("DEL", "k" + std::to_string(i));
	EXPECT_EQ(ring[0].store().dbsize(), 0);
	/* So long ago that it says nothing of what the snapshot was read from. */
	std::this_thread::sleep_for(milliseconds(heal_guard_age_ms(&guard)) + seconds(1));
	const uint64_t before = counted(ring[0], "keys_left_alone");
	const size_t rounds = ring[1].node().rounds();
	ASSERT_EQ(http(ring[1].stats_port(), "/entropy/run").code, 200);
	ASSERT_TRUE(ring[1].node().wait_rounds(rounds + 1));
	EXPECT_TRUE(wait_until([&] {
		return counted(ring[0], "keys_left_alone") >= before + kKeys;
	})) << counted(ring[0], "keys_left_alone");
	EXPECT_EQ(ring[0].store().dbsize(), 0);
	/* What it never had is there. */
	RedisClient two = ring[1].store();
	two.set("another", "value");
	ASSERT_EQ(http(ring[1].stats_port(), "/entropy/run").code, 200);
	EXPECT_TRUE(soon_is(ring[0], "another", "value"));
	EXPECT_EQ(ring[0].store().dbsize(), 1);
}

} // namespace
} // namespace e2e
