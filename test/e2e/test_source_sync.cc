#include "support/rdb_bytes.h"
#include "support/redis_server.h"
#include "support/wait.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" {
#include "base/clock.h"
#include "entropy/dynentropy.h"
}

using namespace support;

namespace
{

/* Redis's own delay before a diskless dump is 5 s. */
const std::vector<std::string> kAtOnce = {"--repl-diskless-sync-delay", "0"};

using Args = RedisClient::Args;

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

/* ---- A source, and what comes out of it ---- */

/* Take apart commands that must be arrays of bulk strings, and nothing else. */
std::vector<Args> parse(const std::string &resp)
{
	std::vector<Args> commands;
	size_t at = 0;
	auto number = [&](char mark) {
		const size_t end = resp.find("\r\n", at);

		if (at >= resp.size() || resp[at] != mark || end == std::string::npos)
			throw std::runtime_error("not RESP at " + std::to_string(at));
		const size_t n = std::stoul(resp.substr(at + 1, end - at - 1));
		at = end + 2;
		return n;
	};

	while (at < resp.size()) {
		Args args;

		for (size_t left = number('*'); left > 0; left--) {
			const size_t len = number('$');

			if (at + len + 2 > resp.size() || resp.compare(at + len, 2, "\r\n") != 0)
				throw std::runtime_error("no end of a bulk string");
			args.push_back(resp.substr(at, len));
			at += len + 2;
		}
		commands.push_back(args);
	}
	return commands;
}

struct Source {
	struct dyn_entropy_source source = {};
	struct dyn_entropy_error err = {};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	std::vector<Args> commands;
	int segments = 0;
	struct dyn_entropy_source_totals totals = {};

	~Source()
	{
		dyn_entropy_source_free(&source);
	}
	void sync(const std::string &address, uint32_t segment_bytes = 0,
		const char *user = nullptr, const char *password = nullptr,
		uint32_t timeout_ms = 10000, dyn_entropy_cancel *cancel = nullptr)
	{
		struct dyn_entropy_redis redis = {};
		struct dyn_entropy_source_options options = {};

		redis.address = address.c_str();
		redis.user = user;
		redis.password = password;
		redis.timeout_ms = timeout_ms;
		redis.cancel = cancel;
		options.segment_bytes = segment_bytes;
		status = dyn_entropy_source_sync(&redis, &options, &source, &err);
		drain();
	}
	void rdb(const std::string &path, uint32_t segment_bytes = 0)
	{
		struct dyn_entropy_source_options options = {};

		options.segment_bytes = segment_bytes;
		status = dyn_entropy_source_rdb(path.c_str(), &options, &source, &err);
		drain();
	}
	/* Every segment to its end; the commands of those that came whole. */
	void drain()
	{
		uint32_t len;

		if (status != DYN_ENTROPY_OK)
			return;
		while ((status = source.ops->next(source.self, &len, &err)) == DYN_ENTROPY_OK) {
			std::string all(len, '\0');
			size_t at = 0, n = 1;

			segments++;
			while (n > 0 && at < len) {
				ASSERT_EQ(
					source.ops->read(source.self, &all[at], len - at, &n, &err),
					DYN_ENTROPY_OK);
				at += n;
			}
			ASSERT_EQ(at, len);
			for (Args &command : parse(all))
				commands.push_back(std::move(command));
		}
		source.ops->totals(source.self, &totals);
	}
	std::string message() const
	{
		return err.message;
	}
	void expect_end() const
	{
		EXPECT_EQ(status, DYN_ENTROPY_END) << err.message;
		EXPECT_EQ(totals.keys, commands.size());
	}
	void expect_error(const std::string &words) const
	{
		EXPECT_EQ(status, DYN_ENTROPY_ERR_SOURCE);
		EXPECT_NE(message().find(words), std::string::npos) << message();
		EXPECT_TRUE(commands.empty());
	}
};

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

/* ---- A Redis that answers SYNC as a test wants it ---- */

class FakeRedis
{
      public:
	/* After SYNC, answer() has the socket; then it is closed. */
	explicit FakeRedis(std::function<void(int)> answer) : answer_(std::move(answer))
	{
		struct sockaddr_in sa = {};
		socklen_t len = sizeof(sa);

		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(listener_, reinterpret_cast<struct sockaddr *>(&sa), sizeof(sa)) != 0 ||
			listen(listener_, 1) != 0 ||
			getsockname(listener_, reinterpret_cast<struct sockaddr *>(&sa), &len) != 0)
			throw std::runtime_error("cannot listen");
		port_ = ntohs(sa.sin_port);
		thread_ = std::thread([this] { serve(); });
	}
	~FakeRedis()
	{
		shutdown(listener_, SHUT_RDWR);
		thread_.join();
		close(listener_);
	}
	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port_);
	}
	static void say(int fd, const std::string &s)
	{
		size_t at = 0;

		while (at < s.size()) {
			const ssize_t n = send(fd, s.data() + at, s.size() - at, MSG_NOSIGNAL);

			if (n <= 0)
				return;
			at += static_cast<size_t>(n);
		}
	}
	/* Until the other side hangs up. */
	static void wait_for_end(int fd)
	{
		char c;

		while (recv(fd, &c, 1, 0) > 0)
			;
	}
	std::string heard() const /* what came; once the source is gone */
	{
		return heard_;
	}

      private:
	std::function<void(int)> answer_;
	std::string heard_;
	int listener_;
	uint16_t port_;
	std::thread thread_;

	void serve()
	{
		const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
		char piece[4096];
		ssize_t n;

		if (fd < 0)
			return;
		while (heard_.find("SYNC\r\n") == std::string::npos &&
			(n = recv(fd, piece, sizeof(piece), 0)) > 0) {
			heard_.append(piece, static_cast<size_t>(n));
			if (heard_.find("SYNC\r\n") == std::string::npos)
				say(fd, std::string(piece, static_cast<size_t>(n)).find("PING") !=
							std::string::npos
						? "+PONG\r\n"
						: "-ERR Unrecognized REPLCONF option\r\n");
		}
		answer_(fd);
		close(fd);
	}
};

