/*
 * Replicas that missed writes get them back: two or three nodes, each with a real Redis.
 */
#include "e2e/dataset.h"
#include "e2e/pair.h"
#include "e2e/wire_client.h"
#include "support/net.h"
#include "support/node.h"
#include "support/resp.h"
#include "support/wait.h"

#include <sys/socket.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;
using End = WireClient::End;

class HealBySource : public testing::TestWithParam<const char *>
{
};

INSTANTIATE_TEST_SUITE_P(Sources, HealBySource, testing::Values("scan", "sync"),
	[](const auto &i) { return std::string(i.param); });

TEST_P(HealBySource, EveryTypeIsHealedBothWays)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect(), b = pair.b_redis.connect();
	std::string said;

	write_every_type(a);
	write_strings(a, 5000, 40);
	b.set("only here", "1");
	b.cmd("RPUSH", "a list, only here", "1", "2");
	const int64_t all = a.dbsize() + 2;
	EXPECT_EQ(compare(pair.a_redis, pair.b_redis), 1) << "it must be able to differ";
	pair.set("recon_source", GetParam());
	pair.set("recon_interval_seconds", "300"); /* no push is under way at the stop */
	pair.start();
	EXPECT_TRUE(wait_keys(pair.b_redis, all)) << heard(pair.a) << heard(pair.b);
	EXPECT_TRUE(wait_keys(pair.a_redis, all)) << heard(pair.a) << heard(pair.b);
	pair.expect_equal();
	EXPECT_EQ(a.dbsize(), all);
	EXPECT_EQ(b.dbsize(), all);
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_EQ(pair.b.stop(), 0);
	EXPECT_EQ(pair.b.counted("keys_applied"), static_cast<uint64_t>(all - 2));
	EXPECT_EQ(pair.a.counted("keys_applied"), 2u);
	EXPECT_EQ(pair.b.counted("connections_failed"), 0u) << heard(pair.b);
	for (Node *node : {&pair.a, &pair.b})
		for (const char *never : {kDatasetPrefix, kDatasetSecret, "only here"})
			EXPECT_EQ(node->logged(never), 0u) << "it has told a key or a value";
}

/* Whatever is there stays, type, value and deadline, on either side. */
TEST_P(HealBySource, WhatIsThereIsNeverChanged)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect(), b = pair.b_redis.connect();
	const std::vector<std::string> shared = {"value", "type", "deadline", "no deadline"};
	std::vector<std::string> before;
	const auto look = [&] {
		std::vector<std::string> seen;
		for (const std::string &key : shared)
			for (RedisClient *side : {&a, &b}) {
				seen.push_back(side->cmd("DUMP", key));
				seen.push_back(side->cmd("PEXPIRETIME", key));
			}
		return seen;
	};

	a.set("value", "of a");
	b.set("value", "of b");
	a.cmd("RPUSH", "type", "x");
	b.cmd("SADD", "type", "x");
	a.cmd("SET", "deadline", "same", "PXAT", "33177117420000");
	b.cmd("SET", "deadline", "same", "PXAT", "33177117420001");
	a.cmd("SET", "no deadline", "same", "PXAT", "33177117420000");
	b.set("no deadline", "same");
	a.set("missing", "1");
	before = look();
	pair.set("recon_source", GetParam());
	pair.start();
	EXPECT_TRUE(wait_keys(pair.b_redis, 5)) << heard(pair.a);
	pair.expect_round();
	EXPECT_EQ(look(), before);
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_EQ(pair.b.stop(), 0);
	EXPECT_EQ(pair.b.counted("keys_applied"), 1u);
	EXPECT_GE(pair.b.counted("keys_kept"), 8u);
	EXPECT_GE(pair.a.counted("keys_kept"), 5u);
	EXPECT_EQ(pair.a.logged("warn: entropy: to "), 0u) << heard(pair.a);
}

/* A background save for a peer that is not there, or takes nothing, would be for nothing. */
TEST(Heal, ReadsNothingForAPeerThatTakesNothing)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect();

	a.set("k", "v");
	pair.a.set("recon_source", "sync");
	pair.a.start();
	ASSERT_TRUE(pair.a.wait_rounds(2)) << heard(pair.a);
	EXPECT_EQ(a.info("sync_full"), "0");
	EXPECT_GE(pair.a.logged("not reached"), 2u) << heard(pair.a);
	/* One that only takes what is not encrypted. */
	pair.b.set("recon_encrypt", "false");
	pair.b.start();
	ASSERT_TRUE(pair.a.wait_log("refused by the receiver")) << heard(pair.a);
	EXPECT_EQ(a.info("sync_full"), "0");
	EXPECT_EQ(pair.b.stop(), 0);
	pair.b.set("recon_encrypt", "true");
	pair.b.start();
	EXPECT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a);
	EXPECT_NE(a.info("sync_full"), "0");
}

