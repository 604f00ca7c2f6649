/*
 * Peers that a sender meets: deaf ones, and ones that vanish.
 */
#include "e2e/dataset.h"
#include "e2e/pair.h"
#include "support/joining_thread.h"
#include "support/wait.h"

#include <atomic>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

/* ---- A round that takes longer than the interval ---- */

/* A peer that takes the empty snapshot by which a sender knocks, and then never reads. */
class DeafPeer
{
      public:
	DeafPeer()
	{
		struct sockaddr_in sin = {};
		socklen_t len = sizeof(sin);
		int small = 4096;

		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sin), len) != 0 ||
			listen(fd_, 16) != 0 ||
			getsockname(fd_, reinterpret_cast<struct sockaddr *>(&sin), &len) != 0)
			throw std::runtime_error("no deaf peer");
		port_ = ntohs(sin.sin_port);
		first_ = JoiningThread([this] { take_first(); });
	}
	~DeafPeer()
	{
		if (first_.joinable())
			first_.join();
		for (const int fd : taken_)
			close(fd);
		close(fd_);
	}
	std::string address() const
	{
		return loopback(port_);
	}
	/* Connections so far, the first one apart. */
	size_t taken()
	{
		int fd;

		if (first_.joinable())
			first_.join();
		while ((fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0)
			taken_.push_back(fd);
		return taken_.size();
	}

      private:
	int fd_ = -1;
	uint16_t port_ = 0;
	std::vector<int> taken_;
	JoiningThread first_;

	void take_first() const
	{
		struct pollfd p = {fd_, POLLIN, 0};
		char bytes[4096];
		int fd;

		if (poll(&p, 1, patient_ms(20000)) <= 0)
			return;
		fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
		while (recv(fd, bytes, sizeof(bytes), 0) > 0)
			;
		close(fd);
	}
};

TEST(HealThreadedRounds, NeverTwoToATargetAndTheSkippedAreCounted)
{
	const KeyFiles keys;
	RedisServer redis;
	RedisClient client = redis.connect();
	DeafPeer deaf;
	Node node(redis.address(), &keys);

	write_large(client, "more than the sockets hold", 8 * 1024 * 1024);
	node.peers({deaf.address()}).set("recon_timeout", "3500").start();
	ASSERT_TRUE(node.wait_log("this one is skipped", 2)) << heard(node);
	EXPECT_EQ(deaf.taken(), 1u) << "a second push has begun beside the first";
	EXPECT_EQ(node.logged("entropy: round "), 0u);
	EXPECT_TRUE(node.wait_log("took no byte for 3500 ms")) << heard(node);
	EXPECT_TRUE(node.wait_log("not answered in time")) << heard(node);
	EXPECT_TRUE(node.wait_log("entropy: round 1: 0 of 1 targets exchanged")) << heard(node);
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("rounds_skipped"), node.logged("this one is skipped"));
	EXPECT_GE(node.counted("peers_failed"), 1u);
}

TEST(HealThreadedRounds, ADeafTargetHoldsUpNobody)
{
	const KeyFiles keys;
	RedisServer redis, other_redis;
	RedisClient client = redis.connect();
	DeafPeer deaf;
	Node node(redis.address(), &keys), other(other_redis.address(), &keys);

	write_large(client, "more than the sockets hold", 8 * 1024 * 1024);
	node.peers({deaf.address(), other.address()}).set("recon_timeout", "60000");
	other.start();
	node.start();
	EXPECT_TRUE(wait_keys(other_redis, 1)) << heard(node);
	/* Rounds go on without the deaf one. */
	client.set("later", "v");
	EXPECT_TRUE(wait_keys(other_redis, 2)) << heard(node);
	EXPECT_TRUE(node.wait_log("1 of 1 targets exchanged")) << heard(node);
	EXPECT_TRUE(node.wait_log("its last push still runs, so this round leaves it out"))
		<< heard(node);
	EXPECT_EQ(deaf.taken(), 1u);
	EXPECT_EQ(node.logged("entropy: to " + deaf.address() + ": not"), 0u) << heard(node);
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("rounds_skipped"), 0u);
}

