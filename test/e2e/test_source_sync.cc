#include "e2e/drained_source.h"
#include "entropy/dynentropy.h"
#include "support/joining_thread.h"
#include "support/net.h"
#include "support/rdb_bytes.h"
#include "support/redis_server.h"
#include "support/wait.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

using namespace support;

namespace
{

/* Redis's own delay before a diskless dump is 5 s. */
const std::vector<std::string> kAtOnce = {"--repl-diskless-sync-delay", "0"};

using Args = RedisClient::Args;
using Source = DrainedSource;

/* ---- The data ---- */

std::string noise(size_t len, uint32_t seed)
{
	std::string s(len, '\0');

	for (char &c : s) {
		seed = seed * 1664525 + 1013904223;
		c = static_cast<char>(seed >> 24);
	}
	return s;
}

void fill_strings(RedisClient &c)
{
	c.cmd("SET", "string", "text");
	c.cmd("SET", "string:empty", "");
	c.cmd("SET", std::string("string:\0\r\n\xff*5", 14), std::string("\0\r\n$\xfe", 5));
	c.cmd("SET", "", "the empty key");
	c.cmd("SET", "string:lzf", std::string(5000, 'a') + "b" + std::string(5000, 'c'));
	c.cmd("SET", std::string(400, 'k'), "a key that Redis compresses");
	c.cmd("SET", "string:noise", noise(70000, 1));
	c.cmd("SET", "string:20MB", noise(20 * 1024 * 1024, 2));
	for (const char *n : {"0", "-1", "127", "-128", "32767", "-32768", "2147483647",
		     "-2147483648", "9223372036854775807", "12345678901"}) {
		c.cmd("SET", std::string("int:") + n, n);
		c.cmd("SET", n, "a key that is a number");
	}
	c.cmd("SETBIT", "string:bits", 100000, 1);
	c.cmd("PFADD", "hyperloglog", "a", "b", "c");
	c.cmd("GEOADD", "geo", "13.361389", "38.115556", "Palermo");
}

void fill_collections(RedisClient &c)
{
	std::vector<Args> commands;

	for (int i = 0; i < 2000; i++) {
		const std::string n = std::to_string(i);

		commands.push_back({"RPUSH", "list:quicklist", "element:" + n});
		commands.push_back({"SADD", "set:hashtable", "member:" + n});
		commands.push_back({"SADD", "set:intset:large", n + "000000000"});
		commands.push_back({"HSET", "hash:hashtable", "field:" + n, noise(20, 3)});
		commands.push_back({"ZADD", "zset:skiplist", n + ".5", "member:" + n});
		if (i < 10) {
			commands.push_back({"RPUSH", "list:listpack", n, "element:" + n});
			commands.push_back({"SADD", "set:intset", n});
			commands.push_back({"SADD", "set:small", "member:" + n});
			commands.push_back({"HSET", "hash:listpack", "field:" + n, n});
			commands.push_back({"ZADD", "zset:listpack", n, "member:" + n});
		}
	}
	commands.push_back({"RPUSH", "list:plain", noise(20000, 4), "x", noise(9000, 5)});
	commands.push_back({"HSET", "hash:long", "f", std::string(1000, 'v')});
	commands.push_back({"ZADD", "zset:extremes", "inf", "a", "-inf", "b", "1e300", "c", "-0.1",
		std::string(100, 'd')});
	c.pipeline(commands);
}

void fill_streams(RedisClient &c)
{
	std::vector<Args> commands;

	for (int i = 1; i <= 500; i++)
		commands.push_back({"XADD", "stream", std::to_string(i) + "-1", "f",
			std::to_string(i), "g", noise(30, 6)});
	c.pipeline(commands);
	c.cmd("XDEL", "stream", "7-1", "500-1");
	c.cmd("XGROUP", "CREATE", "stream", "group", "0");
	c.cmd("XGROUP", "CREATE", "stream", "idle", "$");
	c.cmd("XGROUP", "CREATECONSUMER", "stream", "group", "lazy");
	c.list("XREADGROUP", "GROUP", "group", "alice", "COUNT", 50, "STREAMS", "stream", ">");
	c.list("XREADGROUP", "GROUP", "group", "bob", "COUNT", 5, "STREAMS", "stream", ">");
	c.integer("XACK", "stream", "group", "1-1", "2-1");
	c.cmd("XADD", "stream:empty", "1-1", "f", "v");
	c.cmd("XDEL", "stream:empty", "1-1");
}

void fill(RedisClient &c)
{
	fill_strings(c);
	fill_collections(c);
	fill_streams(c);
	c.cmd("SET", "deadline:far", "v", "PXAT", "4102444800123");
	c.cmd("PEXPIREAT", "hash:long", "4102444800456");
	c.cmd("SET", "deadline:hour", "v", "EX", 3600);
}

/* ---- Comparing ---- */

std::vector<std::string> sorted(std::vector<std::string> v)
{
	std::sort(v.begin(), v.end());
	return v;
}

/* The pairs of a hash or a sorted set, whatever their order. */
std::vector<std::string> pairs(const std::vector<std::string> &v)
{
	std::vector<std::string> joined;

	for (size_t i = 0; i + 1 < v.size(); i += 2)
		joined.push_back(v[i] + '\0' + v[i + 1]);
	return sorted(joined);
}

/* All there is to say of a key: type, encoding, deadline, and content whatever its order. */
std::vector<std::string> portrait(RedisClient &c, const std::string &key)
{
	const std::string type = c.cmd("TYPE", key);
	std::vector<std::string> p, content;

	/* Of short strings the encoding tells how they were made, not what they are. */
	p = {type, type == "string" ? "" : c.cmd("OBJECT", "ENCODING", key),
		c.cmd("PEXPIRETIME", key)};
	if (type == "string")
		content = {c.cmd("GET", key)};
	else if (type == "list")
		content = c.list("LRANGE", key, 0, -1);
	else if (type == "set")
		content = sorted(c.list("SMEMBERS", key));
	else if (type == "hash")
		content = pairs(c.list("HGETALL", key));
	else if (type == "zset")
		content = pairs(c.list("ZRANGE", key, 0, -1, "WITHSCORES"));
	else if (type == "stream")
		content = c.list("XINFO", "STREAM", key, "FULL", "COUNT", 0);
	p.insert(p.end(), content.begin(), content.end());
	return p;
}

std::vector<std::string> keys(RedisClient &c)
{
	return sorted(c.list("KEYS", "*"));
}

/* Replay the commands into an empty Redis; both must then hold the same. */
void expect_equal_after_replay(RedisClient &from, const std::vector<Args> &commands)
{
	RedisServer server;
	RedisClient to = server.connect();

	to.pipeline(commands);
	ASSERT_EQ(keys(from), keys(to));
	for (const std::string &key : keys(from))
		EXPECT_TRUE(portrait(from, key) == portrait(to, key)) << key.substr(0, 100);
}

/* Each payload is to the byte what DUMP gives, and nothing comes twice. */
void expect_dumps(RedisClient &from, const std::vector<Args> &commands)
{
	std::set<std::string> seen;

	for (const Args &a : commands) {
		ASSERT_EQ(a.size(), 5u);
		EXPECT_EQ(a[0], "RESTORE");
		EXPECT_EQ(a[4], "ABSTTL");
		EXPECT_TRUE(seen.insert(a[1]).second) << "twice: " << a[1];
		EXPECT_TRUE(a[3] == from.cmd("DUMP", a[1])) << a[1].substr(0, 100);
		EXPECT_EQ(a[2] == "0" ? "-1" : a[2], from.cmd("PEXPIRETIME", a[1])) << a[1];
	}
}

void diskless(RedisClient &c, bool on)
{
	c.cmd("CONFIG", "SET", "repl-diskless-sync", on ? "yes" : "no");
	c.cmd("CONFIG", "SET", "repl-diskless-sync-delay", 0);
}

void expect_untouched(RedisServer &server, RedisClient &c)
{
	EXPECT_EQ(c.info("role"), "master");
	EXPECT_TRUE(wait_until([&] { return c.info("connected_slaves") == "0"; }))
		<< "the source hangs up when it has read all";
	EXPECT_EQ(server.log().find("REPLICAOF"), std::string::npos);
	EXPECT_EQ(server.log().find("Full resync"), std::string::npos) << "no offset was asked for";
}

} // namespace

