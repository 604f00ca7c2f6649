/*
 * One node in front of one Redis: what a client may say, and what it is answered.
 */
#include "proxy/ring.h"
#include "support/joining_thread.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/text.h"
#include "support/wait.h"

#include <algorithm>
#include <sys/resource.h>
#include <thread>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

/* A node that the tests of a suite share. */
class Proxy : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		one_ = new One();
		one_->set("timeout", "5000").start();
	}
	static void TearDownTestSuite()
	{
		delete one_;
		one_ = nullptr;
	}
	void SetUp() override
	{
		one().store().cmd("FLUSHALL");
	}
	static Member &one()
	{
		return **one_;
	}
	static RedisClient client()
	{
		return one().client();
	}
	static Socket socket()
	{
		return Socket(one().client_port());
	}

	static One *one_;
};

One *Proxy::one_;

/* ---- What is passed on ---- */

TEST_F(Proxy, PassesRequestsAndReplies)
{
	RedisClient c = client(), store = one().store();
	const std::string binary("\0\r\n$-1\r\n\xff", 9);

	EXPECT_EQ(c.cmd("SET", "k", "v"), "OK");
	EXPECT_EQ(store.get("k"), "v");
	EXPECT_EQ(c.get("k"), "v");
	EXPECT_EQ(c.get("none"), "(nil)");
	c.set(binary, binary);
	EXPECT_EQ(c.get(binary), binary);
	EXPECT_EQ(store.get(binary), binary);
	c.set("", "");
	EXPECT_EQ(c.get(""), "");
	EXPECT_EQ(c.integer("INCR", "n"), 1);
	EXPECT_EQ(c.integer("RPUSH", "l", "a", "b", "c"), 3);
	EXPECT_EQ(c.list("LRANGE", "l", 0, -1), (std::vector<std::string>{"a", "b", "c"}));
	EXPECT_EQ(c.integer("ZADD", "z", 1, "one", 2, "two"), 2);
	EXPECT_EQ(c.list("ZRANGE", "z", 0, -1, "WITHSCORES").size(), 4u);
	EXPECT_EQ(c.list("XRANGE", "stream", "-", "+").size(), 0u);
	EXPECT_FALSE(c.cmd("XADD", "stream", "*", "field", "value").empty());
	EXPECT_EQ(c.list("XREAD", "COUNT", 1, "STREAMS", "stream", 0).size(), 4u);
	EXPECT_TRUE(begins(c.error("INCR", "l"), "WRONGTYPE"));
	EXPECT_EQ(c.list("MGET", "k", "none", "n"), (std::vector<std::string>{"v", "(nil)", "1"}));
	EXPECT_EQ(c.integer("DEL", "k", "none", "n"), 2);
	EXPECT_EQ(store.get("k"), "(nil)");
}

TEST_F(Proxy, RunsScriptsAndFunctions)
{
	RedisClient c = client();
	const std::string body = "return {KEYS[1], ARGV[1], redis.call('SET', KEYS[1], ARGV[1])}";

	EXPECT_EQ(c.list("EVAL", body, 1, "k", "v"), (std::vector<std::string>{"k", "v", "OK"}));
	const std::string sha = c.cmd("SCRIPT", "LOAD", body);
	EXPECT_EQ(sha.size(), 40u);
	EXPECT_EQ(c.list("EVALSHA", sha, 1, "q", "w"), (std::vector<std::string>{"q", "w", "OK"}));
	EXPECT_EQ(c.list("SCRIPT", "EXISTS", sha, std::string(40, '0')),
		(std::vector<std::string>{"1", "0"}));
	EXPECT_EQ(c.cmd("EVAL", "return 'no keys'", 0), "no keys");
	EXPECT_EQ(c.cmd("SCRIPT", "FLUSH"), "OK");
	EXPECT_TRUE(begins(c.error("EVALSHA", sha, 1, "q", "w"), "NOSCRIPT"));
	EXPECT_EQ(c.cmd("FUNCTION", "LOAD",
			  "#!lua name=lib\nredis.register_function('f', function(keys) return "
			  "keys[1] end)"),
		"lib");
	EXPECT_EQ(c.cmd("FCALL", "f", 1, "a key"), "a key");
	EXPECT_TRUE(holds(c.error("EVAL", "return 1", "x"), "ERR"));
	EXPECT_TRUE(holds(c.error("EVAL", "return 1", 5, "x"), "ERR"));
	EXPECT_EQ(c.cmd("PING"), "PONG");
}