TEST_P(HealBySource, DeadlinesAreKeptToTheMillisecond)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect(), b = pair.b_redis.connect();
	constexpr int kKeys = 200;

	for (int i = 0; i < kKeys; i++)
		a.cmd("SET", "k" + std::to_string(i), i, "PX", 3600000 + i * 997);
	a.cmd("SET", "passing", "1", "PX", "1");
	ASSERT_TRUE(wait_until([&] { return !a.exists("passing"); }));
	pair.a.set("recon_source", GetParam());
	pair.start();
	ASSERT_TRUE(wait_keys(pair.b_redis, kKeys)) << heard(pair.a);
	for (int i = 0; i < kKeys; i++) {
		const std::string key = "k" + std::to_string(i);
		EXPECT_EQ(a.integer("PEXPIRETIME", key), b.integer("PEXPIRETIME", key));
	}
	EXPECT_FALSE(b.exists("passing"));
}

TEST_P(HealBySource, AValueOf100MegabytesIsHealed)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect();

	write_large(a, "large", 100 * 1024 * 1024);
	write_strings(a, 100, 40);
	pair.a.set("recon_source", GetParam());
	pair.a.set("recon_interval_seconds", "300");
	pair.b.set("recon_interval_seconds", "300");
	pair.start();
	ASSERT_TRUE(wait_keys(pair.b_redis, 101)) << heard(pair.a) << heard(pair.b);
	EXPECT_EQ(compare(pair.a_redis, pair.b_redis), 0);
}

TEST(Heal, AScanReplacesASyncThatCouldStopWrites)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect();

	a.cmd("CONFIG", "SET", "repl-diskless-sync", "no", "save", "3600 1");
	a.set("k", "v");
	pair.a.set("recon_source", "sync");
	pair.start();
	EXPECT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a);
	EXPECT_TRUE(pair.a.wait_log("read by scan instead of sync")) << heard(pair.a);
	EXPECT_EQ(a.info("sync_full"), "0");
}

TEST(Heal, WhatASourceCannotCarryIsNamed)
{
	Pair pair;
	RedisClient a = pair.a_redis.connect();

	a.cmd("FUNCTION", "LOAD",
		"#!lua name=lib\nredis.register_function('f', function() return 1 end)");
	a.set("k", "v");
	pair.a.set("recon_source", "sync");
	pair.start();
	ASSERT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a);
	EXPECT_TRUE(pair.a.wait_log("left out what the channel cannot carry")) << heard(pair.a);
	EXPECT_NE(pair.a.log_lines("left out").at(0).find("function"), std::string::npos);
}

/* ---- Redis that is not there, or wants a password ---- */

TEST(Heal, RedisMayBeDownAtTheStart)
{
	Pair pair;

	pair.set("recon_timeout", "2000");
	pair.a_redis.stop();
	pair.b_redis.stop();
	pair.start();
	/* Nothing is read for a peer that cannot apply it. */
	EXPECT_TRUE(pair.b.wait_log("sink error", 2)) << heard(pair.b);
	EXPECT_TRUE(pair.a.wait_log("refused by the receiver", 2)) << heard(pair.a);
	EXPECT_EQ(pair.a.logged("source error"), 0u) << heard(pair.a);
	pair.b_redis.start_again();
	EXPECT_TRUE(pair.a.wait_log("source error", 2)) << heard(pair.a);
	pair.b_redis.stop();
	pair.a_redis.start_again();
	pair.a_redis.connect().set("k", "v");
	EXPECT_TRUE(pair.b.wait_log("source error")) << heard(pair.b);
	pair.b_redis.start_again();
	EXPECT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a) << heard(pair.b);
	pair.expect_equal();
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_EQ(pair.b.stop(), 0);
}

class HealWithPassword : public testing::TestWithParam<bool>
{
};

INSTANTIATE_TEST_SUITE_P(Ways, HealWithPassword, testing::Bool(),
	[](const auto &i) { return i.param ? "UnixSocket" : "Tcp"; });

TEST_P(HealWithPassword, OfRedis)
{
	const std::string password = "corr3ct-h0rse";
	Pair pair({"--requirepass", password});

	if (GetParam()) {
		pair.a.set("servers", yaml_list({pair.a_redis.socket_path() + ":1"}));
		pair.b.set("servers", yaml_list({pair.b_redis.socket_path() + ":1"}));
	}
	pair.set("requirepass", password);
	pair.a_redis.connect().set("of a", "1");
	pair.b_redis.connect().set("of b", "1");
	pair.start();
	EXPECT_TRUE(wait_keys(pair.a_redis, 2)) << heard(pair.b);
	EXPECT_TRUE(wait_keys(pair.b_redis, 2)) << heard(pair.a);
	pair.expect_equal(password);
	EXPECT_EQ(pair.a.logged(password) + pair.b.logged(password), 0u);
}

