/*
 * Writes that would not do the same everywhere by themselves: they have the same effect on every
 * replica, and the client gets the reply that Redis gives.
 */
#include "proxy/ring.h"
#include "support/message.h"
#include "support/net.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

using Args = std::vector<std::string>;

class SameEffect : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		ring_ = new Ring(
			Places{{"east", "r1"}, {"east", "r2"}, {"west", "r1"}, {"west", "r2"}});
		ring_->unhealed().start();
		alone_ = new RedisServer;
	}
	static void TearDownTestSuite()
	{
		delete ring_;
		delete alone_;
		ring_ = nullptr;
		alone_ = nullptr;
	}

	static Ring *ring_;
	static RedisServer *alone_; /* no ring: what Redis itself answers */

	RedisClient client = (*ring_)[0].client(), alone = alone_->connect();

	/* What every store answers soon, or an error of the test. */
	static std::string everywhere(const Args &args)
	{
		std::string answer;
		bool same = wait_until([&] {
			answer = (*ring_)[0].store().text(args);
			for (size_t i = 1; i < ring_->size(); i++)
				if ((*ring_)[i].store().text(args) != answer)
					return false;
			return true;
		});

		EXPECT_TRUE(same) << args[0] << " " << args[1];
		return answer;
	}
	/* Type and text of a reply, an error's included. */
	static std::string reply(RedisClient &c, const Args &args)
	{
		const auto r = c.call(args);

		if (r->type == REDIS_REPLY_INTEGER)
			return ":" + std::to_string(r->integer);
		return std::to_string(r->type) + (r->str ? r->str : "");
	}
	void expect_reply_of_redis(const Args &args)
	{
		EXPECT_EQ(reply(client, args), reply(alone, args)) << args[0] << " " << args[2];
	}
};

Ring *SameEffect::ring_;
RedisServer *SameEffect::alone_;

TEST_F(SameEffect, DeadlinesAreThoseOfOneClock)
{
	const std::vector<Args> writes = {
		{"SETEX", "k", "100", "v"},
		{"PSETEX", "k", "100000", "v"},
		{"SET", "k", "w", "EX", "100"},
		{"SET", "k", "v", "GET", "PX", "100000", "XX"},
		{"GETEX", "k", "EX", "90"},
		{"GETEX", "k", "PX", "80000"},
		{"EXPIRE", "k", "70"},
		{"EXPIRE", "k", "60", "LT"},
		{"EXPIRE", "k", "90", "LT"},
		{"EXPIRE", "k", "60", "NX"},
		{"PEXPIRE", "k", "100000", "GT"},
		{"PEXPIRE", "none", "100000"},
	};
	for (const Args &w : writes) {
		expect_reply_of_redis(w);
		const int64_t at_ms = std::stoll(everywhere({"PEXPIRETIME", "k"}));
		const int64_t alone_ms = alone.integer("PEXPIRETIME", "k");
		EXPECT_LT(std::abs(at_ms - alone_ms), 5000) << w[0];
	}
	const auto dump = client.call({"DUMP", "k"});
	const std::string payload(dump->str, dump->len);
	EXPECT_EQ(client.cmd("RESTORE", "r", "100000", payload), "OK");
	EXPECT_GE(std::stoll(everywhere({"PEXPIRETIME", "r"})),
		std::stoll(everywhere({"PEXPIRETIME", "k"})));
	EXPECT_EQ(everywhere({"GET", "r"}), "v");
	EXPECT_EQ(client.integer("EXPIRE", "r", "-1"), 1);
	EXPECT_EQ(everywhere({"EXISTS", "r"}), "0");
}

TEST_F(SameEffect, WhatIsPoppedByChanceIsPoppedEverywhere)
{
	Args add = {"SADD", "s"};

	for (int i = 0; i < 100; i++)
		add.push_back("member" + std::to_string(i));
	EXPECT_EQ(client.number(add), 100);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(client.cmd("SPOP", "s").substr(0, 6), "member");
	EXPECT_EQ(client.list("SPOP", "s", 30).size(), 30u);
	EXPECT_EQ(everywhere({"SCARD", "s"}), "60");
	const char *all = "local m = redis.call('SMEMBERS', KEYS[1]) table.sort(m) "
			  "return table.concat(m, ' ')";
	EXPECT_GT(everywhere({"EVAL", all, "1", "s"}).size(), 60u * 7);
	EXPECT_EQ(client.list("SPOP", "s", 1000).size(), 60u);
	EXPECT_EQ(everywhere({"EXISTS", "s"}), "0");
	EXPECT_EQ(client.cmd("SPOP", "s"), "(nil)");
	expect_reply_of_redis({"SPOP", "s", "-1"});
	expect_reply_of_redis({"SPOP", "none", "3"});
}

