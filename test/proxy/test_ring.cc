/*
 * Several nodes: who has which key, which requests can be asked, and how a write gets everywhere.
 */
#include "cluster/ring.h"
#include "proxy/ring.h"
#include "support/joining_thread.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

/* ---- Two racks ---- */

class TwoRacks : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		ring_ = new Ring(Places{{"dc", "r1"}, {"dc", "r2"}});
		ring_->unhealed().start();
	}
	static void TearDownTestSuite()
	{
		delete ring_;
		ring_ = nullptr;
	}
	static Ring *ring_;
};

Ring *TwoRacks::ring_;

TEST_F(TwoRacks, HaveEveryWriteOfEitherNode)
{
	Ring &ring = *ring_;

	for (size_t i = 0; i < 2; i++) {
		RedisClient c = ring[i].client();
		const std::string prefix = "from" + std::to_string(i) + ":";

		write_keys(c, prefix, 5000);
		EXPECT_TRUE(soon_has(ring[0], prefix, 5000));
		EXPECT_TRUE(soon_has(ring[1], prefix, 5000));
		EXPECT_EQ(count_keys(c, prefix, 5000), 5000u);
	}
	RedisClient c = ring[0].client();
	EXPECT_EQ(c.cmd("MSET", "a", "1", "b", "2"), "OK");
	EXPECT_EQ(c.integer("DEL", "a", "from0:0", "none"), 2);
	EXPECT_EQ(c.integer("INCR", "counter"), 1);
	EXPECT_EQ(c.integer("RPUSH", "list", "x", "y"), 2);
	EXPECT_EQ(c.cmd("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, "e", "v"), "OK");
	EXPECT_EQ(c.cmd("EVAL", "return redis.call('SET', 'unnamed', 'v')", 0), "OK");
	EXPECT_TRUE(soon_is(ring[1], "unnamed", "v"));
	EXPECT_TRUE(soon_is(ring[1], "e", "v"));
	EXPECT_TRUE(soon_is(ring[1], "b", "2"));
	RedisClient other = ring[1].store();
	EXPECT_EQ(other.get("a"), "(nil)");
	EXPECT_EQ(other.get("from0:0"), "(nil)");
	EXPECT_EQ(other.get("counter"), "1");
	EXPECT_EQ(other.integer("LLEN", "list"), 2);
	EXPECT_EQ(ring[0].missed(1), 0u);
}

TEST_F(TwoRacks, ReadInTheirOwn)
{
	Ring &ring = *ring_;

	ring[0].store().set("where", "first");
	ring[1].store().set("where", "second");
	EXPECT_EQ(ring[0].client().get("where"), "first");
	EXPECT_EQ(ring[1].client().get("where"), "second");
}

TEST_F(TwoRacks, HaveAValueOf100Megabytes)
{
	Ring &ring = *ring_;
	const std::string value(100'000'000, 'v');
	RedisClient c = ring[0].client(), other = ring[1].store();

	EXPECT_EQ(c.cmd("SET", "large", value), "OK");
	EXPECT_TRUE(wait_until(
		[&] {
			return other.integer("STRLEN", "large") ==
			       static_cast<int64_t>(value.size());
		},
		seconds(30)));
	EXPECT_TRUE(ring[1].client().get("large") == value);
	EXPECT_EQ(c.integer("DEL", "large"), 1);
	EXPECT_EQ(ring[0].missed(1), 0u);
}

TEST_F(TwoRacks, RunRedisBenchmarkClean)
{
	Ring &ring = *ring_;
	std::string output;

	EXPECT_EQ(run({"redis-benchmark", "-p", std::to_string(ring[0].client_port()), "-n", "5000",
			      "-P", "16", "-q", "-r", "100000", "-t",
			      "set,get,incr,lpush,sadd,hset,zadd,mset"},
			  &output),
		0);
	EXPECT_FALSE(holds(output, "Error")) << output;
	EXPECT_EQ(ring[0].missed(1), 0u);
	EXPECT_TRUE(wait_until([&] { return ring[0].peer_info(1, "queued") == "0"; }));
	EXPECT_EQ(compare(ring[0].redis(), ring[1].redis(), &output), 1) << output; /* "where" */
	EXPECT_TRUE(holds(output, "1")) << output;
}

TEST(TwoRacksWithSeveralConnections, KeepTheOrderOfAKey)
{
	constexpr int kRequests = 8000, kKeys = 20;
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2"}});
	std::string said;

	ring.set("datastore_connections", "8").set("local_peer_connections", "4");
	ring.unhealed().start();
	Socket s(ring[0].client_port());
	for (int i = 0; i < kRequests; i++)
		said += resp("APPEND", "k" + std::to_string(i % kKeys), std::to_string(i) + ",");
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	for (int i = 0; i < kRequests; i++)
		ASSERT_EQ(s.line()[0], ':');
	writer.join();
	for (int k = 0; k < kKeys; k++) {
		const std::string key = "k" + std::to_string(k);

		EXPECT_TRUE(soon_is(ring[1], key, ring[0].store().get(key))) << key;
	}
}

/* A command with several keys is neither overtaken by another on one of them, nor overtakes it: not
 * at the datastore, nor on the way to a peer. */
TEST(TwoRacksWithSeveralConnections, KeepTheOrderOfCommandsWithSeveralKeys)
{
	constexpr int kTurns = 500, kKeys = 8;
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2"}});
	std::string said, expected;

	ring.set("datastore_connections", "8").set("local_peer_connections", "4");
	ring.unhealed().start();
	Socket s(ring[0].client_port());
	for (int i = 0; i < kTurns; i++) {
		const std::string now = std::to_string(i);
		const std::string key = "k" + std::to_string(i % kKeys);
		std::string mset = "*" + std::to_string(1 + 2 * kKeys) + "\r\n$4\r\nMSET\r\n";

		for (int k = 0; k < kKeys; k++)
			for (const std::string &word : {"k" + std::to_string(k), now})
				mset += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
		said += resp("SET", key, "before") + mset + resp("GET", key) +
			resp("APPEND", key, "+") + resp("STRLEN", key);
		expected += "+OK\r\n+OK\r\n$" + std::to_string(now.size()) + "\r\n" + now +
			    "\r\n:" + std::to_string(now.size() + 1) +
			    "\r\n:" + std::to_string(now.size() + 1) + "\r\n";
	}
	said += resp("SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])");
	said += resp("EVALSHA", "d3c21d0c2b9ca22f82737626a27bcaf5d288f99f", "1", "k0");
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	EXPECT_TRUE(s.read(expected.size()) == expected);
	writer.join();
	EXPECT_EQ(s.line(), "$40\r\n");
	EXPECT_EQ(s.line(), "d3c21d0c2b9ca22f82737626a27bcaf5d288f99f\r\n");
	EXPECT_EQ(s.line(), "$3\r\n");
	for (int k = 0; k < kKeys; k++) {
		const std::string key = "k" + std::to_string(k);

		EXPECT_TRUE(soon_is(ring[1], key, ring[0].store().get(key))) << key;
	}
	EXPECT_EQ(ring[0].missed(1), 0u);
}

/* ---- One rack of several nodes ---- */

constexpr size_t kNodes = 3;

class OneRack : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		ring_ = new Ring(Places{{"dc", "rack", "1431655765"}, {"dc", "rack", "2863311530"},
			{"dc", "rack", "4294967295"}});
		ring_->unhealed().set("hash_tag", "'{}'").start();
	}
	static void TearDownTestSuite()
	{
		delete ring_;
		ring_ = nullptr;
	}
	void SetUp() override
	{
		for (size_t i = 0; i < kNodes; i++)
			(*ring_)[i].store().cmd("FLUSHALL");
	}

	/* Whose token is the smallest at or above the key's. */
	static size_t owner(const std::string &key)
	{
		const uint32_t token = ring_murmur(key.data(), key.size());

		return token <= 1431655765 ? 0 : token <= 2863311530 ? 1 : 2;
	}
	/* The nth key that node i owns. */
	static std::string key_of(size_t i, size_t n = 0)
	{
		for (int k = 0;; k++) {
			const std::string key = "key" + std::to_string(k);
			if (owner(key) == i && n-- == 0)
				return key;
		}
	}

	static Ring *ring_;
};