/* ---- Every type and encoding, from real Redis to real Redis ---- */

TEST(SourceSync, CarriesEveryTypeAndEncodingInBothForms)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();

	fill(c);
	for (bool on : {true, false}) {
		Source s;

		diskless(c, on);
		s.sync(server.address(), 1000000);
		s.expect_end();
		EXPECT_GT(s.segments, 2);
		EXPECT_EQ(s.totals.not_carried, 0u) << s.totals.not_carried_what;
		EXPECT_EQ(s.totals.keys_expected, static_cast<uint64_t>(c.dbsize()));
		EXPECT_EQ(s.totals.bytes_expected > 0, !on) << "known where Redis says a length";
		EXPECT_EQ(s.commands.size(), static_cast<size_t>(c.dbsize()));
		expect_dumps(c, s.commands);
		expect_equal_after_replay(c, s.commands);
		expect_untouched(server, c);
	}
	EXPECT_NE(server.log().find("target: replicas sockets"), std::string::npos) << "diskless";
	EXPECT_NE(server.log().find("target: disk"), std::string::npos) << "with a disk";
}

TEST(SourceSync, CarriesTheSameFromAnRdbFile)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();

	fill(c);
	for (const char *compression : {"yes", "no"}) {
		Source s;

		c.cmd("CONFIG", "SET", "rdbcompression", compression);
		c.cmd("SAVE");
		s.rdb(server.dir() + "/dump.rdb");
		s.expect_end();
		expect_dumps(c, s.commands);
		expect_equal_after_replay(c, s.commands);
	}
}

