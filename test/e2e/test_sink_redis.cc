#include "e2e/redis_channel.h"
#include "support/joining_thread.h"
#include "support/owned.h"
#include "support/redis_server.h"
#include "support/resp.h"
#include "support/text.h"
#include "support/wait.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <sys/stat.h>

using channel::Applied;
using channel::dump;
using channel::Endpoint;
using channel::restore;
using channel::restores;
using channel::Sink;
using support::holds;
using support::RedisClient;
using support::RedisServer;
using support::resp;
using Clock = std::chrono::steady_clock;

namespace
{

class SinkRedis : public testing::Test
{
      protected:
	RedisServer server;
	RedisClient client = server.connect();
};

TEST_F(SinkRedis, AppliesWhatIsMissing)
{
	const Sink sink{Endpoint(server.address())};
	const std::string far = "4102444800000";
	const std::string key("k\0\r\n", 4), payload = dump(client, "value");

	const Applied a =
		sink.apply(restores("a", 5000, payload) +
			   resp({"restore", key, far, payload, "ABSTTL", "IDLETIME", "77"}));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(5001u, a.result.commands);
	EXPECT_EQ(5001u, a.result.applied);
	EXPECT_EQ(0u, a.result.kept);
	EXPECT_EQ(0u, a.result.failed);
	EXPECT_EQ(5001, client.dbsize());
	EXPECT_EQ("value", client.get("a4999"));
	EXPECT_EQ("value", client.get(key));
	EXPECT_EQ(far, client.cmd("PEXPIRETIME", key));
}

TEST_F(SinkRedis, KeepsWhatIsThere)
{
	const Sink sink{Endpoint(server.address())};
	const std::string payload = dump(client, "theirs");

	client.set("a1", "ours");
	client.cmd("RPUSH", "a2", "ours");
	const Applied a = sink.apply(restores("a", 4, payload));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(2u, a.result.applied);
	EXPECT_EQ(2u, a.result.kept);
	EXPECT_EQ(0u, a.result.failed);
	EXPECT_EQ("ours", client.get("a1"));
	EXPECT_EQ("list", client.cmd("TYPE", "a2"));
	EXPECT_EQ("theirs", client.get("a0"));
}

TEST_F(SinkRedis, RefusesTheWholeSnapshotForOneCommand)
{
	const std::string payload = dump(client, "v");
	const std::string good = restores("a", 100, payload);
	const std::string dir = client.list("CONFIG", "GET", "dir").at(1);

	client.set("sentinel", "1");
	for (auto accept : {DYN_ENTROPY_ACCEPT_RESTORE, DYN_ENTROPY_ACCEPT_DATA}) {
		const Sink sink(Endpoint(server.address()), accept);
		for (const std::string &bad :
			{resp({"CONFIG", "SET", "dir", "/"}), resp({"FLUSHALL"}),
				resp({"EVAL", "return redis.call('DEL','sentinel')", "0"}),
				resp({"MODULE", "LOAD", "/x.so"}), resp({"MULTI"}),
				resp({"RESTORE", "sentinel", "0", payload, "REPLACE"}),
				resp({"SELECT", "1"}), resp({"DEBUG", "SEGFAULT"})}) {
			const Applied a = sink.apply(good + bad + good);
			EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
			EXPECT_TRUE(holds(a.message, "command 101")) << a.message;
			EXPECT_FALSE(holds(a.message, "sentinel")) << a.message;
			EXPECT_EQ(0u, a.result.applied);
			EXPECT_EQ(1, client.dbsize()) << a.message;
		}
		const Applied named = sink.apply(resp({"flushall"}));
		EXPECT_TRUE(holds(named.message, "'flushall'")) << named.message;
		const Applied replace =
			sink.apply(resp({"RESTORE", "sentinel", "0", payload, "REPLACE"}));
		EXPECT_TRUE(holds(replace.message, "REPLACE")) << replace.message;
	}
	EXPECT_EQ("1", client.get("sentinel"));
	EXPECT_EQ(dir, client.list("CONFIG", "GET", "dir").at(1));
}

TEST_F(SinkRedis, RefusesBrokenFraming)
{
	const Sink sink{Endpoint(server.address())};
	const std::string good = restores("a", 3, dump(client, "v"));

	for (const std::string &bad : {good.substr(0, good.size() - 1), good + "PING\r\n",
		     good + "*0\r\n", good + "\r\n", good + std::string(1, '\0'), "x" + good}) {
		const Applied a = sink.apply(bad);
		EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
		EXPECT_TRUE(holds(a.message, "at byte")) << a.message;
		EXPECT_EQ(0, client.dbsize());
	}
}

/* By one a sender asks whether what it sends next can be applied. */
TEST_F(SinkRedis, AnEmptySnapshotIsAppliedWhenRedisIsThere)
{
	const Sink sink{Endpoint(server.address())};
	Applied a = sink.apply("");

	EXPECT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(0u, a.result.commands);
	server.stop();
	a = sink.apply("");
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, server.address())) << a.message;
}