Ring *OneRack::ring_;

TEST_F(OneRack, HasEachKeyOnItsOwner)
{
	constexpr size_t kKeys = 3000;
	Ring &ring = *ring_;
	size_t total = 0;

	for (size_t i = 0; i < kNodes; i++) {
		RedisClient c = ring[i].client();
		const std::string prefix = std::to_string(i) + ":";

		write_keys(c, prefix, kKeys);
		for (size_t j = 0; j < kNodes; j++) {
			RedisClient any = ring[j].client();
			EXPECT_EQ(count_keys(any, prefix, kKeys), kKeys);
		}
	}
	for (size_t i = 0; i < kNodes; i++) {
		RedisClient store = ring[i].store();
		const std::vector<std::string> keys = store.keys();

		total += keys.size();
		EXPECT_GT(keys.size(), kKeys / 2);
		for (const std::string &key : keys)
			ASSERT_EQ(owner(key), i) << key;
	}
	EXPECT_EQ(total, kNodes * kKeys);
}

TEST_F(OneRack, SplitsAndJoinsWhatCanBe)
{
	Ring &ring = *ring_;
	RedisClient c = ring[1].client();
	const std::string a = key_of(0), b = key_of(1), d = key_of(2), e = key_of(0, 1);

	EXPECT_EQ(c.cmd("MSET", a, "A", b, "B", d, "D", e, "E"), "OK");
	EXPECT_EQ(ring[0].store().get(a), "A");
	EXPECT_EQ(ring[1].store().get(b), "B");
	EXPECT_EQ(ring[2].store().get(d), "D");
	EXPECT_EQ(ring[0].store().get(e), "E");
	EXPECT_EQ(c.list("MGET", d, "none", a, e, b, a),
		(std::vector<std::string>{"D", "(nil)", "A", "E", "B", "A"}));
	EXPECT_EQ(c.integer("EXISTS", a, b, d, "none", a), 4);
	EXPECT_EQ(c.integer("TOUCH", a, b, "none"), 2);
	EXPECT_EQ(c.integer("UNLINK", a, "none", b), 2);
	EXPECT_EQ(c.integer("DEL", a, b, d, e), 2);
	for (size_t i = 0; i < kNodes; i++)
		EXPECT_EQ(ring[i].store().dbsize(), 0);
	/* An error of one part is the answer. */
	ring[2].store().cmd("CONFIG", "SET", "maxmemory", "1");
	EXPECT_TRUE(holds(c.error("MSET", a, "A", d, "D"), "OOM"));
	ring[2].store().cmd("CONFIG", "SET", "maxmemory", "0");
	EXPECT_EQ(c.cmd("MSET", a, "A", d, "D"), "OK");
}