TEST_F(Proxy, AnswersItselfWhatClientsSayOnConnecting)
{
	RedisClient c = client();

	EXPECT_EQ(c.cmd("PING"), "PONG");
	EXPECT_EQ(c.cmd("ping", "hello"), "hello");
	EXPECT_EQ(c.cmd("ECHO", "hello"), "hello");
	EXPECT_EQ(c.cmd("SELECT", 0), "OK");
	EXPECT_TRUE(begins(c.error("SELECT", 1), "ERR DB index is out of range"));
	const std::vector<std::string> hello = c.list("HELLO", 2);
	EXPECT_NE(std::find(hello.begin(), hello.end(), "redis"), hello.end());
	EXPECT_TRUE(begins(c.error("HELLO", 3), "NOPROTO"));
	EXPECT_EQ(c.cmd("CLIENT", "GETNAME"), "(nil)");
	EXPECT_EQ(c.cmd("CLIENT", "SETNAME", "tester"), "OK");
	EXPECT_EQ(c.cmd("CLIENT", "GETNAME"), "tester");
	EXPECT_EQ(c.cmd("CLIENT", "SETINFO", "LIB-NAME", "none"), "OK");
	EXPECT_GT(c.integer("CLIENT", "ID"), 0);
	EXPECT_TRUE(holds(c.cmd("CLIENT", "LIST"), "name=tester"));
	EXPECT_GT(c.integer("COMMAND", "COUNT"), 150);
	EXPECT_GT(c.list("COMMAND").size(), 1000u);
	EXPECT_FALSE(c.list("COMMAND", "DOCS", "GET").empty());
	EXPECT_EQ(c.info("proxy_state"), "normal");
	EXPECT_EQ(c.info("datastore_state"), "up");
	EXPECT_TRUE(begins(c.error("AUTH", "x"), "ERR AUTH <password> called without"));
	EXPECT_EQ(c.cmd("RESET"), "RESET");
}

