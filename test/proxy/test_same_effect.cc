/*
 * Writes that would not do the same everywhere by themselves: they have the same effect on every
 * replica, and the client gets the reply that Redis gives.
 */
#include "proxy/ring.h"
#include "support/text.h"
#include "support/wait.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

using Args = std::vector<std::string>;

class SameEffect : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		ring_ = new Ring(
			Places{{"east", "r1"}, {"east", "r2"}, {"west", "r1"}, {"west", "r2"}});
		ring_->unhealed().start();
		alone_ = new RedisServer;
	}
	static void TearDownTestSuite()
	{
		delete ring_;
		delete alone_;
		ring_ = nullptr;
		alone_ = nullptr;
	}

	static Ring *ring_;
	static RedisServer *alone_; /* no ring: what Redis itself answers */

	RedisClient client = (*ring_)[0].client(), alone = alone_->connect();

	/* What every store answers soon, or an error of the test. */
	static std::string everywhere(const Args &args)
	{
		std::string answer;
		bool same = wait_until([&] {
			answer = (*ring_)[0].store().text(args);
			for (size_t i = 1; i < ring_->size(); i++)
				if ((*ring_)[i].store().text(args) != answer)
					return false;
			return true;
		});

		EXPECT_TRUE(same) << args[0] << " " << args[1];
		return answer;
	}
	/* Type and text of a reply, an error's included. */
	static std::string reply(RedisClient &c, const Args &args)
	{
		const auto r = c.call(args);

		if (r->type == REDIS_REPLY_INTEGER)
			return ":" + std::to_string(r->integer);
		return std::to_string(r->type) + (r->str ? r->str : "");
	}
	void expect_reply_of_redis(const Args &args)
	{
		EXPECT_EQ(reply(client, args), reply(alone, args)) << args[0] << " " << args[2];
	}
};

Ring *SameEffect::ring_;
RedisServer *SameEffect::alone_;

TEST_F(SameEffect, DeadlinesAreThoseOfOneClock)
{
	const std::vector<Args> writes = {
		{"SETEX", "k", "100", "v"},
		{"PSETEX", "k", "100000", "v"},
		{"SET", "k", "w", "EX", "100"},
		{"SET", "k", "v", "GET", "PX", "100000", "XX"},
		{"GETEX", "k", "EX", "90"},
		{"GETEX", "k", "PX", "80000"},
		{"EXPIRE", "k", "70"},
		{"EXPIRE", "k", "60", "LT"},
		{"EXPIRE", "k", "90", "LT"},
		{"EXPIRE", "k", "60", "NX"},
		{"PEXPIRE", "k", "100000", "GT"},
		{"PEXPIRE", "none", "100000"},
	};
	for (const Args &w : writes) {
		expect_reply_of_redis(w);
		const int64_t at_ms = std::stoll(everywhere({"PEXPIRETIME", "k"}));
		const int64_t alone_ms = alone.integer("PEXPIRETIME", "k");
		EXPECT_LT(std::abs(at_ms - alone_ms), 5000) << w[0];
	}
	const auto dump = client.call({"DUMP", "k"});
	const std::string payload(dump->str, dump->len);
	EXPECT_EQ(client.cmd("RESTORE", "r", "100000", payload), "OK");
	EXPECT_GE(std::stoll(everywhere({"PEXPIRETIME", "r"})),
		std::stoll(everywhere({"PEXPIRETIME", "k"})));
	EXPECT_EQ(everywhere({"GET", "r"}), "v");
	EXPECT_EQ(client.integer("EXPIRE", "r", "-1"), 1);
	EXPECT_EQ(everywhere({"EXISTS", "r"}), "0");
}

TEST_F(SameEffect, ErrorsAreThoseOfRedis)
{
	for (const Args &args : std::vector<Args>{
		     {"SETEX", "k", "0", "v"},
		     {"SETEX", "k", "x", "v"},
		     {"SETEX", "k", "010", "v"},
		     {"SETEX", "k", "9223372036854775807", "v"},
		     {"PSETEX", "k", "-5", "v"},
		     {"PSETEX", "k", "9223372036854775807", "v"},
		     {"SET", "k", "v", "EX", "0"},
		     {"SET", "k", "v", "EX", "1", "PX", "1"},
		     {"SET", "k", "v", "EX", "1", "KEEPTTL"},
		     {"SET", "k", "v", "EX"},
		     {"SET", "k", "v", "EX", "1", "nosuch"},
		     {"SET", "k", "v", "PX", "92233720368547758080"},
		     {"GETEX", "k", "EX", "1", "PERSIST"},
		     {"GETEX", "list", "EX", "10"},
		     {"EXPIRE", "k", "1.5"},
		     {"EXPIRE", "k", "9223372036854775807"},
		     {"EXPIRE", "k", "10", "nosuch"},
		     {"EXPIRE", "k", "10", "NX", "GT"},
		     {"RESTORE", "k", "-1", "x"},
		     {"RESTORE", "new", "10", "x"},
		     {"RESTORE", "list", "10", "x"},
	     }) {
		client.cmd("SET", "k", "v");
		alone.cmd("SET", "k", "v");
		client.cmd("DEL", "list");
		alone.cmd("DEL", "list");
		client.cmd("RPUSH", "list", "x");
		alone.cmd("RPUSH", "list", "x");
		const std::string said = reply(alone, args);
		EXPECT_EQ(reply(client, args), said);
		EXPECT_EQ(said[0], static_cast<char>('0' + REDIS_REPLY_ERROR)) << said;
		EXPECT_EQ(everywhere({"GET", "k"}), "v");
		EXPECT_EQ(everywhere({"PTTL", "k"}), "-1");
	}
}

} // namespace
} // namespace e2e
