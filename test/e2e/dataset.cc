#include "e2e/dataset.h"

#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

namespace e2e
{
namespace
{

using namespace support;
using Args = RedisClient::Args;

constexpr char kFarDeadline[] = "33177117420000"; /* ms, in the year 3021 */

std::string key_of(const std::string &name)
{
	return kDatasetPrefix + name;
}

std::string secret(size_t i)
{
	return kDatasetSecret + std::to_string(i);
}

std::string random_bytes(size_t len, uint64_t seed)
{
	std::mt19937_64 numbers(seed);
	std::string bytes;

	bytes.reserve(len + sizeof(uint64_t));
	while (bytes.size() < len) {
		const uint64_t n = numbers();
		bytes.append(reinterpret_cast<const char *>(&n), sizeof(n));
	}
	bytes.resize(len);
	return bytes;
}

/* Compresses well. */
std::string long_text(size_t bytes)
{
	std::string text;

	for (size_t i = 0; text.size() < bytes; i++)
		text += secret(i % 7) + " ";
	text.resize(bytes);
	return text;
}

void check_encoding(RedisClient &redis, const std::string &name, const std::string &expected)
{
	const std::string encoding = redis.cmd("OBJECT", "ENCODING", key_of(name));

	if (encoding != expected)
		throw std::runtime_error(name + " is encoded as " + encoding + ", not " + expected);
}

/* command key item item ... */
void write_many(RedisClient &redis, const std::string &command, const std::string &name,
	const std::vector<std::string> &items, const std::string &encoding)
{
	Args args = {command, key_of(name)};

	args.insert(args.end(), items.begin(), items.end());
	redis.call(args);
	check_encoding(redis, name, encoding);
}

std::vector<std::string> texts(size_t n)
{
	std::vector<std::string> all;

	for (size_t i = 0; i < n; i++)
		all.push_back(secret(i));
	return all;
}

std::vector<std::string> numbers(int64_t from, size_t n, int64_t step)
{
	std::vector<std::string> all;

	for (size_t i = 0; i < n; i++)
		all.push_back(std::to_string(from + static_cast<int64_t>(i) * step));
	return all;
}

/* a0 b0 a1 b1 ... */
std::vector<std::string> pairs(const std::vector<std::string> &a, const std::vector<std::string> &b)
{
	std::vector<std::string> all;

	for (size_t i = 0; i < a.size(); i++) {
		all.push_back(a[i]);
		all.push_back(b[i]);
	}
	return all;
}

void write_strings_of_all_kinds(RedisClient &redis)
{
	std::string every_byte;

	for (int i = 0; i < 256; i++)
		every_byte += static_cast<char>(i);
	for (const char *number : {"0", "-1", "127", "-128", "32767", "-32768", "2147483647",
		     "-2147483648", "9223372036854775807", "-9223372036854775808"})
		redis.set(key_of("int:") + number, number);
	check_encoding(redis, "int:127", "int");
	redis.set(key_of("embstr"), secret(0));
	check_encoding(redis, "embstr", "embstr");
	redis.set(key_of("lzf"), long_text(20000));
	redis.set(key_of("incompressible"), random_bytes(20000, 1));
	check_encoding(redis, "incompressible", "raw");
	redis.set(key_of("empty value"), "");
	redis.set(key_of(every_byte), every_byte);
	redis.set(key_of("\r\n$3\r\n*1\r\n"), std::string("\0\r\n", 3));
	redis.set("", "the empty key");
	redis.set(key_of(long_text(5000)), "a long name");
	redis.cmd("PFADD", key_of("hyperloglog"), "a", "b", "c", "d");
	redis.cmd("SETBIT", key_of("bitmap"), 100000, 1);
}

void write_lists(RedisClient &redis)
{
	/* 7.0 has a quicklist of one listpack for a small list; large items are nodes of their
	 * own. */
	write_many(redis, "RPUSH", "list:small", texts(3), "quicklist");
	write_many(redis, "RPUSH", "list:numbers", numbers(-70000, 3000, 47), "quicklist");
	write_many(redis, "RPUSH", "list:many nodes", texts(5000), "quicklist");
	write_many(redis, "RPUSH", "list:plain nodes",
		{long_text(12000), random_bytes(12000, 2), "", long_text(100)}, "quicklist");
}

void write_sets(RedisClient &redis)
{
	write_many(redis, "SADD", "set:int16", numbers(-300, 100, 7), "intset");
	write_many(redis, "SADD", "set:int32", numbers(70000, 100, 7), "intset");
	write_many(redis, "SADD", "set:int64", numbers(INT64_C(1) << 40, 100, 7), "intset");
	write_many(redis, "SADD", "set:small", texts(3), "hashtable");
	write_many(redis, "SADD", "set:large", texts(2000), "hashtable");
}

void write_hashes(RedisClient &redis)
{
	write_many(redis, "HSET", "hash:small", pairs(texts(5), numbers(-2, 5, 1)), "listpack");
	write_many(
		redis, "HSET", "hash:large", pairs(numbers(0, 1000, 1), texts(1000)), "hashtable");
	write_many(redis, "HSET", "hash:long field", {long_text(100), random_bytes(300, 3)},
		"hashtable");
}

void write_sorted_sets(RedisClient &redis)
{
	write_many(redis, "ZADD", "zset:small",
		{"-inf", "a", "+inf", "b", "0", "c", "-1.5", "d", "3.0000000000000004", "e"},
		"listpack");
	write_many(redis, "ZADD", "zset:large", pairs(numbers(-500, 1000, 1), texts(1000)),
		"skiplist");
	write_many(redis, "ZADD", "zset:long member",
		{"1e300", long_text(200), "1e-300", secret(1), "inf", secret(2)}, "skiplist");
	redis.cmd("GEOADD", key_of("geo"), "13.361389", "38.115556", "Palermo", "15.087269",
		"37.502669", "Catania");
}

void write_streams(RedisClient &redis)
{
	const std::string large = key_of("stream:groups"), deleted = key_of("stream:deleted");
	const std::string empty = key_of("stream:empty"), varied = key_of("stream:fields");

	for (int i = 1; i <= 500; i++)
		redis.cmd("XADD", large, std::to_string(i) + "-1", "field", secret(1), "n", i);
	redis.cmd("XGROUP", "CREATE", large, "readers", "0");
	redis.cmd("XGROUP", "CREATE", large, "late", "$");
	redis.cmd("XGROUP", "CREATECONSUMER", large, "readers", "idle");
	redis.list("XREADGROUP", "GROUP", "readers", "one", "COUNT", 120, "STREAMS", large, ">");
	redis.list("XREADGROUP", "GROUP", "readers", "two", "COUNT", 30, "STREAMS", large, ">");
	redis.cmd("XACK", large, "readers", "1-1", "2-1", "125-1");
	redis.cmd("XDEL", large, "3-1", "130-1", "400-1");
	for (int i = 1; i <= 10; i++)
		redis.cmd("XADD", deleted, std::to_string(i) + "-0", "f", "v");
	for (int i = 1; i <= 10; i++)
		redis.cmd("XDEL", deleted, std::to_string(i) + "-0");
	redis.cmd("XGROUP", "CREATE", empty, "g", "$", "MKSTREAM");
	redis.cmd("XADD", varied, "1-0", "a", "1", "b", random_bytes(100, 4));
	redis.cmd("XADD", varied, "1-1", "c", "");
	redis.cmd(
		"XADD", varied, "18446744073709551614-18446744073709551614", "d", long_text(3000));
	redis.cmd("XTRIM", varied, "MAXLEN", 2);
	check_encoding(redis, "stream:groups", "stream");
}

/* An expiry on a key of each type. */
void write_expiries(RedisClient &redis)
{
	redis.set(key_of("expires:string"), secret(9));
	redis.cmd("RPUSH", key_of("expires:list"), "a", "b");
	redis.cmd("SADD", key_of("expires:set"), "a", "1");
	redis.cmd("HSET", key_of("expires:hash"), "f", secret(9));
	redis.cmd("ZADD", key_of("expires:zset"), 1, "m");
	redis.cmd("XADD", key_of("expires:stream"), "5-5", "f", "v");
	for (const char *type : {"string", "list", "set", "hash", "zset", "stream"})
		redis.cmd("PEXPIREAT", key_of("expires:") + type, kFarDeadline);
	redis.cmd("SET", key_of("expires:day"), secret(8), "EX", 86400);
	redis.cmd("SET", key_of("expires:odd"), secret(8), "PX", 7654321);
}

} // namespace

void write_every_type(RedisClient &redis)
{
	write_strings_of_all_kinds(redis);
	write_lists(redis);
	write_sets(redis);
	write_hashes(redis);
	write_sorted_sets(redis);
	write_streams(redis);
	write_expiries(redis);
}

std::string string_key(size_t i)
{
	return key_of("string:") + std::to_string(i);
}

void write_strings(RedisClient &redis, size_t n, size_t value_bytes)
{
	std::vector<Args> commands;

	for (size_t i = 0; i < n; i++) {
		std::string value = secret(i);
		if (value.size() < value_bytes)
			value += random_bytes(value_bytes - value.size(), i);
		commands.push_back({"SET", string_key(i), value});
	}
	redis.pipeline(commands);
}

void write_large(RedisClient &redis, const std::string &key, size_t bytes)
{
	redis.set(key, random_bytes(bytes, bytes));
}

} // namespace e2e