/* ---- Values that Redis does not take ---- */

struct Limit {
	const char *name, *setting, *words;
};

std::ostream &operator<<(std::ostream &to, const Limit &l)
{
	return to << l.name;
}

/* Redis closes the connection at a value above its limit, with a word or without. */
class SinkRedisLimit : public testing::TestWithParam<Limit>
{
};

INSTANTIATE_TEST_SUITE_P(Limits, SinkRedisLimit,
	testing::Values(Limit{"Bulk", "proto-max-bulk-len", "2 x ERR ('ERR Protocol error"},
		Limit{"Buffer", "client-query-buffer-limit", "2 x CLOSED"}),
	testing::PrintToStringParamName());

TEST_P(SinkRedisLimit, IsPassedOverAndTheOthersAreApplied)
{
	RedisServer server({"--rdbcompression", "no"});
	RedisClient client = server.connect();
	const std::string small = dump(client, "v");
	const std::string large = dump(client, std::string(3 * 1024 * 1024, 'x'));
	const auto may_restore = [](void *, const void *key, size_t, int64_t) {
		return *static_cast<const char *>(key) != 'n';
	};
	dyn_entropy_sink_redis_options guarded = {};

	guarded.may_restore = may_restore;
	client.cmd("CONFIG", "SET", GetParam().setting, "1048576");
	client.set("b1", "is there");
	for (const bool guard : {false, true}) {
		const Sink sink = Sink(Endpoint(server.address()),
			guard ? guarded : dyn_entropy_sink_redis_options{});
		const std::string p = guard ? "g" : "p";
		const Applied a =
			sink.apply(restores("n" + p, 3, small) + restores(p + "a", 1000, small) +
				   restore("secret1", large) + restores("b", 2, small) +
				   restores("n" + p, 3, small) + restore("secret2", large) +
				   restores(p + "c", 1000, small));

		EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
		EXPECT_TRUE(holds(a.message, "2 of 2010 commands failed")) << a.message;
		EXPECT_TRUE(holds(a.message, GetParam().words)) << a.message;
		EXPECT_FALSE(holds(a.message, "secret")) << a.message;
		EXPECT_EQ(2010u, a.result.commands);
		EXPECT_EQ(2u, a.result.failed);
		EXPECT_EQ(guard ? 6u : 0u, a.result.left_alone);
		/* One whose reply was lost is found there the second time. */
		EXPECT_EQ(2008u - a.result.left_alone, a.result.applied + a.result.kept);
		EXPECT_EQ(1000, client.integer("EVAL", "return #redis.call('KEYS', ARGV[1])", "0",
					p + "a*"));
		EXPECT_EQ(1000, client.integer("EVAL", "return #redis.call('KEYS', ARGV[1])", "0",
					p + "c*"));
		EXPECT_EQ(guard ? 0 : 3,
			client.integer("EVAL", "return #redis.call('KEYS', 'n' .. ARGV[1])", "0",
				p + "*"));
	}
	EXPECT_EQ("is there", client.get("b1"));
	EXPECT_FALSE(client.exists("secret1"));
}