const std::string kDelimiter = "0123456789abcdef0123456789abcdef01234567";

std::string small_rdb()
{
	return rdb_file(rdb_key(0, "a", rdb_string("1")) + rdb_key(0, "b", rdb_string("2")), 10);
}

std::string by_length(const std::string &rdb)
{
	return "$" + std::to_string(rdb.size()) + "\r\n" + rdb;
}

std::string by_delimiter(const std::string &rdb)
{
	return "$EOF:" + kDelimiter + "\r\n" + rdb + kDelimiter;
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
	ASSERT_EQ(source.ops->next(source.self, &len, &err), DYN_ENTROPY_OK) << err.message;
	server.kill9();
	while ((status = source.ops->next(source.self, &len, &err)) == DYN_ENTROPY_OK)
		;
	EXPECT_EQ(status, DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find(address), std::string::npos) << err.message;
	EXPECT_EQ(source.ops->next(source.self, &len, &err), DYN_ENTROPY_ERR_SOURCE);
	dyn_entropy_source_free(&source);
}

/* ---- Answers that a real Redis gives only at bad times ---- */

TEST(SourceSync, TakesTheDumpInBothFormsAndAnyPieces)
{
	for (const std::string &answer : {by_length(small_rdb()), by_delimiter(small_rdb()),
		     by_delimiter(small_rdb()) + "*1\r\n$4\r\nPING\r\n"})
		for (size_t piece : {size_t{1}, size_t{5}, SIZE_MAX}) {
			FakeRedis redis([&](int fd) {
				for (size_t at = 0; at < answer.size();
					at += std::min(piece, answer.size()))
					FakeRedis::say(fd, answer.substr(at, piece));
				FakeRedis::wait_for_end(fd);
			});
			Source s;

			s.sync(redis.address());
			s.expect_end();
			EXPECT_EQ(s.commands.size(), 2u);
		}
}

TEST(SourceSync, AsksForAnRdbAndNothingElse)
{
	std::string heard;
	{
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, by_length(small_rdb()));
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_end();
		heard = redis.heard();
	}
	std::vector<Args> commands = parse(heard);
	commands.erase(std::remove(commands.begin(), commands.end(), Args{"PING"}), commands.end());
	EXPECT_EQ(commands, (std::vector<Args>{{"REPLCONF", "capa", "eof"},
				    {"REPLCONF", "rdb-only", "1"}, {"SYNC"}}));
}

