/*
 * Keys that clients delete while a round is under way stay deleted.
 */
#include "proxy/ring.h"
#include "support/http.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

constexpr int kKeys = 480;
constexpr int kWays = 6;

/* A list of one element for those that are popped, else a string, of some size. */
void fill(RedisClient &store)
{
	const std::string value = noise(2000);

	for (int i = 0; i < kKeys; i++) {
		const std::string key = "k:" + std::to_string(i);

		if (i % kWays == 3)
			store.cmd("RPUSH", key, value);
		else
			store.set(key, value);
	}
}

/* Each way in which a client can make a key go. */
void remove(RedisClient &client, int i)
{
	const std::string key = "k:" + std::to_string(i);

	switch (i % kWays) {
	case 0:
		client.cmd("DEL", key);
		break;
	case 1:
		client.cmd("GETDEL", key);
		break;
	case 2:
		client.cmd("PEXPIREAT", key, "1");
		break;
	case 3:
		client.cmd("LPOP", key);
		break;
	case 4:
		client.cmd("RENAME", key, "moved");
		break;
	case 5:
		client.cmd("EVAL", "return redis.call('DEL', KEYS[1])", "1", key);
		break;
	}
}

TEST(Guard, KeepsDeletedWhatIsDeletedDuringARound)
{
	Ring ring({{"dc", "r1"}, {"dc", "r2"}}, {"--rdbcompression", "no"});

	/* Some seven seconds for what is below. */
	ring.set("recon_protocol", "1").set("recon_max_rate", "131072").start();
	ASSERT_TRUE(ring[0].node().wait_rounds(1));
	ASSERT_TRUE(ring[1].node().wait_rounds(1));
	for (size_t i : {0u, 1u}) {
		RedisClient store =
			ring[i].store(); /* not through the node, which would know of it */
		fill(store);
	}
	/* Not while the target is still being pushed to for another reason. */
	ASSERT_TRUE(
		wait_until([&] { return http(ring[0].stats_port(), "/entropy/run").code == 200; }));
	const size_t rounds = ring[0].node().rounds();
	RedisClient client = ring[0].client();
	int removed = 0;
	while (removed < kKeys) {
		/* Some at a time, all the while that the round runs. */
		for (int n = 0; n < 8; n++)
			remove(client, removed++);
		std::this_thread::sleep_for(std::chrono::milliseconds(100));
	}
	client.cmd("DEL", "moved");
	ASSERT_TRUE(ring[0].node().wait_rounds(rounds + 1));
	for (size_t i : {0u, 1u}) {
		RedisClient store = ring[i].store();
		EXPECT_TRUE(wait_until([&] { return store.dbsize() == 0; }))
			<< store.dbsize() << " of " << kKeys << " are back on node " << i;
	}
	/* And what was kept from coming back was counted. */
	EXPECT_NE(
		http(ring[1].stats_port(), "/metrics").body.find("left_alone"), std::string::npos);
}

} // namespace
} // namespace e2e
