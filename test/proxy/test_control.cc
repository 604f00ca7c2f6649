/*
 * stats_listen of a node of a ring: what it tells of the proxy, and what it lets one change.
 */
#include "proxy/ring.h"
#include "support/http.h"
#include "support/json_at.h"
#include "support/message.h"
#include "support/resp.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;
using Path = std::vector<std::string>;

const Places kTwoRacks = {{"dc1", "r1"}, {"dc1", "r2"}};

std::string info(Member &m, const Path &path)
{
	return json_at(http(m.stats_port(), "/info").body, path);
}

uint64_t number(Member &m, const Path &path)
{
	return json_number_at(http(m.stats_port(), "/info").body, path);
}

/* A new connection may get the descriptor number of one that was just closed. */
TEST(Control, WhoComesAfterItsAnswerIsServed)
{
	Message m = dnode_message(1, resp("SET", "k", "v"));
	One one;

	one.start();
	for (const char *path : {"/ping", "/metrics", "/no such path", "/nowhere"})
		for (int i = 0; i < 5; i++) {
			EXPECT_NE(http(one->stats_port(), path).code, 0);
			Socket client(one->client_port()), node(one->node().port());
			ASSERT_TRUE(client.send(resp("PING")));
			ASSERT_TRUE(node.send(m.bytes()));
			ASSERT_EQ(client.line(), "+PONG\r\n") << path << " " << i;
			ASSERT_EQ(read_message(node).payload, "+OK\r\n") << path << " " << i;
		}
	EXPECT_TRUE(wait_until([&] {
		return number(*one, {"dyn_o_mite", "client_connections"}) == 0 &&
		       number(*one, {"dyn_o_mite", "dnode_client_connections"}) == 0;
	}));
}

/* The same for a connection of the node itself: what is read of it is read by nobody else. */
TEST(Control, AskingHarmsNoConnectionThatIsMadeMeanwhile)
{
	constexpr int kKeys = 50;
	One one;
	std::string said, expected;

	one.start();
	for (int i = 0; i < kKeys; i++) {
		const std::string key = "key" + std::to_string(i);
		const std::string value = "value" + std::to_string(i * 7);

		one->store().set(key, value);
		said += resp("GET", key);
		expected += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
	}
	for (int i = 0; i < 20; i++) {
		EXPECT_TRUE(http(one->stats_port(), "/info").ok());
		one->store().cmd("CLIENT", "KILL", "TYPE", "normal");
		ASSERT_TRUE(wait_until([&] {
			Socket probe(one->client_port());
			return probe.send(resp("PING")) && probe.line() == "+PONG\r\n" &&
			       probe.send(resp("GET", "none")) && probe.line() == "$-1\r\n";
		}));
		Socket s(one->client_port());
		ASSERT_TRUE(s.send(said));
		ASSERT_TRUE(s.read(expected.size()) == expected) << i;
	}
}

/* ---- What it tells ---- */

TEST(Control, InfoCountsWhatClientsDid)
{
	Ring ring(kTwoRacks);

	ring.start();
	RedisClient client = ring[0].client();
	client.set("a", "1");
	client.set("b", "2");
	client.get("a");
	client.error("INCR", "a", "b");
	const std::string text = http(ring[0].stats_port(), "/info").body;
	const auto count = [&](const char *name) {
		return json_number_at(text, {"dyn_o_mite", name});
	};
	EXPECT_EQ(json_at(text, {"rack"}), "r1");
	EXPECT_EQ(json_at(text, {"dc"}), "dc1");
	EXPECT_EQ(json_at(text, {"state"}), "normal");
	EXPECT_EQ(count("client_write_requests"), 2u);
	EXPECT_EQ(count("client_read_requests"), 1u);
	EXPECT_GE(count("client_errors"), 1u);
	EXPECT_GE(count("client_connections"), 1u);
	EXPECT_EQ(count("peers"), 1u);
	EXPECT_EQ(count("peers_up"), 1u);
	EXPECT_EQ(count("peer_requests"), 2u) << "each write goes to the other rack";
	EXPECT_EQ(json_number_at(text, {"dyn_o_mite", ring[0].redis().address(), "requests"}), 3u);
	EXPECT_EQ(json_at(text, {"peers", "0", "rack"}), "r2");
	EXPECT_EQ(json_at(text, {"peers", "0", "up"}), "true");
	EXPECT_EQ(number(ring[1], {"dyn_o_mite", "dnode_client_requests"}), 2u);
}

