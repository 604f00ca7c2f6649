/*
 * pair - two Redis, and a node for each that knows the other.
 */
#ifndef TEST_E2E_PAIR_H
#define TEST_E2E_PAIR_H

#include "support/node.h"
#include "support/redis_server.h"
#include "support/wait.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace e2e
{

constexpr auto kHealLimit = std::chrono::seconds(60);

inline bool wait_keys(
	const support::RedisServer &redis, int64_t n, std::chrono::milliseconds limit = kHealLimit)
{
	support::RedisClient client = redis.connect();

	return support::wait_until([&] { return client.dbsize() >= n; }, limit);
}

inline std::string heard(support::Node &node)
{
	return "the log of " + node.address() + ":\n" + node.log();
}

/* n keys, "key0" and so on. */
inline void fill(const support::RedisServer &redis, int n)
{
	support::RedisClient client = redis.connect();

	for (int i = 0; i < n; i++)
		client.set("key" + std::to_string(i), "value");
}

/* SYNC is not to wait for more replicas. */
inline std::vector<std::string> at_once(std::vector<std::string> redis_args)
{
	redis_args.insert(redis_args.end(), {"--repl-diskless-sync-delay", "0"});
	return redis_args;
}

class Pair
{
      public:
	explicit Pair(std::vector<std::string> redis_args = {}, bool encrypted = true)
	    : a_redis(at_once(redis_args)), b_redis(at_once(redis_args)),
	      a(a_redis.address(), encrypted ? &keys : nullptr),
	      b(b_redis.address(), encrypted ? &keys : nullptr)
	{
		a.peers({b.address()});
		b.peers({a.address()});
	}

	support::KeyFiles keys;
	support::RedisServer a_redis, b_redis;
	support::Node a, b;

	void set(const std::string &key, const std::string &value)
	{
		a.set(key, value);
		b.set(key, value);
	}
	void start()
	{
		b.start();
		a.start();
	}
	/* Both know, or soon will, all that either knew. */
	void expect_equal(const std::string &password = "")
	{
		std::string said;

		EXPECT_TRUE(support::wait_until(
			[&] { return support::compare(a_redis, b_redis, &said, password) == 0; },
			kHealLimit))
			<< said << heard(a) << heard(b);
	}
	/* From now on, both have sent each other everything. */
	void expect_round()
	{
		const size_t a_rounds = a.rounds(), b_rounds = b.rounds();

		/* The one under way may have read past what matters by now. */
		EXPECT_TRUE(a.wait_rounds(a_rounds + 2)) << heard(a);
		EXPECT_TRUE(b.wait_rounds(b_rounds + 2)) << heard(b);
	}
};

} // namespace e2e

#endif
