#include "e2e/redis_channel.h"
#include "support/redis_server.h"
#include "support/resp.h"
#include "support/text.h"

#include <cstddef>
#include <functional>
#include <gtest/gtest.h>
#include <map>

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

namespace
{

/* Records the calls of may_restore(), and lets each key be restored this many times. */
struct Guard {
	std::vector<std::pair<std::string, int64_t>> asked;
	std::map<std::string, int> allowed; /* others: as often as it asks */
	std::function<void(const std::string &)> before = [](const std::string &) {};

	static bool may_restore(void *arg, const void *key, size_t len, int64_t session_began_ms)
	{
		Guard *g = static_cast<Guard *>(arg);
		const std::string k(static_cast<const char *>(key), len);

		g->asked.emplace_back(k, session_began_ms);
		g->before(k);
		const auto left = g->allowed.find(k);
		return left == g->allowed.end() || left->second-- > 0;
	}

	dyn_entropy_sink_redis_options options(
		dyn_entropy_accept accept = DYN_ENTROPY_ACCEPT_RESTORE)
	{
		dyn_entropy_sink_redis_options o = {};

		o.struct_size = sizeof(o);
		o.accept = accept;
		o.may_restore = may_restore;
		o.may_restore_arg = this;
		return o;
	}

	int times(const std::string &key) const
	{
		int n = 0;

		for (const auto &a : asked)
			n += a.first == key;
		return n;
	}
};

class SinkGuard : public testing::Test
{
      protected:
	RedisServer server;
	RedisClient client = server.connect();
};

TEST_F(SinkGuard, LeavesAloneWhatMayNotBeRestored)
{
	Guard guard;
	Sink sink(Endpoint(server.address()), guard.options());
	const std::string payload = dump(client, "value"), nasty("n\0\r\n*1", 6);
	const std::string large = dump(client, std::string(300000, 'x'));
	const std::string long_key(200000, 'k');

	sink.began_ms = 4711;
	guard.allowed = {{"a7", 0}, {"a4999", 0}, {nasty, 0}, {"large", 0}};
	client.set("a8", "ours");
	const Applied a = sink.apply(restores("a", 5000, payload) + restore(nasty, payload) +
				     restore("large", large) + restore("large too", large) +
				     restore(long_key, payload) + restore("", payload) +
				     resp({"restore", "z", "0", payload}));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(5006u, a.result.commands);
	EXPECT_EQ(4u, a.result.left_alone);
	EXPECT_EQ(1u, a.result.kept);
	EXPECT_EQ(5001u, a.result.applied);
	EXPECT_EQ(0u, a.result.failed);
	EXPECT_EQ(5002, client.dbsize());
	for (const std::string &key :
		{std::string("a7"), std::string("a4999"), nasty, std::string("large")}) {
		EXPECT_EQ("0", client.cmd("EXISTS", key));
		EXPECT_EQ(1, guard.times(key));
	}
	EXPECT_EQ("value", client.get("a4998"));
	EXPECT_EQ("value", client.get("z"));
	EXPECT_EQ("value", client.get(""));
	EXPECT_EQ("value", client.get(long_key));
	EXPECT_EQ(std::string(300000, 'x'), client.get("large too"));
	EXPECT_EQ(2, guard.times("a4998")) << "before it is sent, and when it is there";
	EXPECT_EQ(1, guard.times("a8")) << "what was kept needs no second look";
	for (const auto &asked : guard.asked)
		ASSERT_EQ(4711, asked.second);
}

TEST_F(SinkGuard, TakesOutAgainWhatWasWrittenWhileItWasRestored)
{
	Guard guard;
	const Sink sink(Endpoint(server.address()), guard.options());
	const std::string payload = dump(client, "value");
	std::string snapshot = restores("a", 100, payload);

	/* Of each type, large enough for Redis to keep it as a table. */
	for (int i = 0; i < 2000; i++) {
		client.cmd("HSET", "dumped", "f" + std::to_string(i), "v");
		client.cmd("SADD", "dumped set", "m" + std::to_string(i));
		client.cmd("ZADD", "dumped zset", std::to_string(i), "m" + std::to_string(i));
		client.cmd("RPUSH", "dumped list", "m" + std::to_string(i));
	}
	for (const char *key : {"dumped", "dumped set", "dumped zset", "dumped list"}) {
		snapshot += restore(key, client.cmd("DUMP", key));
		client.cmd("DEL", key);
		guard.allowed[key] = 1;
	}
	guard.allowed["a7"] = guard.allowed["a99"] = 1;
	const Applied a = sink.apply(snapshot);
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(6u, a.result.left_alone);
	EXPECT_EQ(98u, a.result.applied);
	EXPECT_EQ(0u, a.result.failed);
	EXPECT_EQ(98, client.dbsize());
	EXPECT_EQ("0", client.cmd("EXISTS", "a7"));
}

TEST_F(SinkGuard, LeavesWhatWasWrittenOverWhatItRestored)
{
	Guard guard;
	const Sink sink(Endpoint(server.address()), guard.options());
	const std::string payload = dump(client, "value");

	guard.allowed = {{"set", 1}, {"deleted", 1}, {"appended", 1}, {"undone", 1}};
	guard.before = [&](const std::string &key) {
		if (guard.times(key) < 2)
			return;
		if (key == "set")
			client.set("set", "other");
		else if (key == "deleted")
			client.cmd("DEL", "deleted");
		else if (key == "appended")
			client.cmd("APPEND", "appended", "s");
	};
	const Applied a = sink.apply(restore("set", payload) + restore("deleted", payload) +
				     restore("appended", payload) + restore("undone", payload));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(2u, a.result.left_alone);
	EXPECT_EQ(2u, a.result.applied);
	EXPECT_EQ("other", client.get("set"));
	EXPECT_EQ("values", client.get("appended"));
	EXPECT_EQ(2, client.dbsize());
}

TEST_F(SinkGuard, AsksForTheKeysThatDataCommandsCreate)
{
	Guard guard;
	const Sink sink(Endpoint(server.address()), guard.options(DYN_ENTROPY_ACCEPT_DATA));
	std::vector<std::string> mset = {"MSET"};

	for (int i = 0; i < 50; i++) {
		mset.push_back("m" + std::to_string(i));
		mset.push_back(std::string(1000, 'v'));
	}
	client.set("gone", "1");
	client.cmd("SADD", "from", "x");
	guard.allowed = {{"s2", 0}, {"gone", 0}, {"m49", 0}, {"to", 0}};
	const Applied a =
		sink.apply(resp({"SELECT", "0"}) + resp({"SET", "s1", "v", "EX", "1000"}) +
			   resp({"SET", "s2", "v"}) + resp({"DEL", "gone"}) + resp(mset) +
			   resp({"MSET", "n1", "m49", "n2", "v"}) +
			   resp({"SMOVE", "from", "to", "x"}) + resp({"BITOP", "NOT", "b", "s1"}));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(8u, a.result.commands);
	EXPECT_EQ(3u, a.result.left_alone);
	EXPECT_EQ(5u, a.result.applied);
	EXPECT_EQ("v", client.get("s1"));
	EXPECT_EQ("m49", client.get("n1")) << "a value is no key";
	EXPECT_EQ("1", client.cmd("EXISTS", "b"));
	EXPECT_EQ("1", client.cmd("EXISTS", "from"));
	EXPECT_EQ("0", client.cmd("EXISTS", "s2", "gone", "m0", "m49", "to"));
	EXPECT_EQ(0, guard.times("gone")) << "what deletes cannot bring back";
}

TEST_F(SinkGuard, GuardsNothingWithoutItsOptions)
{
	const std::string payload = dump(client, "v");
	dyn_entropy_sink_redis_options o = Guard().options();
	dyn_entropy_redis r = {};
	dyn_entropy_sink sink = {};
	dyn_entropy_error err = {};
	const std::string address = server.address();

	/* From an older caller with fewer fields: memory after them is not read. */
	o.struct_size = offsetof(dyn_entropy_sink_redis_options, may_restore);
	o.may_restore_arg = nullptr;
	const Applied a = Sink(Endpoint(server.address()), o).apply(restore("k", payload));
	ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	EXPECT_EQ(1u, a.result.applied);
	o.struct_size = 0;
	r.address = address.c_str();
	EXPECT_EQ(DYN_ENTROPY_ERR_CONFIG, dyn_entropy_sink_redis(&r, &o, &sink, &err));
	EXPECT_TRUE(holds(err.message, "struct_size")) << err.message;
}

} // namespace
