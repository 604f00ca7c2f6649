/*
 * dynomite stops within a second, whatever its threads are doing.
 */
#include "e2e/dataset.h"
#include "e2e/wire_client.h"
#include "support/node.h"
#include "support/wait.h"

#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

class EngineThreadedStop : public testing::TestWithParam<int>
{
      protected:
	const KeyFiles keys;
	RedisServer redis{{"--repl-diskless-sync-delay", "0"}}, other_redis;
	Node node{redis.address(), &keys}, other{other_redis.address(), &keys};

	void expect_stop(Node &which)
	{
		EXPECT_EQ(which.stop(GetParam(), seconds(1)), 0)
			<< "it takes longer than a second:\n"
			<< which.log();
		EXPECT_EQ(which.logged("stopping on "), 1u);
		EXPECT_FALSE(std::filesystem::exists(which.dir().file("pid")));
	}
};

INSTANTIATE_TEST_SUITE_P(Signals, EngineThreadedStop, testing::Values(SIGTERM, SIGINT),
	[](const auto &i) { return i.param == SIGTERM ? "Term" : "Int"; });

TEST_P(EngineThreadedStop, Idle)
{
	node.start();
	expect_stop(node);
}

/* Both in the middle of one snapshot that would take a minute. */
TEST_P(EngineThreadedStop, MidTransfer)
{
	RedisClient client = redis.connect();

	write_large(client, "large", 8 * 1024 * 1024);
	node.peers({other.address()}).set("recon_max_rate", "131072").set("recon_source", "sync");
	node.set("recon_interval_seconds", "300");
	other.start();
	const size_t idle = other.descriptors();
	node.start();
	/* It has knocked, and is at the snapshot itself: that connection stays, while the one of
	 * the knock is closed right after it is told of. */
	ASSERT_TRUE(other.wait_log(": 0 bytes, 0 commands")) << other.log();
	int turns = 0;
	ASSERT_TRUE(wait_until([&] {
		turns = other.descriptors() > idle ? turns + 1 : 0;
		return turns >= 60;
	})) << node.log();
	if (GetParam() == SIGTERM) {
		expect_stop(node);
		ASSERT_TRUE(other.wait_log("not applied")) << other.log();
		expect_stop(other);
	} else {
		expect_stop(other);
		ASSERT_TRUE(node.wait_log("refused by the receiver")) << node.log();
		expect_stop(node);
	}
	EXPECT_EQ(other_redis.connect().dbsize(), 0);
}

/* A scan that pauses, a sink and a source whose Redis no longer answers. */
TEST_P(EngineThreadedStop, WhileRedisSaysNothing)
{
	RedisClient client = redis.connect();

	write_strings(client, 2000, 200);
	node.peers({other.address()}).set("recon_segment_bytes", "16384");
	other.peers({node.address()});
	other_redis.pause();
	other.start();
	const size_t idle = other.descriptors();
	node.start();
	ASSERT_TRUE(wait_until([&] { return other.descriptors() > idle; })) << node.log();
	expect_stop(other);
	redis.pause();
	expect_stop(node);
	redis.resume();
	other_redis.resume();
}

/* Connections that say nothing. */
TEST_P(EngineThreadedStop, WithIdleConnections)
{
	node.set("recon_max_connections", "2").start();
	const size_t idle = node.descriptors();
	const WireClient a(node.port()), b(node.port()), waiting(node.port());
	ASSERT_TRUE(wait_until([&] { return node.descriptors() >= idle + 2; }));
	expect_stop(node);
}

} // namespace
} // namespace e2e
