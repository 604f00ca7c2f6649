/*
 * What clients see while things go wrong: nothing that was acknowledged is lost, no request waits
 * for ever, and nobody's slowness is another's, nor takes memory without end.
 */
#include "proxy/load.h"
#include "proxy/ring.h"
#include "support/message.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <csignal>
#include <random>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;
using Clock = std::chrono::steady_clock;

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};

/* ---- Deaths under load ---- */

struct Death {
	const char *name;
	bool node, redis;
};

std::ostream &operator<<(std::ostream &to, const Death &d)
{
	return to << d.name;
}

void kill(Member &m, const Death &death)
{
	if (death.redis)
		m.redis().kill9();
	if (death.node)
		m.node().kill9();
}

void start(Member &m, const Death &death)
{
	if (death.redis)
		m.redis().start_again();
	if (death.node)
		m.node().start();
}

class UnderLoad : public testing::TestWithParam<Death>
{
};

TEST_P(UnderLoad, AReplicaMayDieAndTheWriterSeesNothingOfIt)
{
	Ring ring(kTwoRacks);

	ring.set("server_retry_timeout", "300").set("recon_max_rate", "0").set("timeout", "3000");
	ring.start();
	Load load(ring[0], "k");
	ASSERT_TRUE(load.more(3000));
	kill(ring[1], GetParam());
	ASSERT_TRUE(load.more(3000));
	start(ring[1], GetParam());
	ASSERT_TRUE(load.more(3000));
	EXPECT_TRUE(wait_until([&] { return ring[0].peer_is_up(1); }, seconds(20)));
	load.stop();
	EXPECT_EQ(load.errors(), 0u);
	EXPECT_EQ(load.broken(), 0u);
	EXPECT_EQ(load.missing(ring[0].store()), 0u);
	EXPECT_GT(ring[0].missed(1), 0u);
	EXPECT_TRUE(wait_until([&] { return load.missing(ring[1].store()) == 0; }, seconds(40)))
		<< load.missing(ring[1].store()) << " of " << load.keys().size();
}

TEST_P(UnderLoad, TheWritersOwnMayDieAndNothingAcknowledgedIsLost)
{
	Ring ring(kTwoRacks, {"--appendonly", "yes", "--appendfsync", "always"});

	ring.set("server_retry_timeout", "300").start();
	Load load(ring[0], "k");
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(load.more(1000));
		kill(ring[0], GetParam());
		start(ring[0], GetParam());
	}
	ASSERT_TRUE(load.more(1000));
	load.stop();
	EXPECT_GT(load.errors() + load.broken(), 0u);
	EXPECT_EQ(load.missing(ring[0].store()), 0u);
}

INSTANTIATE_TEST_SUITE_P(Deaths, UnderLoad,
	testing::Values(
		Death{"Node", true, false}, Death{"Redis", false, true}, Death{"Both", true, true}),
	testing::PrintToStringParamName());

/* Two datacenters of two racks each, and one thing after the other happens to all but the writer.
 */
TEST(UnderLoadEverything, MayHappenToTheOthers)
{
	constexpr int kEvents = 8;
	const unsigned seed = std::random_device{}();
	std::mt19937 random(seed);
	Ring ring(Places{{"east", "r1"}, {"east", "r2"}, {"west", "r1"}, {"west", "r2"}});

	SCOPED_TRACE("seed " + std::to_string(seed));
	ring.set("server_retry_timeout", "300").set("recon_max_rate", "0").set("timeout", "300");
	ring.start();
	Load load(ring[0], "k");
	const auto for_a_while = [&] {
		std::this_thread::sleep_for(milliseconds(random() % 900));
		ASSERT_TRUE(load.more(1));
	};
	for (int i = 0; i < kEvents; i++) {
		Member &m = ring[1 + random() % 3];
		const Death death = {"", random() % 2 == 0, random() % 2 == 0};
		const bool dies = random() % 2 == 0;

		if (dies) {
			kill(m, death);
			for_a_while();
			start(m, death);
		} else if (death.redis) {
			m.redis().pause();
			for_a_while();
			m.redis().resume();
		} else {
			m.node().process().signal(SIGSTOP);
			for_a_while();
			m.node().process().signal(SIGCONT);
		}
		if (random() % 3 == 0)
			for_a_while();
	}
	load.stop();
	EXPECT_EQ(load.errors(), 0u);
	EXPECT_EQ(load.broken(), 0u);
	for (size_t i = 0; i < ring.size(); i++)
		EXPECT_TRUE(wait_until(
			[&] { return load.missing(ring[i].store()) == 0; }, seconds(i ? 60 : 1)))
			<< i << ": " << load.missing(ring[i].store()) << " of "
			<< load.keys().size() << "\n"
			<< ring[0].node().log() << ring[i].node().log();
}

