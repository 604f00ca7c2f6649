/*
 * One node in front of one Redis, under other settings than the default ones.
 */
#include "proxy/ring.h"
#include "support/joining_thread.h"
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

/* ---- Other settings ---- */

TEST(ProxySettings, APasswordIsAskedForAndGivenToRedis)
{
	One one({"--requirepass", "sesame"});

	one.set("requirepass", "sesame");
	one->node().launch();
	ASSERT_TRUE(one->node().wait_log("started, pid"));
	RedisClient c = one->client();
	EXPECT_TRUE(begins(c.error("GET", "k"), "NOAUTH"));
	EXPECT_TRUE(begins(c.error("PING"), "NOAUTH"));
	EXPECT_TRUE(begins(c.error("INFO"), "NOAUTH"));
	EXPECT_TRUE(begins(c.error("AUTH", "wrong"), "WRONGPASS"));
	EXPECT_TRUE(begins(c.error("SET", "k", "v"), "NOAUTH"));
	EXPECT_TRUE(begins(c.error("HELLO", 2, "AUTH", "default", "wrong"), "WRONGPASS"));
	EXPECT_EQ(c.cmd("AUTH", "sesame"), "OK");
	EXPECT_EQ(c.cmd("SET", "k", "v"), "OK");
	EXPECT_EQ(one->store().get("k"), "v");
	RedisClient other = one->client();
	EXPECT_FALSE(other.list("HELLO", 2, "AUTH", "default", "sesame").empty());
	EXPECT_EQ(other.get("k"), "v");
	EXPECT_EQ(one->node().log().find("sesame"), std::string::npos);
}

TEST(ProxySettings, APasswordThatRedisDoesNotTakeIsAnError)
{
	One one({"--requirepass", "sesame"});

	one.set("requirepass", "another");
	one->node().launch();
	ASSERT_TRUE(one->node().wait_log("check requirepass"));
	RedisClient c = one->client("another");
	EXPECT_TRUE(begins(c.error("GET", "k"), "ERR dynomite: "));
	EXPECT_EQ(c.cmd("PING"), "PONG");
}

TEST(ProxySettings, UnixSocketsServeBothSides)
{
	One one;
	const std::string path = one->node().dir().file("clients.sock");

	one->node()
		.set("listen", path)
		.set("servers", yaml_list({one->redis().socket_path() + ":1"}))
		.launch();
	ASSERT_TRUE(one->node().wait_log("started, pid"));
	RedisClient c(path);
	c.set("k", "v");
	EXPECT_EQ(one->store().get("k"), "v");
	EXPECT_TRUE(holds(c.cmd("CLIENT", "LIST"), "id="));
	one->end();
	EXPECT_THROW(Socket{path}, std::runtime_error);
}

TEST(ProxySettings, RedisMayBeGivenByItsName)
{
	One one;
	const std::string port = std::to_string(one->redis().port());

	one.set("servers", yaml_list({"localhost:" + port + ":1"})).start();
	RedisClient c = one->client();
	c.set("k", "v");
	EXPECT_EQ(one->store().get("k"), "v");
	one->end();
	one.set("servers", yaml_list({"no.such.host.invalid:" + port + ":1"}))
		.set("timeout", "1000")
		.start();
	RedisClient other = one->client();
	EXPECT_TRUE(begins(other.error("GET", "k"), "ERR dynomite: "));
	EXPECT_EQ(other.cmd("PING"), "PONG");
}

TEST(ProxySettings, MoreClientsThanAllowedAreTurnedAway)
{
	One one;

	one.set("client_connections", "3").start();
	std::vector<Socket> clients;
	ASSERT_TRUE(wait_until([&] { return one->number("connected_clients") == 1; }));
	for (int i = 0; i < 3; i++) {
		clients.emplace_back(one->client_port());
		ASSERT_TRUE(clients.back().send("PING\r\n"));
		ASSERT_EQ(clients.back().line(), "+PONG\r\n");
	}
	Socket more(one->client_port());
	EXPECT_EQ(more.read_to_end(), "-ERR max number of clients reached\r\n");
	clients.pop_back();
	EXPECT_TRUE(wait_until([&] {
		Socket again(one->client_port());
		return again.send("PING\r\n") && again.line() == "+PONG\r\n";
	}));
}

TEST(ProxySettings, SeveralConnectionsToRedisKeepTheOrderOfAKey)
{
	constexpr int kRequests = 6000;
	One one;
	std::string said, expected;

	one.set("datastore_connections", "8").start();
	Socket s(one->client_port());
	for (int i = 0; i < kRequests; i++) {
		said += resp("INCR", "k" + std::to_string(i % 100));
		expected += ":" + std::to_string(i / 100 + 1) + "\r\n";
	}
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	EXPECT_TRUE(s.read(expected.size()) == expected);
	writer.join();
	EXPECT_GE(one->number("datastore_connects"), 8u);
}

TEST(ProxySettings, WithoutPreconnectTheFirstRequestConnects)
{
	One one;

	one.set("preconnect", "false").start();
	EXPECT_EQ(one->number("datastore_connects"), 0u);
	one->client().set("k", "v");
	EXPECT_EQ(one->store().get("k"), "v");
	EXPECT_EQ(one->number("datastore_connects"), 1u);
}

} // namespace
} // namespace e2e