TEST(SourceSync, WaitsAsLongAsRedisSaysThatItPrepares)
{
	const int64_t begun_ms = clock_monotonic_ms();
	FakeRedis redis([](int fd) {
		for (int i = 0; i < 10; i++) {
			FakeRedis::say(fd, "\n");
			std::this_thread::sleep_for(std::chrono::milliseconds(100));
		}
		FakeRedis::say(fd, "\n\n" + by_delimiter(small_rdb()));
		FakeRedis::wait_for_end(fd);
	});
	Source s;

	s.sync(redis.address(), 0, nullptr, nullptr, 500);
	s.expect_end();
	EXPECT_EQ(s.commands.size(), 2u);
	EXPECT_GE(clock_monotonic_ms() - begun_ms, 1000) << "longer than its timeout";
}

TEST(SourceSync, GivesUpOnASilentRedis)
{
	for (const std::string &said :
		{std::string(), std::string("\n"), by_length(small_rdb()).substr(0, 30)}) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, said);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address(), 0, nullptr, nullptr, 200);
		s.expect_error("nothing came in time");
		EXPECT_NE(s.message().find(redis.address()), std::string::npos) << s.message();
	}
}

TEST(SourceSync, CanBeCancelledWhileItWaits)
{
	dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "\n");
		dyn_entropy_cancel_set(cancel);
		FakeRedis::wait_for_end(fd);
	});
	const int64_t begun_ms = clock_monotonic_ms();
	{
		Source s;

		s.sync(redis.address(), 0, nullptr, nullptr, 60000, cancel);
		EXPECT_EQ(s.status, DYN_ENTROPY_ERR_CANCELLED) << s.message();
	}
	EXPECT_LT(clock_monotonic_ms() - begun_ms, 5000);
	dyn_entropy_cancel_free(cancel);
}

TEST(SourceSync, PassesRefusalsOnWithTheirRemedy)
{
	const struct {
		const char *reply, *words, *remedy;
	} refusals[] = {
		{"-LOADING Redis is loading the dataset in memory\r\n", "LOADING", "try again"},
		{"-NOAUTH Authentication required.\r\n", "NOAUTH", "requirepass"},
		{"-ERR unknown command 'SYNC', with args beginning with: \r\n", "unknown command",
			"scan source"},
		{"-BGSAVE failed, replication can't continue\r\n", "BGSAVE failed", ""},
		{"\n\n-ERR late\r\n", "ERR late", ""},
		{"+FULLRESYNC x 1\r\n", "neither a dump nor an error", ""},
		{"$0\r\n", "neither a dump nor an error", ""},
		{"$-1\r\n", "neither a dump nor an error", ""},
		{"$99999999999999999999\r\n", "neither a dump nor an error", ""},
		{"$EOF:short\r\n", "neither a dump nor an error", ""},
		{"HTTP/1.1 400 Bad Request\r\n", "neither a dump nor an error", ""},
	};

	for (const auto &r : refusals) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, r.reply);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_error(r.words);
		EXPECT_NE(s.message().find(r.remedy), std::string::npos) << s.message();
		EXPECT_NE(s.message().find(redis.address()), std::string::npos) << s.message();
	}
}

TEST(SourceSync, RefusesALineWithoutEnd)
{
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "$" + std::string(100000, '1'));
		FakeRedis::wait_for_end(fd);
	});
	Source s;

	s.sync(redis.address());
	s.expect_error("neither a dump nor an error");
}

/* Cut at any byte, in either form, it is an error, and what came of it is not given out. */
TEST(SourceSync, CutAtEveryByteItFails)
{
	for (const std::string &whole : {by_length(small_rdb()), by_delimiter(small_rdb())})
		for (size_t len = 0; len < whole.size(); len++) {
			FakeRedis redis([&](int fd) { FakeRedis::say(fd, whole.substr(0, len)); });
			Source s;

			s.sync(redis.address());
			s.expect_error("closed the connection");
		}
}

TEST(SourceSync, RefusesADumpThatDoesNotEndWhereItShould)
{
	const std::string rdb = small_rdb();
	const std::string answers[] = {
		"$" + std::to_string(rdb.size() + 4) + "\r\n" + rdb + "more",
		"$EOF:" + kDelimiter + "\r\n" + rdb + std::string(40, 'x'),
	};

	for (const std::string &answer : answers) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, answer);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_error("does not end where");
	}
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "$" + std::to_string(rdb.size() - 3) + "\r\n" + rdb);
		FakeRedis::wait_for_end(fd);
	});
	Source s;
	s.sync(redis.address());
	s.expect_error("cut short");
}
