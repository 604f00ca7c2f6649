/*
 * Writes that the local rack carries out and another one answers with an error: that one has missed
 * them.
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

class Refused : public testing::Test
{
      protected:
	Ring ring{Places{{"dc", "r1"}, {"dc", "r2"}, {"dc", "r3"}}};

	void SetUp() override
	{
		ring.unhealed().set("timeout", "20000").start();
	}
	bool soon_missed(size_t peer, uint64_t n)
	{
		return wait_until([&] { return ring[0].missed(peer) == n; });
	}
	bool is_quiet()
	{
		return ring[0].peer_info(1, "queued") == "0" &&
		       ring[0].peer_info(2, "queued") == "0";
	}
};

TEST_F(Refused, ByOneRackAreMissedThere)
{
	RedisClient c = ring[0].client();

	ring[1].store().cmd("RPUSH", "list", "x");
	EXPECT_EQ(c.integer("INCR", "list"), 1);
	EXPECT_TRUE(soon_missed(1, 1));
	EXPECT_TRUE(wait_until(
		[&] { return holds(ring[0].node().log(), "local rack carries out: WRONGTYPE"); }));
	/* It answers, so what it lacks can be brought soon. */
	EXPECT_TRUE(wait_until([&] { return holds(ring[0].node().log(), "is back"); }));

	ring[2].store().cmd("ACL", "SETUSER", "default", "-set");
	EXPECT_EQ(c.cmd("SET", "k", "v"), "OK");
	EXPECT_TRUE(soon_missed(2, 1));
	EXPECT_TRUE(soon_is(ring[1], "k", "v"));
	EXPECT_EQ(ring[0].missed(1), 1u);
}

TEST_F(Refused, ByAllAreMissedNowhere)
{
	RedisClient c = ring[0].client();

	c.cmd("SET", "k", "v");
	EXPECT_TRUE(holds(c.error("LPUSH", "k", "x"), "WRONGTYPE"));
	EXPECT_TRUE(wait_until([&] { return is_quiet(); }));
	/* What the local rack refuses, no other has to have. */
	ring[0].store().cmd("RPUSH", "list", "x");
	EXPECT_TRUE(holds(c.error("INCR", "list"), "WRONGTYPE"));
	ring[0].store().cmd("RPUSH", "both", "x");
	ring[1].store().cmd("RPUSH", "both", "x");
	EXPECT_TRUE(holds(c.error("INCR", "both"), "WRONGTYPE"));
	EXPECT_TRUE(wait_until([&] { return is_quiet(); }));
	EXPECT_EQ(ring[0].missed(1), 0u);
	EXPECT_EQ(ring[0].missed(2), 0u);
}

TEST_F(Refused, AreToldWhenTheLocalRackHasAnswered)
{
	Socket s(ring[0].client_port());

	ring[1].store().cmd("RPUSH", "one", "x");
	ring[1].store().cmd("RPUSH", "all", "x");
	ring[0].store().cmd("RPUSH", "all", "x");
	ring[0].redis().pause();
	ASSERT_TRUE(s.send(resp("INCR", "all") + resp("INCR", "one") + resp("INCR", "one")));
	ASSERT_TRUE(wait_until([&] { return ring[2].store().get("one") == "2" && is_quiet(); }));
	EXPECT_EQ(ring[0].missed(1), 0u) << "it is not known yet";
	ring[0].redis().resume();
	EXPECT_EQ(s.line().substr(0, 11), "-WRONGTYPE ");
	EXPECT_EQ(s.line(), ":1\r\n");
	EXPECT_EQ(s.line(), ":2\r\n");
	EXPECT_EQ(ring[0].missed(1), 2u);
	EXPECT_EQ(ring[0].missed(2), 0u);
}

/* The node that passes a write on in another datacenter counts what its own racks miss. */
TEST(RefusedFarAway, IsCountedThere)
{
	Ring ring{Places{{"east", "r1"}, {"west", "r1"}, {"west", "r2"}}};

	ring.unhealed().start();
	ring[2].store().cmd("RPUSH", "list", "x");
	EXPECT_EQ(ring[0].client().integer("INCR", "list"), 1);
	EXPECT_TRUE(wait_until([&] { return ring[1].missed(2) + ring[0].missed(2) == 1; }));
}

} // namespace
} // namespace e2e