TEST(SourceSync, CarriesWhatOlderRedisesWrote)
{
	const std::string zipmap = bytes({1, 1}) + "f" + bytes({1, 0}) + "v" + bytes({0xff});
	/* "a" and 1, after the total length, the last entry's place and the count. */
	const std::string ziplist = little(16, 4) + little(13, 4) + little(2, 2) + bytes({0, 1}) +
				    "a" + bytes({3, 0xf2}) + bytes({0xff});
	const std::string intset = little(2, 4) + little(2, 4) + little(1, 2) + little(7, 2);
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	TempDir dir;
	Source s;

	s.rdb(dir.write("old.rdb",
		rdb_file(bytes({0xfe, 0}) +
				 rdb_key(1, "list",
					 rdb_length(2) + rdb_string("a") + bytes({0xc0, 7})) +
				 rdb_key(2, "set", rdb_length(1) + rdb_string("m")) +
				 rdb_key(3, "zset",
					 rdb_length(2) + rdb_string("m") + bytes({3}) + "1.5" +
						 rdb_string("i") + bytes({254})) +
				 rdb_key(4, "hash",
					 rdb_length(1) + rdb_string("f") + rdb_string("v")) +
				 rdb_key(9, "zipmap", rdb_string(zipmap)) +
				 rdb_key(10, "list:ziplist", rdb_string(ziplist)) +
				 rdb_key(11, "set:intset", rdb_string(intset)) +
				 rdb_key(12, "zset:ziplist", rdb_string(ziplist)) +
				 rdb_key(13, "hash:ziplist", rdb_string(ziplist)) + bytes({0xfd}) +
				 little(2000000000, 4) +
				 rdb_key(14, "quicklist", rdb_length(1) + rdb_string(ziplist)),
			6)));
	s.expect_end();
	c.pipeline(s.commands);
	EXPECT_EQ(c.dbsize(), 10);
	EXPECT_EQ(c.list("LRANGE", "list", 0, -1), (Args{"a", "7"}));
	EXPECT_EQ(c.list("SMEMBERS", "set"), (Args{"m"}));
	EXPECT_EQ(c.list("ZRANGE", "zset", 0, -1, "WITHSCORES"), (Args{"m", "1.5", "i", "inf"}));
	EXPECT_EQ(c.list("HGETALL", "hash"), (Args{"f", "v"}));
	EXPECT_EQ(c.list("HGETALL", "zipmap"), (Args{"f", "v"}));
	EXPECT_EQ(c.list("LRANGE", "list:ziplist", 0, -1), (Args{"a", "1"}));
	EXPECT_EQ(sorted(c.list("SMEMBERS", "set:intset")), (Args{"1", "7"}));
	EXPECT_EQ(c.list("ZRANGE", "zset:ziplist", 0, -1, "WITHSCORES"), (Args{"a", "1"}));
	EXPECT_EQ(c.list("HGETALL", "hash:ziplist"), (Args{"a", "1"}));
	EXPECT_EQ(c.list("LRANGE", "quicklist", 0, -1), (Args{"a", "1"}));
	EXPECT_EQ(c.cmd("PEXPIRETIME", "quicklist"), "2000000000000");
}

