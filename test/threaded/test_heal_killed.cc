/*
 * A node or a Redis that is killed in the middle of a transfer, and the round that heals after it.
 */
#include "e2e/dataset.h"
#include "e2e/pair.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

/* Two megabytes in some forty snapshots, at a rate that leaves time to strike. */
class HealThreadedKill : public testing::Test
{
      protected:
	static constexpr int64_t kKeys = 4000;
	Pair pair;
	RedisClient a = pair.a_redis.connect();

	void SetUp() override
	{
		write_strings(a, kKeys, 500);
		pair.set("recon_segment_bytes", "49152");
		pair.set("recon_timeout", "2000");
		pair.a.set("recon_max_rate", "800000");
		pair.start();
		ASSERT_TRUE(wait_keys(pair.b_redis, 1)) << heard(pair.a);
	}
	void expect_unfinished()
	{
		EXPECT_LT(pair.b_redis.connect().dbsize(), kKeys) << "it struck too late";
	}
	void expect_healed()
	{
		EXPECT_TRUE(wait_keys(pair.b_redis, kKeys)) << heard(pair.a) << heard(pair.b);
		pair.expect_equal();
	}
};

TEST_F(HealThreadedKill, Sender)
{
	pair.a.kill9();
	expect_unfinished();
	EXPECT_TRUE(pair.b.wait_log("entropy: to " + pair.a.address() + ": not reached"))
		<< heard(pair.b);
	pair.a.set("recon_max_rate", "0").start();
	expect_healed();
}

TEST_F(HealThreadedKill, Receiver)
{
	pair.b.kill9();
	expect_unfinished();
	EXPECT_TRUE(pair.a.wait_log("entropy: to " + pair.b.address() + ": not reached"))
		<< heard(pair.a);
	pair.b.start();
	expect_healed();
	EXPECT_EQ(pair.a.stop(), 0);
	EXPECT_GE(pair.a.counted("peers_failed"), 1u);
}

TEST_F(HealThreadedKill, RedisOfTheReceiver)
{
	pair.b_redis.kill9();
	EXPECT_TRUE(pair.b.wait_log(", sink error")) << heard(pair.b);
	EXPECT_TRUE(pair.a.wait_log("refused by the receiver")) << heard(pair.a);
	pair.b_redis.start_again();
	expect_healed();
	EXPECT_EQ(pair.b.stop(), 0);
	EXPECT_GE(pair.b.counted("connections_failed"), 1u);
}

TEST_F(HealThreadedKill, RedisOfTheSender)
{
	pair.a_redis.kill9();
	expect_unfinished();
	EXPECT_TRUE(pair.a.wait_log("source error")) << heard(pair.a);
	pair.a_redis.start_again();
	/* It has forgotten all; what had passed comes back, and new writes go over. */
	a = pair.a_redis.connect();
	write_strings(a, kKeys, 500);
	expect_healed();
}

} // namespace
} // namespace e2e