/* More than have room at a time. */
TEST(HealThreadedRounds, ManyTargetsTakeTurns)
{
	const KeyFiles keys;
	RedisServer redis;
	std::vector<std::unique_ptr<RedisServer>> stores;
	std::vector<std::unique_ptr<Node>> nodes;
	std::vector<std::string> addresses;
	Node node(redis.address(), &keys);

	fill(redis, 100);
	for (int i = 0; i < 6; i++) {
		stores.push_back(std::make_unique<RedisServer>());
		nodes.push_back(std::make_unique<Node>(stores.back()->address(), &keys));
		nodes.back()->start();
		addresses.push_back(nodes.back()->address());
	}
	node.peers(addresses).set("recon_interval_seconds", "300").start();
	for (const auto &store : stores)
		EXPECT_TRUE(wait_keys(*store, 100)) << heard(node);
	EXPECT_TRUE(node.wait_log("entropy: round 1: 6 of 6 targets exchanged, 600 keys"))
		<< heard(node);
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("peers_exchanged"), 6u);
	EXPECT_EQ(node.counted("rounds"), 1u);
}

/* ---- Peers that vanish ---- */

/* Takes connections one after the other, reads n bytes of each, and goes. */
class VanishingPeer
{
      public:
	VanishingPeer(size_t n, bool by_reset) : n_(n), by_reset_(by_reset)
	{
		struct sockaddr_in sin = {};
		socklen_t len = sizeof(sin);

		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sin), len) != 0 ||
			listen(fd_, 16) != 0 ||
			getsockname(fd_, reinterpret_cast<struct sockaddr *>(&sin), &len) != 0)
			throw std::runtime_error("no vanishing peer");
		port_ = ntohs(sin.sin_port);
		thread_ = JoiningThread([this] { serve(); });
	}
	~VanishingPeer()
	{
		stop_ = true;
		thread_.join();
		close(fd_);
	}
	std::string address() const
	{
		return loopback(port_);
	}

      private:
	const size_t n_;
	const bool by_reset_;
	int fd_ = -1;
	uint16_t port_ = 0;
	std::atomic<bool> stop_{false};
	JoiningThread thread_;

	void serve()
	{
		constexpr int kPollMs = 20;

		while (!stop_) {
			struct pollfd p = {fd_, POLLIN, 0};
			if (poll(&p, 1, kPollMs) <= 0)
				continue;
			const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
			if (fd >= 0)
				vanish(fd);
		}
	}
	void vanish(int fd) const
	{
		const struct linger now = {1, 0};
		std::string bytes(n_, '\0');

		if (n_ > 0 && recv(fd, &bytes[0], n_, MSG_WAITALL) < 0)
			throw std::runtime_error("the node sent less than it has");
		if (by_reset_)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
};

TEST(BadPeer, MayVanishAtAnyByteAndTheNextIsHealed)
{
	const KeyFiles keys;
	RedisServer redis, other_redis;
	RedisClient client = redis.connect();
	Node node(redis.address(), &keys), other(other_redis.address(), &keys);
	std::vector<std::unique_ptr<VanishingPeer>> peers;
	std::vector<std::string> addresses;

	write_strings(client, 200, 20000);
	for (const size_t n : std::initializer_list<size_t>{
		     0, 1, 19, 20, 21, 1043, 1044, 1045, 1048, 17000, 20000, 1000000})
		for (const bool by_reset : {false, true}) {
			peers.push_back(std::make_unique<VanishingPeer>(n, by_reset));
			addresses.push_back(peers.back()->address());
		}
	addresses.push_back(other.address());
	node.peers(addresses).set("recon_interval_seconds", "300");
	other.start();
	node.start();
	/* The first round; those that fail early in it are tried again before it has ended. */
	ASSERT_TRUE(wait_until([&] { return node.logged("1 of 25 targets exchanged") == 1; },
		std::chrono::seconds(60)))
		<< node.log();
	EXPECT_EQ(other_redis.connect().dbsize(), 200);
	/* Each has failed by a name, and may have been tried again. */
	for (const auto &peer : peers) {
		const std::string to = "entropy: to " + peer->address() + ": ";

		EXPECT_GE(node.logged("warn: " + to), 1u) << node.log();
		EXPECT_EQ(
			node.logged(to + "refused by the receiver") +
				/* one that closes at once may be gone before it is accepted */
				node.logged(to + "not reached") +
				/* one that closes in good order, with all of the empty snapshot */
				node.logged(to + "taken by something that is no receiver"),
			node.logged("warn: " + to))
			<< node.log();
	}
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(node.counted("peers_failed"),
		node.logged("warn: entropy: to ") + node.logged("given up, the node stops"));
	EXPECT_EQ(node.counted("peers_exchanged"), 1u);
}

} // namespace
} // namespace e2e