/* Each is tried twice: that must come to an end. */
TEST(SinkRedisLimits, ARedisThatClosesAtEachOfManyIsGivenUp)
{
	RedisServer server({"--rdbcompression", "no"});
	RedisClient client = server.connect();
	const std::string large = dump(client, std::string(2 * 1024 * 1024, 'x'));
	const Sink sink{Endpoint(server.address())};

	client.cmd("CONFIG", "SET", "client-query-buffer-limit", "1048576");
	const Applied a = sink.apply(restores("k", 20, large));
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, "16 of 20 commands were answered")) << a.message;
	EXPECT_EQ(16u, a.result.failed);
}

TEST_F(SinkRedis, TakesDataCommandsWhereItIsTold)
{
	const std::string bytes = resp({"SELECT", "0"}) + resp({"SET", "s", "1", "EX", "1000"}) +
				  resp({"HSET", "h", "f", "v"}) + resp({"RPUSH", "l", "a", "b"}) +
				  resp({"XADD", "x", "1-1", "f", "v"}) +
				  resp({"XGROUP", "CREATE", "x", "g", "0"}) +
				  resp({"PEXPIREAT", "h", "4102444800000"}) + resp({"DEL", "gone"});
	const Sink data(Endpoint(server.address()), DYN_ENTROPY_ACCEPT_DATA);
	const Sink strict{Endpoint(server.address())};

	client.set("gone", "1");
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, strict.apply(bytes).status);
	EXPECT_EQ(1, client.dbsize());
	const Applied a = data.apply(bytes);
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(8u, a.result.applied);
	EXPECT_EQ(4, client.dbsize());
	EXPECT_EQ("4102444800000", client.cmd("PEXPIRETIME", "h"));
	EXPECT_EQ(2, client.integer("LLEN", "l"));
}

TEST_F(SinkRedis, CountsFailuresByKind)
{
	const Sink sink(Endpoint(server.address()), DYN_ENTROPY_ACCEPT_DATA);
	const std::string broken = "not a payload";

	client.cmd("RPUSH", "secretlist", "x");
	const Applied a = sink.apply(resp({"SET", "a", "1"}) + resp({"INCR", "secretlist"}) +
				     resp({"SADD", "secretlist", "m"}) + restore("b", broken) +
				     resp({"SET", "c", "1"}));
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_EQ(5u, a.result.commands);
	EXPECT_EQ(2u, a.result.applied);
	EXPECT_EQ(3u, a.result.failed);
	EXPECT_TRUE(holds(a.message, "3 of 5 commands failed: 2 x WRONGTYPE ('")) << a.message;
	EXPECT_TRUE(holds(a.message, "1 x ERR ('ERR DUMP payload version")) << a.message;
	EXPECT_TRUE(holds(a.message, "upgrade")) << a.message;
	EXPECT_TRUE(holds(a.message, server.address())) << a.message;
	EXPECT_FALSE(holds(a.message, "secretlist")) << a.message;
	/* The replies were all read: what came after a failure was applied. */
	EXPECT_EQ("1", client.get("c"));
}

TEST(SinkRedisStates, OutOfMemoryIsSaidAndEveryReplyRead)
{
	RedisServer server({"--maxmemory", "4mb", "--maxmemory-policy", "noeviction"});
	RedisClient client = server.connect();
	const Sink sink{Endpoint(server.address())};
	const Applied a = sink.apply(restores("k", 500, dump(client, std::string(20000, 'x'))));

	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, "x OOM ('OOM command not allowed")) << a.message;
	EXPECT_TRUE(holds(a.message, "maxmemory or let it evict")) << a.message;
	EXPECT_EQ(500u, a.result.applied + a.result.failed);
	EXPECT_GT(a.result.applied, 0u);
	EXPECT_EQ(static_cast<int64_t>(a.result.applied), client.dbsize());
}

