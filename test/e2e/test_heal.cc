/*
 * Replicas that missed writes get them back: two or three nodes, each with a real Redis.
 */
#include "e2e/dataset.h"
#include "e2e/node.h"
#include "e2e/wire_client.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using support::RedisClient;
using support::RedisServer;
using support::wait_until;
using End = WireClient::End;

constexpr auto kHealLimit = seconds(60);

bool wait_keys(const RedisServer &redis, int64_t n, std::chrono::milliseconds limit = kHealLimit)
{
	RedisClient client = redis.connect();

	return wait_until([&] { return client.dbsize() >= n; }, limit);
}

std::string heard(Node &node)
{
	return "the log of " + node.address() + ":\n" + node.log();
}

/* SYNC is not to wait for more replicas. */
std::vector<std::string> at_once(std::vector<std::string> redis_args)
{
	redis_args.insert(redis_args.end(), {"--repl-diskless-sync-delay", "0"});
	return redis_args;
}

/* Two Redis, and a node for each that knows the other. */
class Ring
{
      public:
	explicit Ring(std::vector<std::string> redis_args = {}, bool encrypted = true)
	    : a_redis(at_once(redis_args)), b_redis(at_once(redis_args)),
	      a(a_redis.address(), encrypted ? &keys : nullptr),
	      b(b_redis.address(), encrypted ? &keys : nullptr)
	{
		a.peers({b.address()});
		b.peers({a.address()});
	}

	KeyFiles keys;
	RedisServer a_redis, b_redis;
	Node a, b;

	void set(const std::string &key, const std::string &value)
	{
		a.set(key, value);
		b.set(key, value);
	}
	void start()
	{
		b.start();
		a.start();
	}
	/* Both know, or soon will, all that either knew. */
	void expect_equal(const std::string &password = "")
	{
		std::string said;

		EXPECT_TRUE(
			wait_until([&] { return compare(a_redis, b_redis, &said, password) == 0; },
				kHealLimit))
			<< said << heard(a) << heard(b);
	}
	/* Each has told the other all it has, since now. */
	void expect_round()
	{
		const size_t a_rounds = a.rounds(), b_rounds = b.rounds();

		/* The one under way may have read past what matters by now. */
		EXPECT_TRUE(a.wait_rounds(a_rounds + 2)) << heard(a);
		EXPECT_TRUE(b.wait_rounds(b_rounds + 2)) << heard(b);
	}
};

class HealBySource : public testing::TestWithParam<const char *>
{
};

INSTANTIATE_TEST_SUITE_P(Sources, HealBySource, testing::Values("scan", "sync"),
	[](const auto &i) { return std::string(i.param); });

TEST_P(HealBySource, EveryTypeIsHealedBothWays)
{
	Ring ring;
	RedisClient a = ring.a_redis.connect(), b = ring.b_redis.connect();
	std::string said;

	write_every_type(a);
	write_strings(a, 5000, 40);
	b.set("only here", "1");
	b.cmd("RPUSH", "a list, only here", "1", "2");
	const int64_t all = a.dbsize() + 2;
	EXPECT_EQ(compare(ring.a_redis, ring.b_redis), 1) << "it must be able to differ";
	ring.set("recon_source", GetParam());
	ring.start();
	EXPECT_TRUE(wait_keys(ring.b_redis, all)) << heard(ring.a) << heard(ring.b);
	EXPECT_TRUE(wait_keys(ring.a_redis, all)) << heard(ring.a) << heard(ring.b);
	ring.expect_equal();
	EXPECT_EQ(a.dbsize(), all);
	EXPECT_EQ(b.dbsize(), all);
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_EQ(ring.b.stop(), 0);
	EXPECT_EQ(ring.b.counted("keys_applied"), static_cast<uint64_t>(all - 2));
	EXPECT_EQ(ring.a.counted("keys_applied"), 2u);
	EXPECT_EQ(ring.b.counted("connections_failed"), 0u) << heard(ring.b);
	for (Node *node : {&ring.a, &ring.b})
		for (const char *never : {kDatasetPrefix, kDatasetSecret, "only here"})
			EXPECT_EQ(node->logged(never), 0u) << "it has told a key or a value";
}

/* Whatever is there stays, type, value and deadline, on either side. */
TEST_P(HealBySource, WhatIsThereIsNeverChanged)
{
	Ring ring;
	RedisClient a = ring.a_redis.connect(), b = ring.b_redis.connect();
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
	ring.set("recon_source", GetParam());
	ring.start();
	EXPECT_TRUE(wait_keys(ring.b_redis, 5)) << heard(ring.a);
	ring.expect_round();
	EXPECT_EQ(look(), before);
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_EQ(ring.b.stop(), 0);
	EXPECT_EQ(ring.b.counted("keys_applied"), 1u);
	EXPECT_GE(ring.b.counted("keys_kept"), 8u);
	EXPECT_GE(ring.a.counted("keys_kept"), 5u);
	EXPECT_EQ(ring.a.logged("warn: entropy: to "), 0u) << heard(ring.a);
}