/* ---- A Redis that is silent, or gone ---- */

TEST(SilentRedis, IsAnErrorInTime)
{
	One one;

	one.set("timeout", "400").start();
	RedisClient c = one->client();
	c.set("k", "v");
	for (int i = 0; i < 2; i++) {
		one->redis().pause();
		const auto begin = Clock::now();
		EXPECT_EQ(c.error("GET", "k"), "ERR dynomite: no answer within 400 ms");
		EXPECT_GE(Clock::now() - begin, milliseconds(300));
		EXPECT_LT(Clock::now() - begin, patient(milliseconds(1500)));
		EXPECT_EQ(c.cmd("PING"), "PONG") << "the connection stays";
		one->redis().resume();
		EXPECT_TRUE(wait_until([&] {
			return c.call({"GET", "k"})->type == REDIS_REPLY_STRING;
		}));
	}
	EXPECT_GE(one->number("total_timeouts"), 2u);
}

/* Late replies must be dropped: each client gets its own reply, or an error. */
TEST(SilentRedis, NeverGivesAReplyToAnotherRequest)
{
	constexpr int kClients = 20;
	One one;

	one.set("timeout", "200").set("server_retry_timeout", "300").start();
	std::vector<Socket> clients;
	for (int i = 0; i < kClients; i++) {
		clients.emplace_back(one->client_port());
		one->store().set("k" + std::to_string(i), "value" + std::to_string(i));
	}
	for (int round = 0; round < 6; round++) {
		/* Sometimes for less than its time, sometimes until it is given up. */
		const int pause_ms = round % 3 == 0 ? 100 : round % 3 == 1 ? 300 : 900;

		one->redis().pause();
		for (int i = 0; i < kClients; i++)
			ASSERT_TRUE(clients[static_cast<size_t>(i)].send(
				resp("GET", "k" + std::to_string(i)) + "PING\r\n"));
		std::this_thread::sleep_for(milliseconds(pause_ms));
		one->redis().resume();
		for (int i = 0; i < kClients; i++) {
			Socket &s = clients[static_cast<size_t>(i)];
			const std::string line = s.line();

			if (line[0] == '$') {
				EXPECT_EQ(s.line(), "value" + std::to_string(i) + "\r\n");
			} else {
				EXPECT_EQ(line.compare(0, 15, "-ERR dynomite: "), 0) << line;
			}
			EXPECT_EQ(s.line(), "+PONG\r\n");
		}
	}
	EXPECT_TRUE(wait_until([&] {
		Socket &s = clients[0];
		return s.send(resp("GET", "k0")) && s.line()[0] == '$' && s.line() == "value0\r\n";
	}));
}

TEST(DeadRedis, IsAnErrorAtOnceAndBackByItself)
{
	One one;

	one.set("server_retry_timeout", "500").set("timeout", "3000").start();
	RedisClient c = one->client();
	one->redis().kill9();
	EXPECT_TRUE(wait_until([&] { return one->info("datastore_state") == "down"; }));
	const auto begin = Clock::now();
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(c.error("GET", "k"), "ERR dynomite: the datastore is down");
	EXPECT_LT(Clock::now() - begin, patient(seconds(2)));
	one->redis().start_again();
	EXPECT_TRUE(wait_until(
		[&] {
			return c.call({"SET", "k", "v"})->type == REDIS_REPLY_STATUS;
		},
		seconds(3)));
	EXPECT_EQ(one->store().get("k"), "v");
	EXPECT_TRUE(one->node().wait_log("is back"));
}