TEST_F(Proxy, WhatItCannotDoIsRefusedAndTheConnectionStays)
{
	const std::vector<RedisClient::Args> refused = {{"MULTI"}, {"EXEC"}, {"WATCH", "k"},
		{"SUBSCRIBE", "c"}, {"PSUBSCRIBE", "c"}, {"PUBLISH", "c", "m"}, {"KEYS", "*"},
		{"SCAN", "0"}, {"FLUSHALL"}, {"FLUSHDB"}, {"DBSIZE"}, {"RANDOMKEY"},
		{"CONFIG", "GET", "save"}, {"SHUTDOWN"}, {"DEBUG", "SLEEP", "0"}, {"MONITOR"},
		{"SYNC"}, {"PSYNC", "?", "-1"}, {"REPLICAOF", "NO", "ONE"}, {"BLPOP", "l", "0"},
		{"BRPOPLPUSH", "a", "b", "0"}, {"WAIT", "1", "0"}, {"MOVE", "k", "1"},
		{"SWAPDB", "0", "1"}, {"CLUSTER", "SLOTS"}, {"SAVE"}, {"BGSAVE"},
		{"MODULE", "LIST"}, {"ACL", "WHOAMI"}, {"SCRIPT", "KILL"}, {"OBJECT", "HELP"},
		{"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}, {"CLIENT", "KILL", "ID", "1"},
		{"MIGRATE", "h", "1", "k", "0", "1"}};
	RedisClient c = client();
	const int64_t id = c.integer("CLIENT", "ID");

	one().store().set("k", "v");
	for (const RedisClient::Args &args : refused) {
		const std::string words = c.error_words(args);

		EXPECT_TRUE(begins(words, "ERR ")) << args[0] << ": " << words;
		EXPECT_GT(words.size(), 20u) << args[0] << ": " << words;
	}
	EXPECT_EQ(c.error("NOSUCH", "thing"),
		"ERR unknown command 'NOSUCH', with args beginning with: 'thing' ");
	EXPECT_TRUE(holds(c.error("GET"), "wrong number of arguments for 'get' command"));
	EXPECT_TRUE(holds(c.error("GET", "a", "b"), "wrong number of arguments"));
	EXPECT_TRUE(holds(c.error("MSET", "a", "1", "b"), "wrong number of arguments"));
	EXPECT_EQ(c.integer("CLIENT", "ID"), id);
	EXPECT_EQ(c.get("k"), "v");
}

/* Nothing of a transaction that is sent at once is carried out; who waits for the answer to MULTI
 * has been told, and may go on. */
TEST_F(Proxy, ATransactionIsRefusedWhole)
{
	const std::string refused = "-ERR dynomite: a transaction";
	const std::string with_it =
		"-ERR dynomite: not carried out: the MULTI that was sent with it "
		"is refused\r\n";
	Socket s = socket();

	for (const char *end : {"EXEC", "DISCARD", "RESET"}) {
		ASSERT_TRUE(s.send(resp("SET", "before", end) + resp("MULTI") +
				   resp("SET", "k", "v") + resp("INCR", "n") + resp("PING") +
				   resp(end) + resp("SET", "after", end)));
		EXPECT_EQ(s.line(), "+OK\r\n");
		EXPECT_TRUE(begins(s.line(), refused));
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(s.line(), with_it);
		const std::string last = s.line();
		EXPECT_TRUE(begins(last, end == std::string("EXEC")    ? "-EXECABORT "
					 : end == std::string("RESET") ? "+RESET"
								       : refused))
			<< last;
		EXPECT_EQ(s.line(), "+OK\r\n");
		EXPECT_EQ(one().store().get("after"), end);
	}
	EXPECT_FALSE(one().store().exists("k"));
	EXPECT_FALSE(one().store().exists("n"));
	ASSERT_TRUE(s.send(resp("MULTI")));
	EXPECT_TRUE(begins(s.line(), refused));
	ASSERT_TRUE(s.send(resp("SET", "k", "v")));
	EXPECT_EQ(s.line(), "+OK\r\n");
	/* A large one, that comes in many pieces. */
	const std::string large(100000, 'x');
	std::string said = resp("MULTI");
	for (int i = 0; i < 50; i++)
		said += resp("SET", "large" + std::to_string(i), large);
	ASSERT_TRUE(s.send(said + resp("EXEC")));
	EXPECT_TRUE(begins(s.line(), refused));
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(s.line(), with_it);
	EXPECT_TRUE(begins(s.line(), "-EXECABORT "));
	EXPECT_FALSE(one().store().exists("large0"));
	EXPECT_FALSE(one().store().exists("large49"));
}

/* ---- How it is said ---- */

TEST_F(Proxy, TakesInlineRequests)
{
	Socket s = socket();

	ASSERT_TRUE(s.send(
		"SET \"a key\" 'a value'\r\nGET \"a key\"\n\r\nPING\r\nGET \"\\x61 key\"\r\n"));
	EXPECT_EQ(s.line(), "+OK\r\n");
	EXPECT_EQ(s.read(14), "$7\r\na value\r\n" + std::string("+"));
	EXPECT_EQ(s.line(), "PONG\r\n");
	EXPECT_EQ(s.read(13), "$7\r\na value\r\n");
	ASSERT_TRUE(s.send("GET \"unbalanced\r\n"));
	EXPECT_TRUE(begins(s.line(), "-ERR Protocol error: unbalanced quotes"));
	EXPECT_TRUE(s.ends());
}

TEST_F(Proxy, AnswersAPipelineInOrder)
{
	constexpr int kRequests = 20000;
	Socket s = socket();
	std::string said, expected;

	one().store().cmd("RPUSH", "list", "x");
	for (int i = 0; i < kRequests; i++) {
		const std::string text = std::to_string(i);

		switch (i % 6) {
		case 0:
			said += resp("SET", "k" + text, text);
			expected += "+OK\r\n";
			break;
		case 1:
			said += resp("GET", "k" + std::to_string(i - 1));
			expected += "$" + std::to_string(std::to_string(i - 1).size()) + "\r\n" +
				    std::to_string(i - 1) + "\r\n";
			break;
		case 2:
			said += resp("ECHO", text);
			expected += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
			break;
		case 3:
			said += resp("NOSUCH", text);
			expected += "-ERR unknown command 'NOSUCH', with args beginning with: '" +
				    text + "' \r\n";
			break;
		case 4:
			said += "EXISTS list k" + std::to_string(i - 4) + "\r\n";
			expected += ":2\r\n";
			break;
		default:
			said += resp("INCRBY", "counter", "1");
			expected += ":" + std::to_string(i / 6 + 1) + "\r\n";
		}
	}
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	EXPECT_TRUE(s.read(expected.size()) == expected);
	writer.join();
}

TEST_F(Proxy, TakesRequestsInPiecesOfAnySize)
{
	const std::string said = resp("SET", "piece", "by piece") + "GET piece\r\n" +
				 resp("MGET", "piece", "none") + resp("PING");
	const std::string expected =
		"+OK\r\n$8\r\nby piece\r\n*2\r\n$8\r\nby piece\r\n$-1\r\n+PONG\r\n";

	for (size_t piece = 1; piece < said.size(); piece = piece * 3 / 2 + 1) {
		Socket s = socket();

		for (size_t at = 0; at < said.size(); at += piece) {
			ASSERT_TRUE(s.send(said.substr(at, piece)));
			if (piece < 8)
				std::this_thread::sleep_for(std::chrono::microseconds(200));
		}
		EXPECT_EQ(s.read(expected.size()), expected) << piece;
	}
}

TEST_F(Proxy, EndsWithWhatIsNoRequest)
{
	const std::string bad[] = {"*x\r\n", "*1048577\r\n", "*1\r\nx\r\n", "*1\r\n$x\r\n",
		"*1\r\n$-1\r\n", "*1\r\n$536870913\r\n", "*1\r\n$4\r\nPINGxx", "*2147483648\r\n",
		"*1\r\n:1\r\n", std::string(70000, 'x')};

	for (const std::string &words : bad) {
		Socket s = socket();

		/* Earlier requests are answered, in order, and later ones are not read. */
		ASSERT_TRUE(s.send(resp("SET", "before", "1") + resp("INCR", "before") + words +
				   resp("SET", "behind", "1")));
		EXPECT_EQ(s.line(), "+OK\r\n");
		EXPECT_EQ(s.line(), ":2\r\n");
		const std::string last = s.read_to_end();
		EXPECT_TRUE(begins(last, "-ERR Protocol error")) << words.substr(0, 20) << last;
		EXPECT_EQ(last.find("\r\n"), last.size() - 2) << last;
	}
	EXPECT_FALSE(one().store().exists("behind"));
	EXPECT_EQ(client().cmd("PING"), "PONG");
}

TEST_F(Proxy, QuitsAfterAllIsAnswered)
{
	Socket s = socket();

	ASSERT_TRUE(s.send(resp("SET", "k", "v") + resp("GET", "k") + "QUIT\r\n" +
			   resp("SET", "behind", "1")));
	EXPECT_EQ(s.read_to_end(), "+OK\r\n$1\r\nv\r\n+OK\r\n");
	EXPECT_FALSE(one().store().exists("behind"));
}

TEST_F(Proxy, AnswersAClientThatHasEndedItsSide)
{
	std::string said, expected;
	Socket s = socket();

	for (int i = 1; i <= 500; i++) {
		said += resp("INCR", "n");
		expected += ":" + std::to_string(i) + "\r\n";
	}
	ASSERT_TRUE(s.send(said));
	s.end_sending();
	EXPECT_EQ(s.read_to_end(), expected);
	EXPECT_TRUE(wait_until([&] { return one().number("connected_clients") == 1; }));
}

TEST_F(Proxy, HangsUpOnABrowser)
{
	Socket s = socket();

	ASSERT_TRUE(s.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n"));
	EXPECT_EQ(s.read_to_end(), "");
	EXPECT_FALSE(one().store().exists("k"));
}

/* ---- Much of it ---- */

TEST_F(Proxy, PassesAValueOf100Megabytes)
{
	const std::string value = std::string(100'000'000, 'v') + "end";
	RedisClient c = client();

	EXPECT_EQ(c.cmd("SET", "large", value), "OK");
	EXPECT_EQ(one().store().integer("STRLEN", "large"), static_cast<int64_t>(value.size()));
	EXPECT_TRUE(c.get("large") == value);
	EXPECT_EQ(c.integer("DEL", "large"), 1);
	EXPECT_EQ(c.cmd("PING"), "PONG");
}

TEST_F(Proxy, ServesAThousandClientsAtOnce)
{
	std::vector<Socket> clients;
	std::string expected;

	for (int i = 0; i < 1000; i++)
		clients.push_back(socket());
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < clients.size(); i++) {
			const std::string key = "k" + std::to_string(i);

			ASSERT_TRUE(clients[i].send(resp("SET", key, key) + resp("GET", key)));
		}
		for (size_t i = 0; i < clients.size(); i++) {
			const std::string key = "k" + std::to_string(i);

			EXPECT_EQ(clients[i].line(), "+OK\r\n");
			EXPECT_EQ(clients[i].line(), "$" + std::to_string(key.size()) + "\r\n");
			EXPECT_EQ(clients[i].line(), key + "\r\n");
		}
	}
	EXPECT_GE(one().number("connected_clients"), 1000u);
	clients.clear();
	EXPECT_TRUE(wait_until([&] { return one().number("connected_clients") == 1; }));
}