TEST_P(HealBySource, DeadlinesAreKeptToTheMillisecond)
{
	Ring ring;
	RedisClient a = ring.a_redis.connect(), b = ring.b_redis.connect();
	constexpr int kKeys = 200;

	for (int i = 0; i < kKeys; i++)
		a.cmd("SET", "k" + std::to_string(i), i, "PX", 3600000 + i * 997);
	a.cmd("SET", "passing", "1", "PX", "1");
	ASSERT_TRUE(wait_until([&] { return !a.exists("passing"); }));
	ring.a.set("recon_source", GetParam());
	ring.start();
	ASSERT_TRUE(wait_keys(ring.b_redis, kKeys)) << heard(ring.a);
	for (int i = 0; i < kKeys; i++) {
		const std::string key = "k" + std::to_string(i);
		EXPECT_EQ(a.integer("PEXPIRETIME", key), b.integer("PEXPIRETIME", key));
	}
	EXPECT_FALSE(b.exists("passing"));
}

TEST_P(HealBySource, AValueOf100MegabytesIsHealed)
{
	Ring ring;
	RedisClient a = ring.a_redis.connect();

	write_large(a, "large", 100 * 1024 * 1024);
	write_strings(a, 100, 40);
	ring.a.set("recon_source", GetParam());
	ring.a.set("recon_interval_seconds", "300");
	ring.b.set("recon_interval_seconds", "300");
	ring.start();
	ASSERT_TRUE(wait_keys(ring.b_redis, 101)) << heard(ring.a) << heard(ring.b);
	EXPECT_EQ(compare(ring.a_redis, ring.b_redis), 0);
}

TEST(Heal, WhatASourceCannotCarryIsNamed)
{
	Ring ring;
	RedisClient a = ring.a_redis.connect();

	a.cmd("FUNCTION", "LOAD",
		"#!lua name=lib\nredis.register_function('f', function() return 1 end)");
	a.set("k", "v");
	ring.a.set("recon_source", "sync");
	ring.start();
	ASSERT_TRUE(wait_keys(ring.b_redis, 1)) << heard(ring.a);
	EXPECT_TRUE(ring.a.wait_log("left out what the channel cannot carry")) << heard(ring.a);
	EXPECT_NE(ring.a.log_lines("left out").at(0).find("function"), std::string::npos);
}

/* ---- Killed in the middle ---- */

/* Two megabytes in some forty snapshots, at a rate that leaves time to strike. */
class HealThreadedKill : public testing::Test
{
      protected:
	static constexpr int64_t kKeys = 4000;
	Ring ring;
	RedisClient a = ring.a_redis.connect();

	void SetUp() override
	{
		write_strings(a, kKeys, 500);
		ring.set("recon_segment_bytes", "49152");
		ring.set("recon_timeout", "2000");
		ring.a.set("recon_max_rate", "800000");
		ring.start();
		ASSERT_TRUE(wait_keys(ring.b_redis, 1)) << heard(ring.a);
	}
	void expect_unfinished()
	{
		EXPECT_LT(ring.b_redis.connect().dbsize(), kKeys) << "it struck too late";
	}
	void expect_healed()
	{
		EXPECT_TRUE(wait_keys(ring.b_redis, kKeys)) << heard(ring.a) << heard(ring.b);
		ring.expect_equal();
	}
};

TEST_F(HealThreadedKill, Sender)
{
	ring.a.kill9();
	expect_unfinished();
	EXPECT_TRUE(ring.b.wait_log("entropy: to " + ring.a.address() + ": not reached"))
		<< heard(ring.b);
	ring.a.set("recon_max_rate", "0").start();
	expect_healed();
}

TEST_F(HealThreadedKill, Receiver)
{
	ring.b.kill9();
	expect_unfinished();
	EXPECT_TRUE(ring.a.wait_log("entropy: to " + ring.b.address() + ": not reached"))
		<< heard(ring.a);
	ring.b.start();
	expect_healed();
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_GE(ring.a.counted("peers_failed"), 1u);
}

TEST_F(HealThreadedKill, RedisOfTheReceiver)
{
	ring.b_redis.kill9();
	EXPECT_TRUE(ring.b.wait_log("not applied, sink error")) << heard(ring.b);
	EXPECT_TRUE(ring.a.wait_log("refused by the peer")) << heard(ring.a);
	ring.b_redis.start_again();
	expect_healed();
	EXPECT_EQ(ring.b.stop(), 0);
	EXPECT_GE(ring.b.counted("connections_failed"), 1u);
}

