/*
 * Scripts and functions: a replica that has lost them is given them again.
 */
#include "proxy/ring.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

const char kIncr[] = "return redis.call('INCR', KEYS[1])";
const char kLibrary[] = "#!lua name=counting\nredis.register_function('count', "
			"function(keys) return redis.call('INCR', keys[1]) end)";

class Scripts : public testing::Test
{
      protected:
	Ring ring{Places{{"dc", "r1"}, {"dc", "r2"}}};

	void SetUp() override
	{
		ring.unhealed()
			.set("datastore_connections", "3")
			.set("local_peer_connections", "2")
			.set("server_retry_timeout", "200")
			.start();
	}
	void restart_redis(size_t i)
	{
		ring[i].redis().kill9();
		ASSERT_TRUE(wait_until([&] { return ring[i].info("datastore_state") != "up"; }));
		ring[i].redis().start_again();
	}
	void restart_node(size_t i)
	{
		ring[i].end();
		ring[i].node().start();
		ring.wait_peers();
	}
	static bool knows(Member &m, const std::string &sha)
	{
		return m.store().list("SCRIPT", "EXISTS", sha) == std::vector<std::string>{"1"};
	}
};

TEST_F(Scripts, AreLoadedAgainWhenRedisIsBack)
{
	RedisClient c = ring[0].client();
	const std::string sha = c.cmd("SCRIPT", "LOAD", kIncr);

	EXPECT_EQ(c.cmd("FUNCTION", "LOAD", kLibrary), "counting");
	ASSERT_TRUE(wait_until([&] { return ring[0].peer_info(1, "queued") == "0"; }));
	restart_redis(1);
	EXPECT_TRUE(wait_until([&] { return knows(ring[1], sha); }));
	for (int i = 1; i <= 50; i++) {
		EXPECT_EQ(c.integer("EVALSHA", sha, 1, "n"), i);
		EXPECT_EQ(c.integer("FCALL", "count", 1, "m"), i);
	}
	EXPECT_TRUE(soon_is(ring[1], "n", "50"));
	EXPECT_TRUE(soon_is(ring[1], "m", "50"));
	EXPECT_EQ(ring[0].missed(1), 0u);
}

TEST_F(Scripts, ThatARedisLacksAreSentByItsNode)
{
	RedisClient c = ring[0].client();
	const std::string sha = c.cmd("SCRIPT", "LOAD", kIncr);

	ring[0].store().cmd("SCRIPT", "FLUSH");
	ring[1].store().cmd("SCRIPT", "FLUSH");
	EXPECT_EQ(c.integer("EVALSHA", sha, 1, "n"), 1);
	EXPECT_TRUE(soon_is(ring[1], "n", "1"));
	const std::string reads = c.cmd("SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])");
	ring[0].store().cmd("SCRIPT", "FLUSH");
	EXPECT_EQ(c.cmd("EVALSHA_RO", reads, 1, "n"), "1");
	/* What the script itself says is no reason to send it again. */
	const std::string fails =
		c.cmd("SCRIPT", "LOAD", "return {err = 'NOSCRIPT ' .. redis.call('INCR', 'n')}");
	EXPECT_TRUE(holds(c.error("EVALSHA", fails, 1, "n"), "NOSCRIPT 2"));
}

TEST_F(Scripts, ThatANodeLacksAreSentByTheOtherOne)
{
	RedisClient c = ring[0].client();
	std::string sha;

	EXPECT_EQ(c.integer("EVAL", kIncr, 1, "n"), 1);
	sha = ring[0].store().cmd("SCRIPT", "LOAD", kIncr);
	EXPECT_TRUE(soon_is(ring[1], "n", "1"));
	restart_node(1);
	ring[1].store().cmd("SCRIPT", "FLUSH");
	EXPECT_EQ(c.integer("EVALSHA", sha, 1, "n"), 2);
	EXPECT_TRUE(soon_is(ring[1], "n", "2"));
	EXPECT_TRUE(knows(ring[1], sha));
	EXPECT_EQ(ring[0].missed(1), 0u);
	/* Nobody knows it: that rack has missed the write. */
	restart_node(0);
	restart_node(1);
	ring[1].store().cmd("SCRIPT", "FLUSH");
	EXPECT_EQ(ring[0].client().integer("EVALSHA", sha, 1, "n"), 3);
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) == 1; }));
	EXPECT_EQ(ring[1].store().get("n"), "2");
}

TEST_F(Scripts, AreSentManyAtATime)
{
	constexpr int kTimes = 200;
	const std::string sha = ring[0].client().cmd("SCRIPT", "LOAD", kIncr);
	Socket s(ring[0].client_port());
	std::string all;

	for (int i = 0; i < kTimes; i++)
		all += resp("EVALSHA", sha, "2", "{n}" + std::to_string(i % 3), "other");
	ring[0].store().cmd("SCRIPT", "FLUSH");
	ring[1].store().cmd("SCRIPT", "FLUSH");
	ASSERT_TRUE(s.send(all));
	for (int i = 0; i < kTimes; i++)
		EXPECT_EQ(s.line(), ":" + std::to_string(i / 3 + 1) + "\r\n");
	EXPECT_TRUE(soon_is(ring[1], "{n}0", std::to_string((kTimes + 2) / 3)));
	EXPECT_TRUE(soon_is(ring[1], "{n}2", std::to_string(kTimes / 3)));
}

TEST_F(Scripts, ThatAreFlushedAreGone)
{
	RedisClient c = ring[0].client();
	const std::string sha = c.cmd("SCRIPT", "LOAD", kIncr);

	c.cmd("FUNCTION", "LOAD", kLibrary);
	EXPECT_EQ(c.cmd("SCRIPT", "FLUSH"), "OK");
	EXPECT_EQ(c.cmd("FUNCTION", "DELETE", "counting"), "OK");
	EXPECT_TRUE(holds(c.error("EVALSHA", sha, 1, "n"), "NOSCRIPT"));
	restart_redis(0);
	EXPECT_TRUE(wait_until([&] { return c.call({"GET", "n"})->type == REDIS_REPLY_NIL; }));
	EXPECT_TRUE(holds(c.error("EVALSHA", sha, 1, "n"), "NOSCRIPT"));
	EXPECT_TRUE(holds(c.error("FCALL", "count", 1, "n"), "Function not found"));
	EXPECT_EQ(ring[1].store().get("n"), "(nil)");
}

/* A Redis that still loads its data takes no scripts. */
TEST(ScriptsAfterLoading, AreLoadedAsWell)
{
	Ring ring(Places{{"dc", "r1"}},
		{"--key-load-delay", "40000", "--loading-process-events-interval-bytes", "1024"});

	ring.unhealed().set("server_retry_timeout", "100").start();
	RedisClient c = ring[0].client();
	for (int i = 0; i < 50; i++)
		c.set("k" + std::to_string(i), std::string(2000, static_cast<char>('a' + i % 20)));
	const std::string sha = c.cmd("SCRIPT", "LOAD", kIncr);
	EXPECT_EQ(ring[0].store().cmd("SAVE"), "OK");
	ring[0].redis().kill9();
	ring[0].redis().start_again();
	EXPECT_TRUE(wait_until([&] {
		return ring[0].store().list("SCRIPT", "EXISTS", sha) ==
		       std::vector<std::string>{"1"};
	}));
}

} // namespace
} // namespace e2e