TEST(Heal, AWrongPasswordIsSaidAndSurvived)
{
	const std::string wrong = "wr0ng-h0rse";
	Pair pair({"--requirepass", "corr3ct-h0rse"});

	pair.a.set("requirepass", wrong);
	pair.start();
	EXPECT_TRUE(pair.a.wait_log("WRONGPASS", 2)) << heard(pair.a);
	EXPECT_TRUE(pair.b.wait_log("NOAUTH", 2)) << heard(pair.b);
	EXPECT_EQ(pair.a.logged(wrong), 0u);
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_EQ(pair.b.stop(), 0);
}

/* ---- Peers ---- */

TEST(Heal, InPlaintext)
{
	Pair pair({}, false);

	pair.a_redis.connect().set("of a", "1");
	pair.b_redis.connect().set("of b", "1");
	pair.start();
	EXPECT_TRUE(wait_keys(pair.a_redis, 2)) << heard(pair.b);
	EXPECT_TRUE(wait_keys(pair.b_redis, 2)) << heard(pair.a);
	pair.expect_equal();
	EXPECT_EQ(pair.a.logged("in plaintext"), 1u) << heard(pair.a);
}

TEST(Heal, PlaintextAndEncryptionDoNotMeet)
{
	Pair pair;

	pair.b.set("recon_encrypt", "false");
	pair.a_redis.connect().set("of a", "1");
	pair.b_redis.connect().set("of b", "1");
	pair.start();
	EXPECT_TRUE(pair.a.wait_log("not applied, protocol error")) << heard(pair.a);
	EXPECT_TRUE(pair.b.wait_log("not applied, protocol error")) << heard(pair.b);
	EXPECT_EQ(pair.a_redis.connect().dbsize(), 1);
	EXPECT_EQ(pair.b_redis.connect().dbsize(), 1);
}

TEST(Heal, AnotherKeyIsRefused)
{
	Pair pair;
	const KeyFiles other;

	pair.b.set("recon_key_file", other.key_file());
	pair.a_redis.connect().set("of a", "1");
	pair.start();
	EXPECT_TRUE(pair.b.wait_log("not applied, crypto error", 2)) << heard(pair.b);
	EXPECT_TRUE(pair.a.wait_log("refused by the receiver")) << heard(pair.a);
	EXPECT_EQ(pair.b_redis.connect().dbsize(), 0);
}

TEST(Heal, APeerThatIsAwayKeepsNobodyWaiting)
{
	Pair pair;
	RedisServer c_redis;
	Node c(c_redis.address(), &pair.keys);

	pair.a.peers({pair.b.address(), c.address()});
	pair.a_redis.connect().set("k", "v");
	c.start();
	pair.a.start();
	EXPECT_TRUE(wait_keys(c_redis, 1)) << heard(pair.a);
	EXPECT_TRUE(pair.a.wait_log("entropy: to " + pair.b.address() + ": not reached"));
	EXPECT_TRUE(pair.a.wait_log("1 of 2 targets exchanged")) << heard(pair.a);
	pair.b.start();
	EXPECT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a);
	EXPECT_TRUE(pair.a.wait_log("2 of 2 targets exchanged")) << heard(pair.a);
	EXPECT_EQ(pair.b.stop(), 0);
	const size_t failures = pair.a.logged("not reached");
	EXPECT_TRUE(pair.a.wait_log("not reached", failures + 1)) << heard(pair.a);
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_EQ(pair.a.counted("peers_failed"),
		pair.a.logged("warn: entropy: to ") + pair.a.logged("given up, the node stops"))
		<< heard(pair.a);
	EXPECT_EQ(pair.a.counted("peers_attempted"),
		pair.a.counted("peers_failed") + pair.a.counted("peers_exchanged"));
}