TEST_F(HealThreadedKill, RedisOfTheSender)
{
	ring.a_redis.kill9();
	expect_unfinished();
	EXPECT_TRUE(ring.a.wait_log("source error")) << heard(ring.a);
	ring.a_redis.start_again();
	/* It has forgotten all; what had passed comes back, and new writes go over. */
	a = ring.a_redis.connect();
	write_strings(a, kKeys, 500);
	expect_healed();
}

/* ---- Redis that is not there, or wants a password ---- */

TEST(Heal, RedisMayBeDownAtTheStart)
{
	Ring ring;

	ring.set("recon_timeout", "2000");
	ring.a_redis.stop();
	ring.b_redis.stop();
	ring.start();
	EXPECT_TRUE(ring.a.wait_log("source error", 2)) << heard(ring.a);
	EXPECT_TRUE(ring.b.wait_log("source error")) << heard(ring.b);
	ring.a_redis.start_again();
	ring.a_redis.connect().set("k", "v");
	EXPECT_TRUE(ring.b.wait_log("sink error")) << heard(ring.b);
	ring.b_redis.start_again();
	EXPECT_TRUE(wait_keys(ring.b_redis, 1)) << heard(ring.a) << heard(ring.b);
	ring.expect_equal();
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_EQ(ring.b.stop(), 0);
}

class HealWithPassword : public testing::TestWithParam<bool>
{
};

INSTANTIATE_TEST_SUITE_P(Ways, HealWithPassword, testing::Bool(),
	[](const auto &i) { return i.param ? "UnixSocket" : "Tcp"; });

TEST_P(HealWithPassword, OfRedis)
{
	const std::string password = "corr3ct-h0rse";
	Ring ring({"--requirepass", password});

	if (GetParam()) {
		ring.a.set("servers", yaml_list({ring.a_redis.socket_path() + ":1"}));
		ring.b.set("servers", yaml_list({ring.b_redis.socket_path() + ":1"}));
	}
	ring.set("requirepass", password);
	ring.a_redis.connect().set("of a", "1");
	ring.b_redis.connect().set("of b", "1");
	ring.start();
	EXPECT_TRUE(wait_keys(ring.a_redis, 2)) << heard(ring.b);
	EXPECT_TRUE(wait_keys(ring.b_redis, 2)) << heard(ring.a);
	ring.expect_equal(password);
	EXPECT_EQ(ring.a.logged(password) + ring.b.logged(password), 0u);
}

TEST(Heal, AWrongPasswordIsSaidAndSurvived)
{
	const std::string wrong = "wr0ng-h0rse";
	Ring ring({"--requirepass", "corr3ct-h0rse"});

	ring.a.set("requirepass", wrong);
	ring.start();
	EXPECT_TRUE(ring.a.wait_log("WRONGPASS", 2)) << heard(ring.a);
	EXPECT_TRUE(ring.b.wait_log("NOAUTH", 2)) << heard(ring.b);
	EXPECT_EQ(ring.a.logged(wrong), 0u);
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_EQ(ring.b.stop(), 0);
}

/* ---- Peers ---- */

TEST(Heal, InPlaintext)
{
	Ring ring({}, false);

	ring.a_redis.connect().set("of a", "1");
	ring.b_redis.connect().set("of b", "1");
	ring.start();
	EXPECT_TRUE(wait_keys(ring.a_redis, 2)) << heard(ring.b);
	EXPECT_TRUE(wait_keys(ring.b_redis, 2)) << heard(ring.a);
	ring.expect_equal();
	EXPECT_EQ(ring.a.logged("in plaintext"), 1u) << heard(ring.a);
}

TEST(Heal, PlaintextAndEncryptionDoNotMeet)
{
	Ring ring;

	ring.b.set("recon_encrypt", "false");
	ring.a_redis.connect().set("of a", "1");
	ring.b_redis.connect().set("of b", "1");
	ring.start();
	EXPECT_TRUE(ring.a.wait_log("not applied, protocol error")) << heard(ring.a);
	EXPECT_TRUE(ring.b.wait_log("not applied, protocol error")) << heard(ring.b);
	EXPECT_EQ(ring.a_redis.connect().dbsize(), 1);
	EXPECT_EQ(ring.b_redis.connect().dbsize(), 1);
}

TEST(Heal, AnotherKeyIsRefused)
{
	Ring ring;
	const KeyFiles other;

	ring.b.set("recon_key_file", other.key_file());
	ring.a_redis.connect().set("of a", "1");
	ring.start();
	EXPECT_TRUE(ring.b.wait_log("not applied, crypto error", 2)) << heard(ring.b);
	EXPECT_TRUE(ring.a.wait_log("refused by the peer")) << heard(ring.a);
	EXPECT_EQ(ring.b_redis.connect().dbsize(), 0);
}