/* The first form of streams is the second without some numbers. */
TEST(SourceSync, CarriesStreamsOfOlderRedises)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	TempDir dir;
	Source s;

	c.cmd("CONFIG", "SET", "rdbcompression", "no");
	c.cmd("XADD", "stream", "5-1", "f", "v");
	const std::string dump = c.cmd("DUMP", "stream");
	const std::string head = dump.substr(1, 1 + 17 + 1 + static_cast<unsigned char>(dump[19]));
	const std::string group = rdb_string("g") + bytes({5, 1, 1}) + big(5, 8) + big(1, 8) +
				  little(1700000000000, 8) + bytes({3, 1}) + rdb_string("alice") +
				  little(1700000000000, 8) + bytes({1}) + big(5, 8) + big(1, 8);
	s.rdb(dir.write(
		"old.rdb", rdb_file(rdb_key(15, "old", head + bytes({1, 5, 1, 1}) + group), 9)));
	s.expect_end();
	c.pipeline(s.commands);
	EXPECT_EQ(c.list("XRANGE", "old", "-", "+"), (Args{"5-1", "f", "v"}));
	EXPECT_EQ(c.list("XPENDING", "old", "g"), (Args{"1", "5-1", "5-1", "alice", "1"}));
}

TEST(SourceSync, NamesWhatItLeavesBehind)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	Source s;

	c.cmd("FUNCTION", "LOAD",
		"#!lua name=mylib\nredis.register_function('f', function() return 1 end)");
	c.cmd("SET", "here", "v");
	c.cmd("SELECT", 3);
	c.cmd("SET", "there", "v");
	c.cmd("HSET", "there too", "f", "v");
	s.sync(server.address());
	s.expect_end();
	ASSERT_EQ(s.commands.size(), 1u);
	EXPECT_EQ(s.commands[0][1], "here");
	EXPECT_EQ(s.totals.not_carried, 3u);
	EXPECT_STREQ(s.totals.not_carried_what, "1 function library, 2 keys of other databases");
}

TEST(SourceSync, ReadsAnEmptyRedis)
{
	RedisServer server(kAtOnce);
	Source s;

	s.sync(server.address());
	s.expect_end();
	EXPECT_EQ(s.segments, 0);
}

TEST(SourceSync, ReadsOverAUnixSocketWithAPassword)
{
	RedisServer server({"--requirepass", "sesame", "--repl-diskless-sync-delay", "0"});
	RedisClient c = server.connect();
	Source s, wrong, none;

	c.cmd("SET", "key", "v");
	s.sync(server.socket_path(), 0, nullptr, "sesame");
	s.expect_end();
	EXPECT_EQ(s.commands.size(), 1u);
	wrong.sync(server.address(), 0, nullptr, "mesase");
	wrong.expect_error("password");
	EXPECT_EQ(wrong.message().find("mesase"), std::string::npos) << "no secret in a message";
	none.sync(server.address());
	none.expect_error("NOAUTH");
}

TEST(SourceSync, SaysWhatAnAclDoesNotAllow)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	Source s;

	c.cmd("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@all", "-sync");
	s.sync(server.address(), 0, "reader", "pw");
	s.expect_error("NOPERM");
	EXPECT_NE(s.message().find("ACL"), std::string::npos) << s.message();
}