/* One at once, one from the datastore, and one that waits for the reply before it. */
TEST(Control, EveryErrorReplyIsCounted)
{
	One one;

	one.start();
	one->store().set("k", "no number");
	Socket s(one->client_port());
	ASSERT_TRUE(s.send(resp("NOSUCH")));
	ASSERT_EQ(s.line().substr(0, 4), "-ERR");
	ASSERT_TRUE(s.send(resp("INCR", "k") + resp("NOSUCH")));
	ASSERT_EQ(s.line().substr(0, 4), "-ERR");
	ASSERT_EQ(s.line().substr(0, 4), "-ERR");
	EXPECT_EQ(number(*one, {"dyn_o_mite", "client_errors"}), 3u);
}

TEST(Control, WhatAPeerMissedIsCounted)
{
	Ring ring(kTwoRacks);

	ring.start();
	RedisClient client = ring[0].client();
	ring[1].end();
	ASSERT_TRUE(wait_until([&] { return info(ring[0], {"peers", "0", "up"}) == "false"; }));
	for (int i = 0; i < 10; i++)
		client.set("key" + std::to_string(i), "x");
	EXPECT_EQ(number(ring[0], {"peers", "0", "missed_writes"}), 10u);
	EXPECT_EQ(number(ring[0], {"dyn_o_mite", "peer_missed_writes"}), 10u);
	const std::string name = info(ring[0], {"peers", "0", "name"});
	EXPECT_TRUE(holds(http(ring[0].stats_port(), "/metrics").body,
		"\ndynomite_peer_missed_writes_total{peer=\"" + name +
			"\",peer_rack=\"r2\",peer_dc=\"dc1\"} 10\n"));
}

TEST(Control, DescribesTheRing)
{
	Ring ring({{"dc1", "r1", "1,7"}, {"dc1", "r1", "2147483648"}, {"dc2", "r1", "5"}});

	ring.start();
	const std::string text = http(ring[0].stats_port(), "/cluster_describe").body;
	const auto at = [&](Path path) { return json_at(text, path); };
	EXPECT_EQ(at({"dcs", "0", "name"}), "dc1");
	EXPECT_EQ(at({"dcs", "0", "racks", "0", "name"}), "r1");
	const auto of = [&](size_t dc, size_t n, Path field) {
		Path path = {"dcs", std::to_string(dc), "racks", "0", "servers", std::to_string(n)};

		path.insert(path.end(), field.begin(), field.end());
		return at(path);
	};
	EXPECT_EQ(of(0, 0, {"host"}), "127.0.0.1");
	EXPECT_EQ(of(0, 0, {"token"}), "1");
	EXPECT_EQ(of(0, 0, {"tokens", "1"}), "7");
	EXPECT_EQ(of(0, 0, {"local"}), "true");
	EXPECT_EQ(of(0, 0, {"state"}), "normal");
	EXPECT_EQ(of(0, 1, {"tokens", "0"}), "2147483648");
	EXPECT_EQ(of(0, 1, {"local"}), "false");
	EXPECT_EQ(of(0, 1, {"state"}), "up");
	EXPECT_EQ(of(0, 2, {"name"}), "(none)");
	EXPECT_EQ(at({"dcs", "1", "name"}), "dc2");
	EXPECT_EQ(of(1, 0, {"name"}), of(1, 0, {"host"}) + ":" + of(1, 0, {"port"}));
	EXPECT_EQ(at({"dcs", "2"}), "(none)");
}

/* ---- What it changes ---- */

TEST(Control, ConsistencyIsChanged)
{
	Ring ring(kTwoRacks);

	ring.set("timeout", "500").start();
	const uint16_t port = ring[0].stats_port();
	RedisClient client = ring[0].client();
	EXPECT_EQ(http(port, "/get_consistency").body,
		"Read Consistency: DC_ONE\r\nWrite Consistency: DC_ONE\r\n");
	EXPECT_EQ(http(port, "/set_consistency/write/dc_quorum").body, "OK\n");
	EXPECT_EQ(http(port, "/set_consistency/read/DC_SAFE_QUORUM").body, "OK\n");
	EXPECT_EQ(http(port, "/get_consistency").body,
		"Read Consistency: DC_SAFE_QUORUM\r\nWrite Consistency: DC_QUORUM\r\n");
	client.set("a", "1");
	ring[1].end();
	EXPECT_FALSE(client.error("SET", "a", "2").empty()) << "one of two racks is no majority";
	EXPECT_EQ(http(port, "/set_consistency/write/dc_one").code, 200);
	client.set("a", "3");

	const Http level = http(port, "/set_consistency/read/dc_two");
	EXPECT_EQ(level.code, 400);
	EXPECT_TRUE(holds(level.body, "dc_two: no such level; allowed: dc_one, dc_quorum, "
				      "dc_safe_quorum, dc_each_safe_quorum"))
		<< level.body;
	for (const char *bad : {"/set_consistency", "/set_consistency/", "/set_consistency/read",
		     "/set_consistency/both/dc_one", "/set_consistency/read/",
		     "/set_consistency/read/dc_one/x"})
		EXPECT_EQ(http(port, bad).code, 400) << bad;
	EXPECT_EQ(http(port, "/get_consistency").body,
		"Read Consistency: DC_SAFE_QUORUM\r\nWrite Consistency: DC_ONE\r\n");
}