TEST_F(OneRack, SplitsWhatNamesThousandsOfKeys)
{
	constexpr size_t kKeys = 20000;
	RedisClient c = (*ring_)[0].client();
	RedisClient::Args mset = {"MSET"}, mget = {"MGET"}, del = {"DEL"};
	std::vector<std::string> values;

	for (size_t i = 0; i < kKeys; i++) {
		values.push_back(std::to_string(i));
		mset.insert(mset.end(), {"k" + values.back(), values.back()});
		mget.push_back("k" + values.back());
		del.push_back("k" + values.back());
	}
	EXPECT_EQ(c.text(mset), "OK");
	EXPECT_TRUE(c.texts(mget) == values);
	EXPECT_EQ(c.number(del), static_cast<int64_t>(kKeys));
}

TEST_F(OneRack, KeepsTheOrderOfRepliesOfDifferentNodes)
{
	constexpr int kRequests = 5000;
	Socket s((*ring_)[2].client_port());
	std::string said, expected;

	for (int i = 0; i < kRequests; i++) {
		const std::string key = "k" + std::to_string(i % 500);

		said += i % 7 == 6 ? resp("EXISTS", key_of(0), key_of(1), key_of(2))
				   : resp("SET", key, "v");
		expected += i % 7 == 6 ? ":0\r\n" : "+OK\r\n";
	}
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	EXPECT_EQ(s.read(expected.size()), expected);
	writer.join();
}