TEST(SinkRedisStates, AReplicaIsSaidToBeOne)
{
	RedisServer master({"--repl-diskless-sync-delay", "0"});
	RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
	RedisClient client = replica.connect(), writer = master.connect();

	ASSERT_TRUE(support::wait_until([&] { return client.info("master_link_status") == "up"; },
		std::chrono::seconds(20)));
	const Sink sink{Endpoint(replica.address())};
	const Applied a = sink.apply(restores("k", 3, dump(writer, "v")));
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_EQ(3u, a.result.failed);
	EXPECT_TRUE(holds(a.message, "3 of 3 commands failed: 3 x READONLY")) << a.message;
	EXPECT_TRUE(holds(a.message, "name its master instead")) << a.message;
	EXPECT_EQ(0, client.dbsize());
}

TEST(SinkRedisStates, ARedisThatCannotSaveIsSaidToBeOne)
{
	RedisServer server({"--save", "3600 1000000", "--dbfilename", "taken"});
	RedisClient client = server.connect();
	const std::string payload = dump(client, "v");

	/* A directory in the place of the file. */
	ASSERT_EQ(0, mkdir((server.dir() + "/taken").c_str(), 0700));
	client.cmd("BGSAVE");
	ASSERT_TRUE(support::wait_until(
		[&] { return client.info("rdb_last_bgsave_status") == "err"; }));
	const Sink sink{Endpoint(server.address())};
	const Applied a = sink.apply(restore("k", payload));
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, "1 x MISCONF")) << a.message;
	EXPECT_TRUE(holds(a.message, "could not save to disk")) << a.message;
}

TEST(SinkRedisStates, GivesThePasswordOnBothKindsOfSocket)
{
	RedisServer server({"--requirepass", "p4ssw0rd"});
	RedisClient client = server.connect();
	const std::string bytes = restore("k", dump(client, "v"));

	for (const std::string &address : {server.address(), server.socket_path()}) {
		const Sink without{Endpoint(address)};
		const Applied refused = without.apply(bytes);
		EXPECT_EQ(DYN_ENTROPY_ERR_SINK, refused.status);
		EXPECT_TRUE(holds(refused.message, "NOAUTH")) << refused.message;
		EXPECT_FALSE(client.exists("k"));
		const Sink with{Endpoint(address, "p4ssw0rd")};
		const Applied a = with.apply(bytes);
		EXPECT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
		EXPECT_EQ(1u, a.result.applied);
		client.cmd("DEL", "k");
	}
}

/* Loading a thousand keys takes this one two seconds. */
const std::vector<std::string> kSlowLoad = {
	"--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"};

TEST(SinkRedisStates, LoadingIsWaitedFor)
{
	RedisServer server;
	std::string bytes;
	{
		RedisClient client = server.connect();
		bytes = restore("k", dump(client, "v"));
		for (int i = 0; i < 1000; i++)
			client.set("old" + std::to_string(i), std::string(100, 'x'));
		client.cmd("SAVE");
	}
	server.kill9();
	server.start_again(kSlowLoad, false);
	ASSERT_TRUE(holds(server.connect().error("GET", "k"), "LOADING"));

	Endpoint hasty(server.address());
	hasty.timeout_ms = 200;
	const Applied too_early = Sink(hasty).apply(bytes);
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, too_early.status);
	EXPECT_TRUE(holds(too_early.message, "LOADING")) << too_early.message;

	const Applied a = Sink(Endpoint(server.address())).apply(bytes);
	EXPECT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(1001, server.connect().dbsize());
}

TEST_F(SinkRedis, ARedisThatIsNotThereIsNamed)
{
	const Sink sink{Endpoint(server.address())};
	const std::string bytes = restore("k", dump(client, "v"));

	server.stop();
	const Applied a = sink.apply(bytes);
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, server.address())) << a.message;
	EXPECT_EQ(1u, a.result.commands);
	EXPECT_EQ(0u, a.result.applied);
	/* And it is taken again as soon as it is back. */
	server.start_again();
	EXPECT_EQ(DYN_ENTROPY_OK, sink.apply(bytes).status);
}