TEST_F(SameEffect, EntriesHaveTheSameIdEverywhere)
{
	const char *all = "local e = redis.call('XRANGE', KEYS[1], '-', '+') local t = {} "
			  "for i = 1, #e do t[i] = e[i][1] .. e[i][2][2] end "
			  "return table.concat(t, ' ')";
	std::string ids;

	for (int i = 0; i < 20; i++) {
		const std::string id = client.cmd("XADD", "x", "MAXLEN", "1000", "*", "f", i);
		ids += (i ? " " : "") + id + std::to_string(i);
	}
	EXPECT_EQ(everywhere({"EVAL", all, "1", "x"}), ids);
	/* Ahead of every clock, through both nodes. */
	EXPECT_EQ(client.cmd("XADD", "x", "99999999999999-5", "f", "20"), "99999999999999-5");
	EXPECT_EQ(everywhere({"XLEN", "x"}), "21");
	EXPECT_EQ((*ring_)[1].client().cmd("XADD", "x", "*", "f", "21"), "99999999999999-6");
	EXPECT_EQ(everywhere({"XLEN", "x"}), "22");
	EXPECT_EQ(client.cmd("XADD", "x", "*", "f", "22"), "99999999999999-7");
	EXPECT_EQ(everywhere({"EVAL", all, "1", "x"}),
		ids + " 99999999999999-520" + " 99999999999999-621 99999999999999-722");
	EXPECT_EQ(client.cmd("XADD", "none", "NOMKSTREAM", "*", "f", "v"), "(nil)");
	EXPECT_EQ(everywhere({"EXISTS", "none"}), "0");
	EXPECT_EQ((*ring_)[0].missed(1), 0u);
}

TEST_F(SameEffect, ClaimsAreMadeEverywhere)
{
	const char *owner = "local p = redis.call('XPENDING', KEYS[1], 'g', '-', '+', 10) "
			    "local t = {} for i = 1, #p do t[i] = p[i][1] .. p[i][2] .. p[i][4] "
			    "end return table.concat(t, ' ')";

	client.cmd("XGROUP", "CREATE", "c", "g", "0", "MKSTREAM");
	for (const char *id : {"1-1", "2-2", "3-3", "4-4"})
		client.cmd("XADD", "c", id, "f", "v");
	client.list("XREADGROUP", "GROUP", "g", "first", "COUNT", "3", "STREAMS", "c", ">");
	client.cmd("XDEL", "c", "2-2");
	EXPECT_EQ(everywhere({"EVAL", owner, "1", "c"}), "1-1first1 2-2first1 3-3first1");
	/* A replica that has been idle for less would claim nothing by itself. */
	(*ring_)[1].store().list("XCLAIM", "c", "g", "first", "0", "1-1", "3-3", "IDLE", "0",
		"RETRYCOUNT", "1", "JUSTID");
	(*ring_)[0].store().list("XCLAIM", "c", "g", "first", "0", "1-1", "3-3", "IDLE", "90000000",
		"RETRYCOUNT", "1", "JUSTID");
	client.list("XAUTOCLAIM", "c", "g", "second", "60000", "0", "COUNT", "2");
	EXPECT_EQ(everywhere({"EVAL", owner, "1", "c"}), "1-1second2 3-3first1");
	client.list("XAUTOCLAIM", "c", "g", "second", "60000", "0", "JUSTID");
	EXPECT_EQ(everywhere({"EVAL", owner, "1", "c"}), "1-1second2 3-3second1");
}

/* A datastore of the test's own, which says this of itself. */
struct Greeting {
	std::string info, logged;
};

std::ostream &operator<<(std::ostream &to, const Greeting &greeting)
{
	return to << greeting.info.size() << " bytes, " << greeting.logged;
}

class StoreGreeting : public testing::TestWithParam<Greeting>
{
};

TEST_P(StoreGreeting, ComparesTheClocks)
{
	const std::string &info = GetParam().info;
	Listener listener;
	One one;

	one.unhealed().set("servers", "\n    - " + loopback(listener.port()) + ":1").start();
	Socket store = listener.accept(), client(one->client_port());
	EXPECT_EQ(store.line(), "INFO server\r\n");
	ASSERT_TRUE(store.send("$" + std::to_string(info.size()) + "\r\n" + info + "\r\n"));
	/* The reply that comes then is not taken for another one. */
	ASSERT_TRUE(client.send(resp("GET", "k")));
	EXPECT_EQ(store.read(resp("GET", "k").size()), resp("GET", "k"));
	ASSERT_TRUE(store.send("$1\r\nv\r\n"));
	EXPECT_EQ(client.line(), "$1\r\n");
	EXPECT_EQ(holds(one->node().log(), "its clock is"), !GetParam().logged.empty());
	EXPECT_TRUE(holds(one->node().log(), GetParam().logged));
}