TEST(Heal, APeerThatIsAwayKeepsNobodyWaiting)
{
	Ring ring;
	RedisServer c_redis;
	Node c(c_redis.address(), &ring.keys);

	ring.a.peers({ring.b.address(), c.address()});
	ring.a_redis.connect().set("k", "v");
	c.start();
	ring.a.start();
	EXPECT_TRUE(wait_keys(c_redis, 1)) << heard(ring.a);
	EXPECT_TRUE(ring.a.wait_log("entropy: to " + ring.b.address() + ": not reached"));
	EXPECT_TRUE(ring.a.wait_log("1 of 2 peers exchanged")) << heard(ring.a);
	ring.b.start();
	EXPECT_TRUE(wait_keys(ring.b_redis, 1)) << heard(ring.a);
	EXPECT_TRUE(ring.a.wait_log("2 of 2 peers exchanged")) << heard(ring.a);
	EXPECT_EQ(ring.b.stop(), 0);
	const size_t failures = ring.a.logged("not reached");
	EXPECT_TRUE(ring.a.wait_log("not reached", failures + 1)) << heard(ring.a);
	EXPECT_EQ(ring.a.stop(), 0);
	EXPECT_EQ(ring.a.counted("peers_failed"),
		ring.a.logged("warn: entropy: to ") + ring.a.logged("given up, the node stops"))
		<< heard(ring.a);
	EXPECT_EQ(ring.a.counted("peers_attempted"),
		ring.a.counted("peers_failed") + ring.a.counted("peers_exchanged"));
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

/* ---- A round that takes longer than the interval ---- */

/* A peer that takes connections and never reads. */
class DeafPeer
{
      public:
	DeafPeer()
	{
		struct sockaddr_in sin = {};
		socklen_t len = sizeof(sin);
		int small = 4096;

		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sin), len) != 0 ||
			listen(fd_, 16) != 0 ||
			getsockname(fd_, reinterpret_cast<struct sockaddr *>(&sin), &len) != 0)
			throw std::runtime_error("no deaf peer");
		port_ = ntohs(sin.sin_port);
	}
	~DeafPeer()
	{
		for (const int fd : taken_)
			close(fd);
		close(fd_);
	}
	std::string address() const
	{
		return loopback(port_);
	}
	/* Connections so far. */
	size_t taken()
	{
		int fd;

		while ((fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0)
			taken_.push_back(fd);
		return taken_.size();
	}

      private:
	int fd_ = -1;
	uint16_t port_ = 0;
	std::vector<int> taken_;
};

TEST(HealThreadedRounds, NeverTwoAtATimeAndTheSkippedAreCounted)
{
	const KeyFiles keys;
	RedisServer redis, other_redis;
	RedisClient client = redis.connect();
	DeafPeer deaf;
	Node node(redis.address(), &keys), other(other_redis.address(), &keys);

	write_large(client, "more than the sockets hold", 8 * 1024 * 1024);
	node.peers({deaf.address(), other.address()}).set("recon_timeout", "3500");
	other.start();
	node.start();
	ASSERT_TRUE(node.wait_log("this one is skipped", 2)) << heard(node);
	EXPECT_EQ(deaf.taken(), 1u) << "a second round has begun beside the first";
	EXPECT_EQ(node.logged("entropy: round "), 0u);
	/* The deaf peer is given up, and the next has its turn in the same round. */
	EXPECT_TRUE(wait_keys(other_redis, 1)) << heard(node);
	EXPECT_TRUE(node.wait_log("took no byte for 3500 ms")) << heard(node);
	EXPECT_TRUE(node.wait_log("not answered in time")) << heard(node);
	EXPECT_TRUE(node.wait_log("entropy: round 1: 1 of 2 peers exchanged")) << heard(node);
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("rounds_skipped"), node.logged("this one is skipped"));
	EXPECT_GE(node.counted("peers_failed"), 1u);
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

/* An IPv4 address of this machine that is not loopback; "" when there is none. */
std::string own_address()
{
	struct ifaddrs *all = nullptr;
	std::string found;

	if (getifaddrs(&all) != 0)
		return "";
	for (const struct ifaddrs *i = all; i && found.empty(); i = i->ifa_next) {
		char text[INET_ADDRSTRLEN];
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		const auto *sin = reinterpret_cast<const struct sockaddr_in *>(i->ifa_addr);
		inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text));
		if (std::string(text).compare(0, 4, "127.") != 0)
			found = text;
	}
	freeifaddrs(all);
	return found;
}

TEST(Heal, StrangersAreTurnedAway)
{
	const std::string own = own_address();
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

} // namespace
} // namespace e2e