TEST(Control, TheStateDecidesWhatIsServed)
{
	Ring ring(kTwoRacks);

	ring.start();
	const uint16_t port = ring[0].stats_port();
	RedisClient client = ring[0].client();
	const auto state = [&](const std::string &to) {
		EXPECT_EQ(http(port, "/state/" + to).body, "OK\n");
		EXPECT_EQ(http(port, "/state/get_state").body, "State: " + to + "\n");
	};
	client.set("a", "1");
	state("standby");
	EXPECT_TRUE(holds(client.error("GET", "a"), "standby"));
	EXPECT_TRUE(holds(client.error("SET", "a", "2"), "standby"));
	EXPECT_EQ(client.cmd("PING"), "PONG");
	for (const char *writing : {"writes_only", "resuming"}) {
		state(writing);
		client.set("a", writing);
		EXPECT_TRUE(holds(client.error("GET", "a"), "writes only"));
	}
	state("normal");
	EXPECT_EQ(client.get("a"), "resuming");
	for (const char *bad :
		{"/state", "/state/", "/state/off", "/state/NORMAL", "/state/normal/x"}) {
		const Http answer = http(port, bad);

		EXPECT_EQ(answer.code, 400) << bad;
		EXPECT_TRUE(holds(answer.body, "allowed: get_state, normal, standby"))
			<< answer.body;
	}
	EXPECT_EQ(http(port, "/state/get_state").body, "State: normal\n");
}

TEST(Control, PeersAreTakenOutAndPutBack)
{
	Ring ring({{"dc1", "r1"}, {"dc1", "r2"}, {"dc1", "r3"}});

	ring.start();
	const uint16_t port = ring[0].stats_port();
	const auto is_up = [&](const char *n) {
		return info(ring[0], {"peers", n, "up"}) == "true";
	};
	RedisClient client = ring[0].client();
	const std::string name = info(ring[0], {"peers", "1", "name"});
	EXPECT_EQ(http(port, "/peer/down/" + name).code, 200);
	EXPECT_EQ(info(ring[0], {"peers", "1", "state"}), "held");
	EXPECT_TRUE(is_up("0")) << "the other one stays";
	client.set("a", "1");
	EXPECT_EQ(number(ring[0], {"peers", "1", "missed_writes"}), 1u);
	EXPECT_EQ(http(port, "/peer/up/" + name).code, 200);
	EXPECT_TRUE(wait_until([&] { return is_up("1"); }));
	const uint64_t connects = number(ring[0], {"peers", "0", "connects"});
	EXPECT_EQ(http(port, "/peer/reset/all").code, 200);
	EXPECT_TRUE(wait_until([&] { return is_up("0") && is_up("1"); }));
	EXPECT_EQ(number(ring[0], {"peers", "0", "connects"}), connects + 1);
	EXPECT_EQ(http(port, "/peer/down/all").code, 200);
	EXPECT_FALSE(is_up("0") || is_up("1"));
	client.set("a", "2");
	EXPECT_EQ(client.get("a"), "2") << "its own rack serves on";
	EXPECT_EQ(http(port, "/peer/up/all").code, 200);
	EXPECT_TRUE(wait_until([&] { return is_up("0") && is_up("1"); }));

	const Http unknown = http(port, "/peer/down/nobody:1");
	EXPECT_EQ(unknown.code, 400);
	EXPECT_TRUE(holds(unknown.body, "nobody:1: no such peer") && holds(unknown.body, name))
		<< unknown.body;
	for (const char *bad : {"/peer", "/peer/", "/peer/down", "/peer/down/", "/peer/kick/all"})
		EXPECT_EQ(http(port, bad).code, 400) << bad;
	EXPECT_TRUE(is_up("0") && is_up("1"));
}

} // namespace
} // namespace e2e
