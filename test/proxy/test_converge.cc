/*
 * Nodes that were parted converge: the newest write of each key wins, what was deleted stays
 * deleted, and what one side missed it gets.
 */
#include "proxy/ring.h"
#include "support/http.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};
const Places kThreeRacks = {{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}};

/* An epoch is compared when it is over, and older than the timeout. */
const auto kConverged = seconds(40);

class Parted : public Ring
{
      public:
	explicit Parted(const Places &places) : Ring(places)
	{
		set("timeout", std::to_string(patient_ms(1500)));
		set("server_retry_timeout", "300");
	}
	void ask(size_t i, const std::string &path)
	{
		EXPECT_TRUE(http((*this)[i].stats_port(), path).ok()) << path;
	}
	/* No node reaches another. */
	void part()
	{
		for (size_t i = 0; i < size(); i++)
			ask(i, "/peer/down/all");
	}
	void join()
	{
		for (size_t i = 0; i < size(); i++)
			ask(i, "/peer/up/all");
		wait_peers();
	}
	/* Every Redis has the same. */
	bool is_equal(std::string *differences)
	{
		for (size_t i = 1; i < size(); i++)
			if (compare((*this)[0].redis(), (*this)[i].redis(), differences) != 0)
				return false;
		return true;
	}
	void wait_equal()
	{
		std::string differences;

		EXPECT_TRUE(wait_until([&] { return is_equal(&differences); }, kConverged))
			<< differences;
	}
	/* What a key is on every Redis. */
	void expect(const std::string &key, const std::string &value)
	{
		for (size_t i = 0; i < size(); i++)
			EXPECT_EQ((*this)[i].store().get(key), value) << key << " at " << i;
	}
};

std::string key(const char *what, int i)
{
	return std::string(what) + ":" + std::to_string(i);
}

TEST(Converge, TheNewestWriteOfEachKeyWins)
{
	Parted ring(kTwoRacks);

	ring.start();
	RedisClient one = ring[0].client(), two = ring[1].client();
	for (int i = 0; i < 200; i++)
		for (const char *what : {"older", "newer", "gone", "back"})
			one.set(key(what, i), "first");
	EXPECT_TRUE(wait_until([&] { return ring[1].store().dbsize() == 800; }));
	ring.part();
	for (int i = 0; i < 200; i++) {
		one.set(key("older", i), "one");
		two.set(key("newer", i), "two");
		one.set(key("gone", i), "one");
		two.cmd("DEL", key("back", i));
		two.set(key("two's", i), "two");
	}
	for (int i = 0; i < 200; i++) {
		two.set(key("older", i), "two");
		one.set(key("newer", i), "one");
		two.cmd("DEL", key("gone", i));
		one.set(key("back", i), "one");
		one.set(key("one's", i), "one");
	}
	ring.join();
	ring.wait_equal();
	for (int i = 0; i < 200; i++) {
		ring.expect(key("older", i), "two");
		ring.expect(key("newer", i), "one");
		ring.expect(key("gone", i), "(nil)");
		ring.expect(key("back", i), "one");
		ring.expect(key("one's", i), "one");
		ring.expect(key("two's", i), "two");
	}
}

TEST(Converge, UpdatesOfOneSideReachTheOther)
{
	Parted ring(kThreeRacks);

	ring.start();
	RedisClient one = ring[0].client();
	one.cmd("SET", "n", "10");
	one.cmd("RPUSH", "list", "a");
	one.cmd("HSET", "hash", "f", "v");
	for (size_t i = 1; i < 3; i++)
		EXPECT_TRUE(wait_until([&] { return ring[i].store().dbsize() == 3; }));
	ring.part();
	for (int i = 0; i < 50; i++) {
		one.cmd("INCR", "n");
		one.cmd("RPUSH", "list", std::to_string(i));
		one.cmd("HSET", "hash", std::to_string(i), "v");
		one.cmd("SADD", "set", std::to_string(i));
		one.cmd("ZADD", "zset", std::to_string(i), std::to_string(i));
	}
	one.cmd("EXPIRE", "hash", "1000");
	ring.join();
	/* And what comes afterwards is not lost to what is repaired. */
	for (int i = 0; i < 50; i++)
		one.cmd("INCR", "n");
	ring.wait_equal();
	ring.expect("n", "110");
	EXPECT_EQ(ring[2].store().integer("LLEN", "list"), 51);
	EXPECT_EQ(ring[2].store().integer("HLEN", "hash"), 51);
	EXPECT_EQ(ring[2].store().integer("SCARD", "set"), 50);
	EXPECT_EQ(ring[2].store().integer("ZCARD", "zset"), 50);
}