TEST_F(Proxy, AnIdleClientTakesFourKilobytes)
{
	struct rlimit limit = {};
	std::vector<Socket> clients;
	size_t n = 10000;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < n + 200)
		n = limit.rlim_cur - 200;
	const size_t before = one().node().resident_kib();
	for (size_t i = 0; i < n; i++) {
		clients.push_back(socket());
		ASSERT_TRUE(clients.back().send("PING\r\n"));
		ASSERT_EQ(clients.back().line(), "+PONG\r\n");
	}
	EXPECT_GE(one().number("connected_clients"), n);
	const size_t grown = one().node().resident_kib() - before;
	std::cout << n << " idle clients take " << grown << " KiB\n";
	if (!kSanitized) {
		EXPECT_LE(grown, 4 * n);
	}
	EXPECT_EQ(client().cmd("SET", "k", "v"), "OK");
	clients.clear();
	EXPECT_TRUE(wait_until([&] { return one().number("connected_clients") == 1; }));
}

TEST_F(Proxy, RedisBenchmarkRunsClean)
{
	std::string output;

	for (const char *pipeline : {"1", "16"}) {
		EXPECT_EQ(run({"redis-benchmark", "-p", std::to_string(one().client_port()), "-n",
				      "2000", "-c", "20", "-P", pipeline, "-q"},
				  &output),
			0)
			<< output;
		EXPECT_FALSE(holds(output, "Error")) << output;
		for (const char *test : {"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH",
			     "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN",
			     "LRANGE_600", "MSET"})
			EXPECT_TRUE(holds(output, test)) << test << "\n" << output;
	}
}

} // namespace
} // namespace e2e
