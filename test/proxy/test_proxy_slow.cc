/*
 * Those who are slow: nobody waits for them, and they take no memory without end.
 */
#include "proxy/ring.h"
#include "support/joining_thread.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/wait.h"

#include <csignal>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;
using Clock = std::chrono::steady_clock;

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};

/* Memory counts where it is what users have. */
void expect_grown_at_most(size_t kib, const char *why, size_t before, Member &m)
{
	const size_t now = m.node().resident_kib();

	std::cout << why << ": grown by " << (now > before ? now - before : 0) << " KiB\n";
	if (!kSanitized) {
		EXPECT_LE(now, before + kib) << why;
	}
}

/* ---- Those who are slow ---- */

TEST(SlowClient, IsReadNoMoreAndAloneWaits)
{
	constexpr size_t kRequests = 5000, kBytes = 100'000;
	One one;
	std::string said;
	const std::string value(kBytes, 'v');

	one.start();
	one->store().set("large", value);
	const size_t before = one->node().resident_kib();
	Socket slow(one->client_port(), 4096);
	for (size_t i = 0; i < kRequests; i++)
		said += resp("GET", "large");
	const size_t taken = slow.send_some(said);
	RedisClient c = one->client();
	const auto begin = Clock::now();
	for (int i = 0; i < 500; i++)
		c.set("k" + std::to_string(i), "v");
	EXPECT_LT(Clock::now() - begin, patient(seconds(2))) << "others are served meanwhile";
	expect_grown_at_most(40 * 1024, "a client that reads nothing", before, *one);
	/* When it does read at last, all is there. */
	JoiningThread writer([&] { EXPECT_TRUE(slow.send(said.substr(taken), seconds(60))); });
	const std::string expected = "$" + std::to_string(kBytes) + "\r\n" + value + "\r\n";
	for (size_t i = 0; i < kRequests; i++)
		ASSERT_TRUE(slow.read(expected.size()) == expected) << i;
	writer.join();
}

TEST(SlowClient, ThatAsksForMuchAtOnceGetsItBitByBit)
{
	constexpr size_t kRequests = 80, kBytes = 20'000'000;
	One one;
	std::string said;

	one.start();
	one->store().set("large", std::string(kBytes, 'v'));
	const size_t before = one->node().resident_kib();
	Socket s(one->client_port());
	for (size_t i = 0; i < kRequests; i++)
		said += resp("GET", "large");
	ASSERT_TRUE(s.send(said));
	size_t most = before;
	for (size_t i = 0; i < kRequests; i++) {
		ASSERT_EQ(s.line(), "$20000000\r\n");
		ASSERT_EQ(s.read(kBytes).size(), kBytes);
		ASSERT_EQ(s.line(), "\r\n");
		most = std::max(most, one->node().resident_kib());
	}
	std::cout << "1.6 GB in a pipeline: grown by " << most - before << " KiB\n";
	if (!kSanitized) {
		EXPECT_LT(most - before, 900 * 1024u);
	}
}

/* Small replies that wait for one that is slow. */
TEST(SlowClient, WhoseRepliesWaitForAnotherStarvesNobody)
{
	constexpr int kRequests = 20000;
	One one;
	std::string said = resp("GET", "k");

	one.start();
	RedisClient c = one->client();
	c.set("k", "v");
	for (int i = 0; i < 100; i++)
		said += resp("PING");
	for (int i = 0; i < 2000; i++)
		said += resp("COMMAND", "DOCS");
	for (int i = 0; i < kRequests; i++)
		said += resp("PING");
	const size_t before = one->node().resident_kib();
	Socket slow(one->client_port(), 4096);
	slow.send_some(said);
	const auto begin = Clock::now();
	for (int i = 0; i < 500; i++)
		c.set("k" + std::to_string(i), "v");
	EXPECT_LT(Clock::now() - begin, patient(seconds(3)));
	expect_grown_at_most(20 * 1024, "replies that wait for one", before, *one);
}

