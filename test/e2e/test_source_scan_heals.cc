/*
 * A scan, and a sink that takes it: the same data on both sides.
 */
#include "e2e/redis_channel.h"
#include "support/owned.h"
#include "support/redis_server.h"
#include "support/sanitized.h"
#include "support/stopper.h"

#include <functional>
#include <gtest/gtest.h>

using channel::Applied;
using channel::Endpoint;
using channel::fill;
using channel::kFar;
using channel::Scan;
using channel::Sink;
using support::RedisClient;
using support::RedisServer;

namespace
{

/* Scan the one and apply it all to the other. */
void heal(const Endpoint &from, const Endpoint &to, const dyn_entropy_source_options &options = {})
{
	const Sink sink(to);
	Scan scan(from, options);

	while (scan.next()) {
		const Applied a = sink.apply(scan.read());
		ASSERT_EQ(DYN_ENTROPY_OK, a.status) << a.message;
	}
	ASSERT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
}

/* A key of every type in every encoding that Redis has; each name begins with the encoding. */
void fill_every_kind(RedisClient &client)
{
	const std::string binary("\0\r\n\xff\x80 bin", 9);
	const auto many = [&](const std::string &command, const std::string &key, int n,
				  const std::function<std::vector<std::string>(int)> &item) {
		for (int i = 0; i < n; i++) {
			RedisClient::Args args = {command, key};
			for (const std::string &a : item(i))
				args.push_back(a);
			client.call(args);
		}
	};
	const auto n = [](int i) { return std::to_string(i); };
	const auto element = [&](int i) { return std::vector<std::string>{"element" + n(i)}; };

	client.set("int string", "12345");
	client.set("embstr string", "short");
	client.set("embstr empty", "");
	client.set("raw random", std::string(1000, 'r') + binary);
	client.set("raw " + binary, binary + std::string(100, '\0'));
	client.cmd("SETBIT", "raw bitmap", 100000, "1");
	many("PFADD", "raw hyperloglog", 2000, element);
	many("RPUSH", "quicklist short", 5, element);
	many("RPUSH", "quicklist long", 3000, element);
	client.cmd("RPUSH", "quicklist plain", std::string(20000, 'p'), "x", binary);
	many("SADD", "intset numbers", 100, [&](int i) { return std::vector<std::string>{n(i)}; });
	many("SADD", "hashtable set", 600, element);
	many("HSET", "listpack hash", 5, [&](int i) {
		return std::vector<std::string>{n(i), n(i)};
	});
	many("HSET", "hashtable hash", 600, [&](int i) {
		return std::vector<std::string>{"field" + n(i), "value" + n(i)};
	});
	many("ZADD", "listpack zset", 5, [&](int i) {
		return std::vector<std::string>{n(i) + ".5", "m" + n(i)};
	});
	many("ZADD", "skiplist zset", 300, [&](int i) {
		return std::vector<std::string>{n(i) + ".25", "m" + n(i)};
	});
	client.cmd("ZADD", "listpack infinite", "inf", "a", "-inf", "b", "1e-300", "c");
	client.cmd("GEOADD", "listpack geo", "13.361389", "38.115556", "Palermo");
	many("XADD", "stream long", 500, [&](int i) {
		return std::vector<std::string>{n(i + 1) + "-1", "f", n(i)};
	});
	client.cmd("XGROUP", "CREATE", "stream long", "group", "0");
	client.list("XREADGROUP", "GROUP", "group", "consumer", "COUNT", "7", "STREAMS",
		"stream long", ">");
	client.cmd("XACK", "stream long", "group", "1-1");
	client.cmd("XADD", "stream emptied", "5-5", "f", "v");
	client.cmd("XDEL", "stream emptied", "5-5");
	client.cmd("SET", "embstr expires", "v", "PXAT", kFar);
	client.cmd("PEXPIREAT", "hashtable hash", kFar);
	client.cmd("PEXPIREAT", "stream long", "4102444800123");
}

void expect_same(RedisClient &a, RedisClient &b)
{
	const std::vector<std::string> keys = a.list("KEYS", "*");

	EXPECT_EQ(a.dbsize(), b.dbsize());
	for (const std::string &key : keys) {
		EXPECT_EQ(a.cmd("TYPE", key), b.cmd("TYPE", key)) << key;
		EXPECT_EQ(a.cmd("PEXPIRETIME", key), b.cmd("PEXPIRETIME", key)) << key;
		EXPECT_EQ(a.cmd("OBJECT", "ENCODING", key), b.cmd("OBJECT", "ENCODING", key))
			<< key;
		EXPECT_EQ(
			a.list("DEBUG", "DIGEST-VALUE", key), b.list("DEBUG", "DIGEST-VALUE", key))
			<< key;
		/* A hash table has no order of its own; all else is the same to the byte. */
		if (a.cmd("OBJECT", "ENCODING", key) != "hashtable") {
			EXPECT_EQ(a.cmd("DUMP", key), b.cmd("DUMP", key)) << key;
		}
	}
}

TEST(SourceScanHeals, EveryTypeAndEncoding)
{
	RedisServer from, to;
	RedisClient a = from.connect(), b = to.connect();

	fill_every_kind(a);
	for (const std::string &key : a.list("KEYS", "*"))
		ASSERT_EQ(key.substr(0, key.find(' ')), a.cmd("OBJECT", "ENCODING", key)) << key;
	heal(Endpoint(from.address()), Endpoint(to.address()));
	expect_same(a, b);
	EXPECT_GE(a.dbsize(), 20);
}

TEST(SourceScanHeals, OverUnixSocketsWithPasswords)
{
	RedisServer from({"--requirepass", "one"}), to({"--requirepass", "two"});
	RedisClient a = from.connect(), b = to.connect();

	fill(a, 1000, 30);
	heal(Endpoint(from.socket_path(), "one"), Endpoint(to.socket_path(), "two"));
	expect_same(a, b);
}

TEST(SourceScanHeals, AValueOf100MB)
{
	RedisServer from, to;
	RedisClient a = from.connect(), b = to.connect();

	/* A repeated text would be compressed in the payload; this one cannot be. */
	a.cmd("SET", "small", "v");
	std::string chunk(1 << 20, '\0');
	uint32_t x = 1;
	for (int i = 0; i < 100; i++) {
		for (char &c : chunk) {
			x = x * 1664525 + 1013904223;
			c = static_cast<char>(x >> 24);
		}
		a.cmd("APPEND", "large", chunk);
	}
	heal(Endpoint(from.address()), Endpoint(to.address()));
	EXPECT_EQ(100 << 20, b.integer("STRLEN", "large"));
	EXPECT_EQ(
		a.list("DEBUG", "DIGEST-VALUE", "large"), b.list("DEBUG", "DIGEST-VALUE", "large"));
	EXPECT_EQ("v", b.get("small"));
}

TEST(SourceScanHeals, WithoutPexpiretime)
{
	RedisServer from({"--rename-command", "PEXPIRETIME", ""}), to;
	RedisClient a = from.connect(), b = to.connect();

	fill(a, 100, 10);
	for (int i = 0; i < 100; i += 2)
		a.cmd("PEXPIREAT", "key:" + std::to_string(i), kFar);
	heal(Endpoint(from.address()), Endpoint(to.address()));
	ASSERT_EQ(100, b.dbsize());
	for (int i = 0; i < 100; i++) {
		const int64_t at = b.integer("PEXPIRETIME", "key:" + std::to_string(i));
		if (i % 2)
			EXPECT_EQ(-1, at);
		else
			/* The time and the time left are read a moment apart. */
			EXPECT_NEAR(
				static_cast<double>(std::stoll(kFar)), static_cast<double>(at), 50);
	}
}

} // namespace