TEST(Converge, AStoppedRedisGetsWhatItMissedAlsoTheDeletes)
{
	Parted ring(kTwoRacks);

	ring.start();
	RedisClient one = ring[0].client();
	for (int i = 0; i < 300; i++)
		one.set(key("k", i), "first");
	EXPECT_TRUE(wait_until([&] { return ring[1].store().dbsize() == 300; }));
	/* It hangs, and keeps what it has. */
	ring[1].redis().pause();
	one.set("first", "missed");
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) > 0; }));
	for (int i = 0; i < 300; i++)
		if (i % 3 == 0)
			one.cmd("DEL", key("k", i));
		else if (i % 3 == 1)
			one.set(key("k", i), "second");
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) > 200; }));
	ring[1].redis().resume();
	ring.wait_equal();
	for (int i = 0; i < 300; i++)
		ring.expect(key("k", i), i % 3 == 0 ? "(nil)" : i % 3 == 1 ? "second" : "first");
}

TEST(Converge, ADatasetThatIsEmptiedBehindTheNodeIsFilledAgain)
{
	Parted ring(kTwoRacks);

	ring.set("recon_protocol", "2").start();
	RedisClient one = ring[0].client();
	for (int i = 0; i < 300; i++)
		one.set(key("k", i), "v");
	EXPECT_TRUE(wait_until([&] { return ring[1].store().dbsize() == 300; }));
	ring[1].store().cmd("FLUSHALL");
	ring.wait_equal();
	EXPECT_EQ(ring[1].store().dbsize(), 300);
}

/* ---- Nodes that come back with nothing ---- */

struct Loss {
	const char *name;
	bool node, redis;
};

std::ostream &operator<<(std::ostream &to, const Loss &l)
{
	return to << l.name;
}

class ConvergeAgain : public testing::TestWithParam<Loss>
{
};

/* By sessions alone. */
TEST_P(ConvergeAgain, WhatANodeHasLostComesBack)
{
	Parted ring(kTwoRacks);

	ring.set("recon_protocol", "2").start();
	RedisClient one = ring[0].client();
	for (int i = 0; i < 2000; i++)
		one.set(key("k", i), "first");
	one.cmd("RPUSH", "list", "a", "b");
	one.cmd("SET", "expiring", "v", "EX", "1000");
	EXPECT_TRUE(wait_until([&] { return ring[1].store().dbsize() == 2002; }));
	if (GetParam().node)
		ring[1].node().kill9();
	if (GetParam().redis)
		ring[1].redis().kill9();
	EXPECT_TRUE(wait_until([&] {
		return GetParam().node ? !ring[0].peer_is_up(1)
				       : ring[1].info("datastore_state") == "down";
	}));
	for (int i = 0; i < 1000; i++)
		if (i % 2)
			one.cmd("DEL", key("k", i));
		else
			one.set(key("new", i), "second");
	if (GetParam().redis)
		ring[1].redis().start_again();
	if (GetParam().node)
		ring[1].node().start();
	ring.wait_equal();
	EXPECT_EQ(ring[1].store().dbsize(), 2002);
	ring.expect("k:0", "first");
	ring.expect("k:1", "(nil)");
	ring.expect("new:998", "second");
}

INSTANTIATE_TEST_SUITE_P(Losses, ConvergeAgain,
	testing::Values(Loss{"Node", true, false}, Loss{"Redis", false, true},
		Loss{"NodeAndRedis", true, true}),
	testing::PrintToStringParamName());

} // namespace
} // namespace e2e
