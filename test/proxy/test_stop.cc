/*
 * A node that is told to stop: requests under way are answered, and no client delays it.
 */
#include "proxy/ring.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/wait.h"

#include <csignal>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

/* The node has sent so many requests to its Redis that are not answered. */
bool queued(Member &m, uint64_t n)
{
	return wait_until([&] { return m.number("datastore_queued") == n; });
}

/* The address is free: no connection is accepted any more. */
bool takes_nobody(uint16_t port)
{
	return wait_until([&] {
		try {
			Socket s(port);
			return false;
		} catch (const std::exception &) {
			return true;
		}
	});
}

TEST(Stop, AnswersWhatIsUnderWayAndClosesTheRest)
{
	constexpr int kRequests = 10; /* fewer than are taken from a client at once */
	One one;
	std::string said, expected;

	one.start();
	for (int i = 0; i < kRequests; i++) {
		said += resp("SET", "k" + std::to_string(i), "v");
		expected += "+OK\r\n";
	}
	Socket idle(one->client_port()), busy(one->client_port());
	ASSERT_TRUE(idle.send(resp("PING")));
	EXPECT_EQ(idle.line(), "+PONG\r\n");
	one->redis().pause();
	ASSERT_TRUE(busy.send(said));
	ASSERT_TRUE(queued(*one, kRequests));
	one->node().process().signal(SIGTERM);
	EXPECT_TRUE(idle.ends()) << "it asked for nothing";
	EXPECT_TRUE(takes_nobody(one->client_port()));
	one->redis().resume();
	EXPECT_EQ(busy.read_to_end(), expected);
	EXPECT_EQ(one->node().process().wait(), 0);
	EXPECT_EQ(one->store().dbsize(), kRequests);
	EXPECT_EQ(one->node().logged("under way"), 0u);
}

TEST(Stop, DoesNotWaitForARedisThatIsSilentNorAClientThatReadsNothing)
{
	constexpr size_t kBytes = 20'000'000;
	One one;

	one.start();
	one->client().set("large", std::string(kBytes, 'v'));
	Socket deaf(one->client_port(), 4096), busy(one->client_port());
	ASSERT_TRUE(deaf.send(resp("GET", "large")));
	ASSERT_TRUE(deaf.is_readable(seconds(10)));
	one->redis().pause();
	ASSERT_TRUE(busy.send(resp("SET", "k", "v")));
	ASSERT_TRUE(queued(*one, 1));
	const auto begin = std::chrono::steady_clock::now();
	EXPECT_EQ(one->node().stop(SIGTERM), 0);
	const auto took = std::chrono::steady_clock::now() - begin;
	if (!kSanitized) {
		EXPECT_LT(took, patient(milliseconds(1500)));
	}
	EXPECT_TRUE(busy.ends());
	EXPECT_EQ(one->node().logged("1 requests under way, for 2 clients"), 1u)
		<< one->node().log();
	one->redis().resume();
}

/* A write that was acknowledged here goes to the replicas, though they are slow to take it. */
TEST(Stop, SendsWhatWasWrittenToTheReplicas)
{
	constexpr size_t kBytes = 20'000'000;
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2"}});

	ring.unhealed().start();
	RedisClient c = ring[0].client();
	ring[1].node().process().signal(SIGSTOP);
	c.set("large", std::string(kBytes, 'v'));
	ring[0].node().process().signal(SIGTERM);
	ring[1].node().process().signal(SIGCONT);
	EXPECT_EQ(ring[0].node().process().wait(), 0);
	RedisClient store = ring[1].store();
	EXPECT_TRUE(wait_until(
		[&] { return store.integer("STRLEN", "large") == static_cast<int64_t>(kBytes); }));
}

} // namespace
} // namespace e2e