TEST_F(SinkRedis, ARedisThatDiesMeanwhileFailsTheSnapshot)
{
	constexpr int kKeys = 300000;
	const Sink sink{Endpoint(server.address())};
	const std::string bytes = restores("key:", kKeys, dump(client, std::string(40, 'v')));
	std::atomic<bool> ended{false};
	Applied a;

	support::JoiningThread applying([&] {
		a = sink.apply(bytes);
		ended = true;
	});
	/* So many that some of the replies have been read. */
	const bool begun =
		support::wait_until([&] { return ended || client.dbsize() > kKeys / 4; });
	server.kill9();
	applying.join();
	ASSERT_TRUE(begun);
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, "of 300000 commands were answered")) << a.message;
	EXPECT_EQ(static_cast<uint64_t>(kKeys), a.result.commands);
	EXPECT_GT(a.result.applied, 0u);
	EXPECT_LT(a.result.applied, static_cast<uint64_t>(kKeys));
}

TEST_F(SinkRedis, ARedisThatDoesNotAnswerIsGivenUp)
{
	Endpoint e(server.address());
	e.timeout_ms = 300;
	const Sink sink(e);
	const std::string bytes = restore("k", dump(client, "v"));
	const auto begin = Clock::now();

	server.pause();
	const Applied a = sink.apply(bytes);
	server.resume();
	EXPECT_EQ(DYN_ENTROPY_ERR_SINK, a.status);
	EXPECT_TRUE(holds(a.message, "no answer for 300 ms")) << a.message;
	EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(5)));
}

TEST_F(SinkRedis, CancelEndsIt)
{
	const support::Owned<dyn_entropy_cancel, dyn_entropy_cancel_free> cancel(
		dyn_entropy_cancel_new());
	Endpoint e(server.address());
	e.cancel = cancel.get();
	const Sink sink(e);
	const std::string bytes = restores("k", 200000, dump(client, std::string(100, 'v')));
	Applied a;

	support::JoiningThread applying([&] { a = sink.apply(bytes); });
	const bool begun = support::wait_until([&] { return client.dbsize() > 1000; });
	server.pause();
	const auto begin = Clock::now();
	dyn_entropy_cancel_set(cancel.get());
	applying.join();
	EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(1)));
	server.resume();
	EXPECT_TRUE(begun);
	EXPECT_EQ(DYN_ENTROPY_ERR_CANCELLED, a.status) << a.message;
	EXPECT_LT(a.result.applied, a.result.commands);
}

TEST_F(SinkRedis, ServesSeveralAtATime)
{
	constexpr int kThreads = 4, kKeys = 5000;
	const Sink sink{Endpoint(server.address())};
	const std::string payload = dump(client, "v");
	std::vector<support::JoiningThread> threads;
	std::vector<Applied> results(kThreads);

	for (int t = 0; t < kThreads; t++)
		threads.emplace_back([&, t] {
			const std::string prefix = "t" + std::to_string(t) + ":";
			results[static_cast<size_t>(t)] =
				sink.apply(restores(prefix, kKeys, payload));
		});
	for (support::JoiningThread &t : threads)
		t.join();
	for (const Applied &a : results) {
		EXPECT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
		EXPECT_EQ(static_cast<uint64_t>(kKeys), a.result.applied);
	}
	EXPECT_EQ(kThreads * kKeys, client.dbsize());
}

TEST(SinkRedisMaking, RefusesWhatIsNoAddress)
{
	dyn_entropy_redis r = {};
	dyn_entropy_sink sink = {};
	dyn_entropy_error err = {};

	for (const char *address : {static_cast<const char *>(nullptr), "", "nonsense"}) {
		r.address = address;
		EXPECT_EQ(DYN_ENTROPY_ERR_CONFIG, dyn_entropy_sink_redis(&r, nullptr, &sink, &err));
		EXPECT_EQ(DYN_ENTROPY_ERR_CONFIG, err.status);
	}
}

} // namespace