INSTANTIATE_TEST_SUITE_P(Infos, StoreGreeting,
	testing::Values(
		Greeting{"redis_version:7.0.0\r\nserver_time_usec:1000000\r\n", "ms behind"},
		Greeting{"server_time_usec:99999999999999999\r\n", "ms ahead"},
		Greeting{"redis_version:7\r\nserver_time_usec:\r\n", ""}, Greeting{"", ""}));

/* Replicas that follow agree with the one that they follow. */
TEST(SameEffectOfAQuorum, IsReached)
{
	for (const char *level : {"dc_quorum", "dc_safe_quorum"}) {
		Ring ring{Places{{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}}};

		ring.unhealed().set("write_consistency", level).start();
		RedisClient c = ring[0].client();
		for (int i = 0; i < 50; i++)
			EXPECT_EQ(c.integer("SADD", "s", i), 1);
		EXPECT_NE(c.cmd("SPOP", "s"), "(nil)") << level;
		EXPECT_EQ(c.list("SPOP", "s", 9).size(), 9u) << level;
		EXPECT_EQ(c.cmd("SPOP", "none"), "(nil)") << level;
		c.set("text", "x");
		EXPECT_TRUE(holds(c.error("SPOP", "text"), "WRONGTYPE")) << level;
		EXPECT_NE(c.cmd("XADD", "x", "*", "f", "v"), "(nil)") << level;
		EXPECT_TRUE(wait_until([&] { return ring[0].peer_info(1, "queued") == "0"; }));
		ring[1].node().kill9();
		EXPECT_TRUE(wait_until([&] { return !ring[0].peer_is_up(1); }));
		EXPECT_NE(c.cmd("SPOP", "s"), "(nil)") << level;
		EXPECT_EQ(ring[0].missed(1), 1u);
	}
}

TEST(SameEffectOfAQuorum, IsReachedWithoutTheLocalRack)
{
	Ring ring{Places{{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}}};

	ring.unhealed().set("write_consistency", "dc_quorum").start();
	RedisClient c = ring[0].client();
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(c.integer("SADD", "s", i), 1);
	ring[0].redis().kill9();
	ASSERT_TRUE(wait_until([&] { return ring[0].info("datastore_state") != "up"; }));
	EXPECT_NE(c.cmd("SPOP", "s"), "(nil)");
	for (size_t i = 1; i < 3; i++) {
		RedisClient store = ring[i].store();
		EXPECT_TRUE(wait_until([&] { return store.integer("SCARD", "s") == 49; }));
	}
}

TEST_F(SameEffect, ErrorsAreThoseOfRedis)
{
	for (const Args &args : std::vector<Args>{
		     {"SETEX", "k", "0", "v"},
		     {"SETEX", "k", "x", "v"},
		     {"SETEX", "k", "010", "v"},
		     {"SETEX", "k", "9223372036854775807", "v"},
		     {"PSETEX", "k", "-5", "v"},
		     {"PSETEX", "k", "9223372036854775807", "v"},
		     {"SET", "k", "v", "EX", "0"},
		     {"SET", "k", "v", "EX", "1", "PX", "1"},
		     {"SET", "k", "v", "EX", "1", "KEEPTTL"},
		     {"SET", "k", "v", "EX"},
		     {"SET", "k", "v", "EX", "1", "nosuch"},
		     {"SET", "k", "v", "PX", "92233720368547758080"},
		     {"GETEX", "k", "EX", "1", "PERSIST"},
		     {"GETEX", "list", "EX", "10"},
		     {"EXPIRE", "k", "1.5"},
		     {"EXPIRE", "k", "9223372036854775807"},
		     {"EXPIRE", "k", "10", "nosuch"},
		     {"EXPIRE", "k", "10", "NX", "GT"},
		     {"RESTORE", "k", "-1", "x"},
		     {"RESTORE", "new", "10", "x"},
		     {"RESTORE", "list", "10", "x"},
	     }) {
		client.cmd("SET", "k", "v");
		alone.cmd("SET", "k", "v");
		client.cmd("DEL", "list");
		alone.cmd("DEL", "list");
		client.cmd("RPUSH", "list", "x");
		alone.cmd("RPUSH", "list", "x");
		const std::string said = reply(alone, args);
		EXPECT_EQ(reply(client, args), said);
		EXPECT_EQ(said[0], static_cast<char>('0' + REDIS_REPLY_ERROR)) << said;
		EXPECT_EQ(everywhere({"GET", "k"}), "v");
		EXPECT_EQ(everywhere({"PTTL", "k"}), "-1");
	}
}

} // namespace
} // namespace e2e