TEST(SlowClient, ThatSendsRequestsWithoutEndIsHeldBack)
{
	One one;
	std::string said;

	one.start();
	for (int i = 0; i < 20000; i++)
		said += resp("ECHO", std::string(100, 'x'));
	const size_t before = one->node().resident_kib();
	Socket slow(one->client_port(), 4096);
	size_t taken = 0;
	for (int i = 0; i < 20; i++) {
		const size_t n = slow.send_some(said);

		taken += n;
		if (n < said.size())
			break;
	}
	EXPECT_LT(taken, 20 * said.size()) << "at some point no more is taken";
	expect_grown_at_most(20 * 1024, "a client that only sends", before, *one);
	EXPECT_EQ(one->client().cmd("PING"), "PONG");
}

TEST(SlowClient, ThatClaimsMuchGetsNoMemoryForIt)
{
	One one;
	std::vector<Socket> clients;

	one.start();
	const size_t before = one->node().resident_kib();
	for (int i = 0; i < 100; i++) {
		clients.emplace_back(one->client_port());
		ASSERT_TRUE(clients.back().send(
			"*1048576\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc"));
	}
	EXPECT_TRUE(wait_until([&] { return one->number("connected_clients") >= 101; }));
	expect_grown_at_most(5 * 1024, "clients that claim a lot", before, *one);
}

/* Idle clients leave descriptors for the datastore. */
TEST(ManyClients, DoNotKeepTheDatastoreOut)
{
	One one;
	std::vector<Socket> idle;

	one->node().by({"sh", "-c", "ulimit -n 200 && exec \"$@\"", "sh"});
	one.start();
	for (int i = 0; i < 300; i++)
		idle.emplace_back(one->client_port());
	ASSERT_TRUE(idle[0].send(resp("SET", "k", "v")));
	EXPECT_EQ(idle[0].line(), "+OK\r\n");
	EXPECT_EQ(idle[299].line(), "-ERR max number of clients reached\r\n");
	one->redis().kill9();
	one->redis().start_again();
	EXPECT_TRUE(wait_until([&] {
		return idle[0].send(resp("SET", "k", "v")) && idle[0].line() == "+OK\r\n";
	}));
	while (idle.size() > 1)
		idle.pop_back();
	RedisClient c = one->client();
	EXPECT_TRUE(wait_until([&] { return one->number("connected_clients") < 10; }));
	EXPECT_LT(one->number("maxclients"), 150u);
	EXPECT_GE(one->number("maxclients"), 50u);
	EXPECT_EQ(one->node().logged("a client was turned away"), 10u);
}

TEST(SlowPeer, DoesNotSlowClientsAtDcOne)
{
	constexpr size_t kWrites = 60000;
	const std::string value(2000, 'v');
	Ring ring(kTwoRacks);

	ring.set("timeout", "2000").set("recon_max_rate", "0").set("server_retry_timeout", "300");
	ring.start();
	RedisClient c = ring[0].client();
	const size_t before = ring[0].node().resident_kib();
	ring[1].node().process().signal(SIGSTOP);
	std::vector<RedisClient::Args> writes;
	for (size_t i = 0; i < kWrites; i++)
		writes.push_back({"SET", "k" + std::to_string(i), value});
	auto slowest = Clock::duration::zero();
	for (size_t i = 0; i < kWrites; i += 1000) {
		const auto begin = Clock::now();
		c.pipeline({writes.begin() + static_cast<std::ptrdiff_t>(i),
			writes.begin() + static_cast<std::ptrdiff_t>(i + 1000)});
		slowest = std::max(slowest, Clock::now() - begin);
	}
	EXPECT_LT(slowest, patient(seconds(1)));
	expect_grown_at_most(250 * 1024, "120 MB for a peer that takes nothing", before, ring[0]);
	EXPECT_EQ(ring[0].store().dbsize(), static_cast<int64_t>(kWrites));
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) > 0; }));
	ring[1].node().process().signal(SIGCONT);
	EXPECT_TRUE(wait_until(
		[&] { return ring[1].store().dbsize() == static_cast<int64_t>(kWrites); },
		seconds(60)))
		<< ring[1].store().dbsize();
}

} // namespace
} // namespace e2e