/* Nodes are ejected; the datastore, which has no other beside it, is tried again and again. */
TEST(DeadRedis, IsBackSoonThoughHostsAreEjected)
{
	One one;

	one.set("auto_eject_hosts", "true")
		.set("server_failure_limit", "1")
		.set("server_retry_timeout", "60000")
		.start();
	one->redis().kill9();
	EXPECT_TRUE(wait_until([&] { return one->info("datastore_state") == "down"; }));
	one->redis().start_again();
	RedisClient c = one->client();
	EXPECT_TRUE(wait_until([&] { return c.call({"GET", "k"})->type == REDIS_REPLY_NIL; }));
}

TEST(DeadPeer, IsLeftAloneForAWhileWhenItIsEjected)
{
	const uint16_t port = node_port();
	One one;

	one.unhealed()
		.set("auto_eject_hosts", "true")
		.set("server_failure_limit", "1")
		.set("server_retry_timeout", "4000")
		.stranger({"dc", "r2"}, port)
		.start();
	const auto begin = Clock::now();
	ASSERT_TRUE(wait_until([&] { return one->peer_info(1, "state") == "waiting"; }));
	Listener listener(port);
	listener.accept();
	EXPECT_GE(Clock::now() - begin, milliseconds(2000)) << "it was tried before its time";
}

TEST(DeadRedis, AtTheStartKeepsNobodyFromStarting)
{
	One one;

	one.set("server_retry_timeout", "300");
	one->redis().kill9();
	one.start();
	RedisClient c = one->client();
	EXPECT_TRUE(holds(c.error("GET", "k"), "ERR dynomite: the datastore"));
	one->redis().start_again();
	EXPECT_TRUE(wait_until([&] { return c.call({"GET", "k"})->type == REDIS_REPLY_NIL; }));
}

/* However deep arrays lie in each other, it is a reply like others: the connection that all share
 * stays. */
TEST(DeepReply, IsNobodysHarm)
{
	One one;
	const char *nest = "local t = {} for i = 1, 300 do t = {t} end return t";

	one.start();
	Socket other(one->client_port()), s(one->client_port());
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(s.send(resp("EVAL", nest, "1", "k") + resp("PING")));
		ASSERT_TRUE(other.send(resp("SET", "k", "v")));
		EXPECT_EQ(other.line(), "+OK\r\n");
		std::string line = s.line();
		while (line[0] == '*')
			line = s.line();
		EXPECT_EQ(line, "+PONG\r\n");
	}
	EXPECT_EQ(one->number("datastore_connects"), 1u);
}

/* ---- Descriptors ---- */

TEST(Descriptors, MayRunOut)
{
	One one;
	std::vector<Socket> clients;

	one.start();
	const std::string limit = std::to_string(one->node().descriptors() + 20);
	ASSERT_EQ(run({"prlimit", "--pid", std::to_string(one->node().process().pid()),
			  "--nofile=" + limit}),
		0);
	size_t served = 0;
	for (int i = 0; i < 60; i++) {
		clients.emplace_back(one->client_port());
		if (clients.back().send("PING\r\n") && clients.back().line() == "+PONG\r\n")
			served++;
	}
	EXPECT_GE(served, 15u);
	EXPECT_LT(served, 40u);
	EXPECT_TRUE(clients[0].send(resp("SET", "k", "v")));
	EXPECT_EQ(clients[0].line(), "+OK\r\n");
	clients.clear();
	EXPECT_TRUE(wait_until([&] {
		Socket again(one->client_port());
		return again.send("PING\r\n") && again.line() == "+PONG\r\n";
	}));
	EXPECT_GT(one->number("rejected_connections"), 0u);
}

} // namespace
} // namespace e2e