TEST_F(OneRack, RefusesWhatNoNodeCanDoAlone)
{
	Ring &ring = *ring_;
	RedisClient c = ring[0].client();
	const std::string a = key_of(0), b = key_of(1), a2 = key_of(0, 1);

	for (const RedisClient::Args &args : std::vector<RedisClient::Args>{{"SUNION", a, b},
		     {"RENAME", a, b}, {"MSETNX", a, "1", b, "2"}, {"EVAL", "return 1", "2", a, b},
		     {"BITOP", "AND", a, b}, {"SINTERSTORE", a, b}, {"PFCOUNT", a, b},
		     {"COPY", a, b}, {"ZUNIONSTORE", a, "1", b}, {"LMOVE", a, b, "LEFT", "LEFT"}}) {
		const std::string words = c.error_words(args);

		EXPECT_TRUE(holds(words, "CROSSSLOT") && holds(words, "hash_tag")) << words;
	}
	EXPECT_TRUE(holds(c.error("SORT", a, "BY", "w_*"), "other nodes"));
	/* With one owner it works, by chance or by a tag. */
	EXPECT_EQ(c.integer("SADD", a, "x"), 1);
	EXPECT_EQ(c.list("SUNION", a, a2).size(), 1u);
	for (int i = 0; i < 10; i++) {
		const std::string tag = "{" + std::to_string(i) + "}";

		EXPECT_EQ(c.integer("SADD", "one" + tag, "x", "y"), 2);
		EXPECT_EQ(c.integer("SUNIONSTORE", "two" + tag, "one" + tag, "none" + tag), 2);
		EXPECT_EQ(c.cmd("RENAME", "two" + tag, "three" + tag), "OK");
		EXPECT_TRUE(ring[owner(std::to_string(i))].store().exists("three" + tag));
	}
}

TEST_F(OneRack, HasScriptsOnEveryNode)
{
	Ring &ring = *ring_;
	RedisClient c = ring[0].client();
	const std::string sha = c.cmd("SCRIPT", "LOAD", "return redis.call('SET', KEYS[1], 1)");

	for (size_t i = 0; i < kNodes; i++) {
		EXPECT_EQ(c.cmd("EVALSHA", sha, 1, key_of(i)), "OK");
		EXPECT_TRUE(ring[i].store().exists(key_of(i)));
	}
}

/* A script is there when every node has it that can be asked. */
TEST_F(OneRack, KnowsAScriptThatAllNodesKnow)
{
	Ring &ring = *ring_;
	RedisClient c = ring[0].client();
	const std::string one = c.cmd("SCRIPT", "LOAD", "return 1");
	const std::string two = c.cmd("SCRIPT", "LOAD", "return 2");
	const auto known = [&] { return c.list("SCRIPT", "EXISTS", one, two, "none"); };

	EXPECT_EQ(known(), (std::vector<std::string>{"1", "1", "0"}));
	ring[2].store().cmd("SCRIPT", "FLUSH");
	ring[2].store().cmd("SCRIPT", "LOAD", "return 2");
	EXPECT_EQ(known(), (std::vector<std::string>{"0", "1", "0"}));
	ring[2].node().kill9();
	ASSERT_TRUE(wait_until([&] { return !ring[0].peer_is_up(2); }));
	EXPECT_EQ(known(), (std::vector<std::string>{"1", "1", "0"}));
	ring[2].node().start();
	ring.wait_peers();
	EXPECT_EQ(ring[0].missed(2), 0u);
}

TEST_F(OneRack, WithANodeDownLosesItsKeysAlone)
{
	Ring &ring = *ring_;
	RedisClient c = ring[0].client();

	ring[2].node().kill9();
	ASSERT_TRUE(wait_until([&] { return !ring[0].peer_is_up(2); }));
	EXPECT_EQ(c.cmd("SET", key_of(0), "v"), "OK");
	EXPECT_EQ(c.cmd("SET", key_of(1), "v"), "OK");
	EXPECT_EQ(c.error("SET", key_of(2), "v"), "ERR dynomite: a peer is down");
	EXPECT_EQ(c.error("MGET", key_of(0), key_of(2)), "ERR dynomite: a peer is down");
	ring[2].node().start();
	ring.wait_peers();
	EXPECT_EQ(c.cmd("SET", key_of(2), "v"), "OK");
	EXPECT_EQ(c.list("MGET", key_of(0), key_of(2)), (std::vector<std::string>{"v", "v"}));
}

} // namespace
} // namespace e2e