TEST(Heal, PeersAndAddressHaveTheirDefaultsFourAboveTheRing)
{
	const KeyFiles keys;
	RedisServer a_redis, b_redis;
	const uint16_t a_port = node_port(), b_port = node_port();
	const auto above = [](uint16_t port) { return static_cast<uint16_t>(port + 4); };
	Node a(a_redis.address(), &keys, above(a_port)), b(b_redis.address(), &keys, above(b_port));
	const auto place = [](Node &node, uint16_t own, uint16_t other) {
		node.set("recon_listen", "").set("recon_peers", "");
		node.set("dyn_listen", loopback(own));
		node.set("dyn_seeds", yaml_list({loopback(other) + ":rack2:dc1:101134286"}));
		node.set("datacenter", "dc1").set("rack", "rack1").set("tokens", "'437425602'");
		node.set("listen", loopback(node_port()));
		node.set("recon_protocol", "1"); /* each is a stranger to the other's ring */
	};

	place(a, a_port, b_port);
	place(b, b_port, a_port);
	a_redis.connect().set("k", "v");
	b.start();
	a.start();
	EXPECT_TRUE(wait_keys(b_redis, 1)) << heard(a) << heard(b);
	EXPECT_EQ(b.logged("receiving on port " + std::to_string(b_port + 4)), 1u) << heard(b);
	EXPECT_TRUE(a.wait_log("entropy: to " + loopback(above(b_port)))) << heard(a);
}

/* ---- What a receiver takes, and from whom ---- */

TEST(Heal, PlainCommandsAreTakenWhereTheyAreAllowed)
{
	const KeyFiles keys;
	RedisServer redis;
	RedisClient client = redis.connect();
	Node node(redis.address(), &keys);
	const std::string commands = resp({"SET", "s", "1"}) + resp({"HSET", "h", "f", "v"}) +
				     resp({"RPUSH", "l", "x", "y"}) +
				     resp({"PEXPIREAT", "l", "33177117420000"});

	node.start();
	EXPECT_EQ(send_whole(node.port(), whole_stream(&keys, commands)), End::kReset);
	EXPECT_TRUE(node.wait_log("recon_accept")) << heard(node);
	EXPECT_EQ(client.dbsize(), 0);
	EXPECT_EQ(node.stop(), 0);
	node.set("recon_accept", "data").start();
	EXPECT_EQ(send_whole(node.port(), whole_stream(&keys, commands)), End::kClosed)
		<< heard(node);
	EXPECT_EQ(client.dbsize(), 3);
	EXPECT_EQ(client.integer("PEXPIRETIME", "l"), 33177117420000);
	EXPECT_EQ(send_whole(node.port(),
			  whole_stream(&keys, resp({"SET", "t", "1"}) + resp({"FLUSHALL"}))),
		End::kReset);
	EXPECT_EQ(client.dbsize(), 3) << "what is refused in part is refused whole";
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("snapshots_committed"), 1u);
	EXPECT_EQ(node.counted("connections_failed"), 1u);
}

TEST(Heal, StrangersAreTurnedAway)
{
	const std::string own = address_beyond_loopback();
	const KeyFiles keys;
	RedisServer redis;
	RedisClient client = redis.connect();
	Node node(redis.address(), &keys);

	if (own.empty())
		GTEST_SKIP() << "this machine has no address but loopback";
	const auto push = [&](const std::string &key) {
		return send_whole(
			node.port(), whole_stream(&keys, restore_string(client, key, "v")), own);
	};
	node.set("recon_listen", own + ":" + std::to_string(node.port()));
	node.start();
	EXPECT_EQ(push("stranger"), End::kReset);
	EXPECT_TRUE(node.wait_log("not the address of a known peer (recon_allow)")) << heard(node);
	EXPECT_EQ(client.dbsize(), 0);
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("connections_turned_away"), 1u);
	node.peers({own + ":1"}).start();
	EXPECT_EQ(push("peer"), End::kClosed) << heard(node);
	EXPECT_EQ(node.stop(), 0);
	node.peers({}).set("recon_allow", "any").start();
	EXPECT_EQ(push("any"), End::kClosed) << heard(node);
	EXPECT_EQ(client.dbsize(), 2);
}

TEST(Heal, TheReceiverTakesTheVersionsOfTheProtocolThatItIsTold)
{
	const KeyFiles keys;
	RedisServer redis;
	RedisClient client = redis.connect();
	Node node(redis.address(), &keys);
	const std::string version_1 = whole_stream(&keys, restore_string(client, "k", "v"));
	const std::string version_2 = "\x16\x03\x01\x02 and so on";

	node.set("recon_protocol", "2").start();
	EXPECT_EQ(send_whole(node.port(), version_1), End::kReset);
	EXPECT_TRUE(node.wait_log("alone is taken here (recon_protocol)")) << heard(node);
	EXPECT_EQ(client.dbsize(), 0);
	EXPECT_EQ(node.stop(), 0);
	node.set("recon_protocol", "1").start();
	EXPECT_EQ(send_whole(node.port(), version_1), End::kClosed) << heard(node);
	EXPECT_EQ(client.dbsize(), 1);
	EXPECT_EQ(send_whole(node.port(), version_2), End::kReset);
	EXPECT_TRUE(node.wait_log("version 2 of the protocol, which is not taken here "
				  "(recon_protocol)"))
		<< heard(node);
}

} // namespace
} // namespace e2e