TEST(SourceSync, SaysThatAReplicaHasLostItsMaster)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	Source s;

	c.cmd("REPLICAOF", "127.0.0.1", free_port());
	s.sync(server.address());
	s.expect_error("NOMASTERLINK");
	EXPECT_NE(s.message().find("scan source"), std::string::npos) << s.message();
}

/* A target that takes it slowly must not keep Redis waiting, which drops slow replicas. */
TEST(SourceSync, IsReadWholeBeforeItsFirstSnapshotIsSent)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	struct dyn_entropy_source_options options = {};
	struct dyn_entropy_redis redis = {};
	struct dyn_entropy_source source = {};
	struct dyn_entropy_source_totals totals = {};
	struct dyn_entropy_error err = {};
	const std::string address = server.address();
	enum dyn_entropy_status status;
	uint32_t len;

	for (int i = 0; i < 40; i++)
		c.cmd("SET", "key:" + std::to_string(i), noise(1000000, static_cast<uint32_t>(i)));
	redis.address = address.c_str();
	options.segment_bytes = 3000000;
	ASSERT_EQ(dyn_entropy_source_sync(&redis, &options, &source, &err), DYN_ENTROPY_OK);
	ASSERT_EQ(source.ops->next(source.self, &len, &err), DYN_ENTROPY_OK) << err.message;
	server.kill9();
	while ((status = source.ops->next(source.self, &len, &err)) == DYN_ENTROPY_OK)
		;
	EXPECT_EQ(status, DYN_ENTROPY_END) << err.message;
	source.ops->totals(source.self, &totals);
	EXPECT_EQ(totals.keys, 40u);
	dyn_entropy_source_free(&source);
}

/* A dump to disk that fails would stop all writes. */
TEST(SourceSync, IsRefusedWhereItCouldStopTheWritesOfOthers)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	const auto open = [&] {
		const std::string address = server.address();
		struct dyn_entropy_redis redis = {};
		struct dyn_entropy_source source = {};
		struct dyn_entropy_error err = {};

		redis.address = address.c_str();
		const auto status = dyn_entropy_source_sync(&redis, nullptr, &source, &err);
		dyn_entropy_source_free(&source);
		return status;
	};

	c.cmd("CONFIG", "SET", "repl-diskless-sync", "no", "save", "3600 1");
	EXPECT_EQ(open(), DYN_ENTROPY_ERR_CONFIG);
	c.cmd("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
	EXPECT_EQ(open(), DYN_ENTROPY_OK);
	c.cmd("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "save", "");
	EXPECT_EQ(open(), DYN_ENTROPY_OK);
	c.cmd("CONFIG", "SET", "save", "3600 1", "repl-diskless-sync", "yes");
	EXPECT_EQ(open(), DYN_ENTROPY_OK);
}

TEST(SourceSync, IsCutShortByADyingRedis)
{
	RedisServer server(kAtOnce);
	RedisClient c = server.connect();
	struct dyn_entropy_source_options options = {};
	struct dyn_entropy_redis redis = {};
	struct dyn_entropy_source source = {};
	struct dyn_entropy_error err = {};
	const std::string address = server.address();
	enum dyn_entropy_status status;
	uint32_t len;

	for (int i = 0; i < 40; i++)
		c.cmd("SET", "key:" + std::to_string(i), noise(1000000, static_cast<uint32_t>(i)));
	redis.address = address.c_str();
	redis.timeout_ms = 10000;
	options.segment_bytes = 3000000;
	ASSERT_EQ(dyn_entropy_source_sync(&redis, &options, &source, &err), DYN_ENTROPY_OK);
	/* It makes its dump slowly, and dies meanwhile. */
	c.cmd("CONFIG", "SET", "rdb-key-save-delay", "100000");
	support::JoiningThread killer([&] {
		support::wait_until([&] { return c.info("rdb_bgsave_in_progress") == "1"; });
		server.kill9();
	});
	while ((status = source.ops->next(source.self, &len, &err)) == DYN_ENTROPY_OK)
		;
	killer.join();
	EXPECT_EQ(status, DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find(address), std::string::npos) << err.message;
	EXPECT_EQ(source.ops->next(source.self, &len, &err), DYN_ENTROPY_ERR_SOURCE);
	dyn_entropy_source_free(&source);
}
