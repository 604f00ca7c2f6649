/* dyn-entropy compare: what is equal, what differs, and what it could not tell. */
#include "e2e/dataset.h"
#include "support/net.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/sanitized.h"
#include "support/wait.h"
#include "tools/compare.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using support::Process;
using support::RedisClient;
using support::RedisReply;
using support::RedisServer;
using support::TempDir;
using Args = RedisClient::Args;

namespace
{

constexpr int kEqual = 0, kDiffer = 1, kUnclear = 2;

struct Outcome {
	int code;
	std::string out; /* standard output */
	std::string err;

	/* A number of the result object; -1 when it is not there. */
	long number(const std::string &field) const
	{
		const size_t result = out.find("\"event\":\"result\"");
		const size_t at = out.find("\"" + field + "\":", result);

		if (result == std::string::npos || at == std::string::npos)
			return -1;
		return std::stol(out.substr(at + field.size() + 3));
	}
};

Outcome finish(Process &p)
{
	const int code = p.wait(std::chrono::seconds(120));

	return {code, p.out(), p.err()};
}

Outcome compare(const std::string &a, const std::string &b, std::vector<std::string> more = {},
	std::vector<std::string> env = {})
{
	std::vector<std::string> argv = {support::dyn_entropy_program(), "compare", a, b, "--json"};

	argv.insert(argv.end(), more.begin(), more.end());
	Process p(argv, env);
	return finish(p);
}

/* Two Redis and a client of each. */
class Compare : public testing::Test
{
      protected:
	RedisServer a_{{"--enable-debug-command", "yes"}}, b_{{"--enable-debug-command", "yes"}};
	RedisClient ca_ = a_.connect(), cb_ = b_.connect();

	Outcome compare_both(std::vector<std::string> more = {})
	{
		return compare(a_.address(), b_.address(), more);
	}

	void both(const Args &args)
	{
		for (RedisClient *c : {&ca_, &cb_}) {
			const RedisReply r = c->call(args);
			ASSERT_NE(REDIS_REPLY_ERROR, r->type) << args[0] << ": " << r->str;
		}
	}

	/* Bring each key of A to B, as DUMP and RESTORE do. */
	void copy_all()
	{
		for (const std::string &key : ca_.list("KEYS", "*")) {
			const std::string payload = ca_.cmd("DUMP", key);
			const std::string deadline = ca_.cmd("PEXPIRETIME", key);

			cb_.cmd("RESTORE", key, deadline == "-1" ? "0" : deadline, payload,
				"ABSTTL");
		}
	}
};

TEST_F(Compare, EmptyIsEqual)
{
	const Outcome o = compare_both();

	EXPECT_EQ(kEqual, o.code) << o.err;
	EXPECT_EQ(0, o.number("keys_a"));
}

TEST_F(Compare, EveryTypeAndEncodingIsEqualToItsCopy)
{
	e2e::write_every_type(ca_);
	copy_all();
	const Outcome o = compare_both();

	EXPECT_EQ(kEqual, o.code) << o.out << o.err;
	EXPECT_EQ(ca_.dbsize(), o.number("keys_a"));
	EXPECT_EQ(ca_.dbsize(), o.number("keys_b"));
}

TEST_F(Compare, UnixSocketsAndText)
{
	both({"SET", "key", "value"});
	Process p({support::dyn_entropy_program(), "compare", a_.socket_path(), b_.socket_path()});
	const Outcome o = finish(p);

	EXPECT_EQ(kEqual, o.code) << o.err;
	EXPECT_EQ(0u, o.out.find("equal: 1 keys")) << o.out;
}

TEST_F(Compare, CountsEachKindOnce)
{
	both({"SET", "same", "x"});
	both({"SET", "deadline", "x", "PXAT", "4102444800000"});
	ca_.cmd("SET", "only a", "x");
	ca_.cmd("SET", "only a too", "x");
	cb_.cmd("SET", "only b", "x");
	ca_.cmd("SET", "type", "x");
	cb_.cmd("RPUSH", "type", "x");
	ca_.cmd("SET", "value", "x");
	cb_.cmd("SET", "value", "y");
	ca_.cmd("SET", "value and deadline", "x");
	cb_.cmd("SET", "value and deadline", "y", "EX", 1000);
	cb_.cmd("PEXPIREAT", "deadline", "4102444800001");
	const Outcome o = compare_both();

	EXPECT_EQ(kDiffer, o.code) << o.err;
	EXPECT_EQ(2, o.number("missing_in_b"));
	EXPECT_EQ(1, o.number("missing_in_a"));
	EXPECT_EQ(1, o.number("other_type"));
	EXPECT_EQ(2, o.number("other_value"));
	EXPECT_EQ(1, o.number("other_deadline"));
	EXPECT_EQ(7, o.number("differ"));
	EXPECT_EQ(0, o.number("settled"));
}

TEST_F(Compare, ADeadlineOnOneSideAloneDiffers)
{
	both({"SET", "key", "x"});
	cb_.cmd("EXPIRE", "key", 1000);
	const Outcome o = compare_both();

	EXPECT_EQ(kDiffer, o.code);
	EXPECT_EQ(1, o.number("other_deadline"));
}

TEST_F(Compare, ShowsKeysOnlyWhenAskedAndEscaped)
{
	ca_.cmd("SET", std::string("a\"b\\\n\x01\xff", 7), "x");
	ca_.cmd("SET", "plain", "x");

	const Outcome silent = compare_both();
	EXPECT_EQ(kDiffer, silent.code);
	EXPECT_EQ(std::string::npos, (silent.out + silent.err).find("plain"));

	const Outcome one = compare_both({"--limit", "1"});
	EXPECT_NE(std::string::npos,
		one.out.find("\"kind\":\"missing_in_b\",\"key\":\"a\\\\\\\"b\\\\\\\\\\\\n\\\\x01"
			     "\\\\xff\",\"key_len\":7"))
		<< one.out;
	EXPECT_EQ(std::string::npos, one.out.find("plain"));

	Process p({support::dyn_entropy_program(), "compare", "--limit=9", a_.address(),
		b_.address()});
	const Outcome text = finish(p);
	EXPECT_NE(std::string::npos,
		text.out.find(
			"missing in B: \"a\\\"b\\\\\\n\\x01\\xff\"\nmissing in B: \"plain\"\n"))
		<< text.out;
}

/* ---- Content, not encoding ---------------------------------------------------------------------
 */

using Write = std::function<void(RedisClient &)>;

/* A value that A and B keep in different ways, and a change of B's that makes it another one. */
struct Encoding {
	std::string name;
	std::vector<Args> config_b; /* CONFIG SET of B alone, before it is written */
	Write write_a, write_b;
	Write change;
};

void PrintTo(const Encoding &e, std::ostream *to)
{
	*to << e.name;
}

class CompareEncoding : public Compare, public testing::WithParamInterface<Encoding>
{
};

TEST_P(CompareEncoding, SameContentIsEqualAndAChangeIsNot)
{
	const Encoding &e = GetParam();

	for (const Args &args : e.config_b)
		cb_.cmd("CONFIG", "SET", args[0], args[1]);
	e.write_a(ca_);
	e.write_b(cb_);
	ASSERT_NE(ca_.cmd("DUMP", "key"), cb_.cmd("DUMP", "key")) << "the test shows nothing";
	const Outcome equal = compare_both();
	EXPECT_EQ(kEqual, equal.code) << equal.out << equal.err;

	e.change(cb_);
	const Outcome differ = compare_both();
	EXPECT_EQ(kDiffer, differ.code) << differ.out << differ.err;
	EXPECT_EQ(1, differ.number("other_value")) << differ.out;
}

std::string member(size_t i)
{
	return "member " + std::to_string(i);
}

/* command key and, for i of 0..n - 1 in this or the other direction, what item makes of i. */
Write many(
	const std::string &command, size_t n, bool backwards,
	std::function<Args(size_t)> item = [](size_t i) { return Args{member(i)}; })
{
	return [=](RedisClient &c) {
		for (size_t at = 0; at < n;) {
			Args args = {command, "key"};

			for (size_t batch = 0; batch < 1000 && at < n; batch++, at++)
				for (const std::string &s : item(backwards ? n - 1 - at : at))
					args.push_back(s);
			c.call(args);
		}
	};
}

Write one(const Args &args)
{
	return [=](RedisClient &c) {
		const RedisReply r = c.call(args);
		if (r->type == REDIS_REPLY_ERROR)
			throw support::RedisError(r->str);
	};
}

Write both_of(const Write &first, const Write &second)
{
	return [=](RedisClient &c) {
		first(c);
		second(c);
	};
}

const auto field = [](size_t i) { return Args{member(i), std::string(60, 'v')}; };
const auto scored = [](size_t i) { return Args{std::to_string(double(i) / 3), member(i)}; };
const auto long_scored = [](size_t i) {
	return Args{std::to_string(double(i) / 3), member(i) + std::string(90, 'm')};
};
const auto element = [](size_t i) { return Args{member(i) + std::string(60, 'e')}; };
constexpr size_t kLarge = 20000; /* such a value is compared in chunks */

/* A stream of n entries, the odd one of which has another value. */
Write stream(size_t n, const std::vector<Args> &then = {}, size_t odd = 0)
{
	return [=](RedisClient &c) {
		std::vector<Args> all;

		for (size_t i = 1; i <= n; i++)
			all.push_back({"XADD", "key", std::to_string(i) + "-1", "f",
				i == odd ? "odd" : member(i), "f", "second"});
		all.insert(all.end(), then.begin(), then.end());
		c.pipeline(all);
	};
}

/* The delivery times of pending entries are the time of the call: one has to say them. */
std::vector<Args> group_with_pending(size_t pending)
{
	std::vector<Args> all = {{"XGROUP", "CREATE", "key", "group", "0"},
		{"XREADGROUP", "GROUP", "group", "reader", "COUNT", std::to_string(pending),
			"STREAMS", "key", ">"}};

	for (size_t i = 1; i <= pending; i++)
		all.push_back({"XCLAIM", "key", "group", "reader", "0", std::to_string(i) + "-1",
			"TIME", "1700000000000", "RETRYCOUNT", "3", "JUSTID"});
	return all;
}

Write claim(const std::string &id, const std::string &time, const std::string &count)
{
	return one({"XCLAIM", "key", "group", "reader", "0", id, "TIME", time, "RETRYCOUNT", count,
		"JUSTID"});
}

const std::vector<Args> kSmallNodes = {{"stream-node-max-entries", "3"}};

const Encoding kEncodings[] = {
	{"StringLarge", {{"rdbcompression", "no"}}, one({"SET", "key", std::string(3000000, 'x')}),
		one({"SET", "key", std::string(3000000, 'x')}),
		one({"SETRANGE", "key", "2999999", "y"})},
	{"StringLargeLonger", {{"rdbcompression", "no"}},
		one({"SET", "key", std::string(3000000, 'x')}),
		one({"SET", "key", std::string(3000000, 'x')}), one({"APPEND", "key", "x"})},
	{"ListSmall", {{"list-max-listpack-size", "2"}}, many("RPUSH", 20, false),
		many("RPUSH", 20, false), one({"LSET", "key", "19", "other"})},
	{"ListLarge", {{"list-max-listpack-size", "2"}}, many("RPUSH", kLarge, false, element),
		many("RPUSH", kLarge, false, element), one({"LSET", "key", "-1", "other"})},
	{"ListOrder", {{"list-max-listpack-size", "2"}}, many("RPUSH", 20, false),
		many("RPUSH", 20, false),
		both_of(one({"LREM", "key", "1", member(3)}), one({"RPUSH", "key", member(3)}))},
	{"SetSmall", {}, many("SADD", 60, false), many("SADD", 60, true),
		both_of(one({"SREM", "key", member(7)}), one({"SADD", "key", "other"}))},
	{"SetLarge", {}, many("SADD", kLarge, false, element), many("SADD", kLarge, true, element),
		both_of(one({"SREM", "key", element(7)[0]}), one({"SADD", "key", "other"}))},
	{"SetIntset", {{"set-max-intset-entries", "0"}}, one({"SADD", "key", "1", "2", "3"}),
		one({"SADD", "key", "3", "2", "1"}), one({"SREM", "key", "2"})},
	{"HashSmall", {{"hash-max-listpack-entries", "0"}}, many("HSET", 60, false, field),
		many("HSET", 60, true, field), one({"HSET", "key", member(5), "other"})},
	{"HashSwapped", {{"hash-max-listpack-entries", "0"}},
		one({"HSET", "key", "a", "b", "c", "d"}), one({"HSET", "key", "c", "d", "a", "b"}),
		one({"HSET", "key", "a", "d", "c", "b"})},
	{"HashLarge", {}, many("HSET", kLarge, false, field), many("HSET", kLarge, true, field),
		one({"HSET", "key", member(5), "other"})},
	{"HashLargeField", {}, many("HSET", kLarge, false, field),
		many("HSET", kLarge, true, field),
		both_of(one({"HDEL", "key", member(5)}), one({"HSET", "key", "other", "v"}))},
	{"ZsetSmall", {{"zset-max-listpack-entries", "0"}}, many("ZADD", 60, false, scored),
		many("ZADD", 60, true, scored), one({"ZINCRBY", "key", "1e-10", member(5)})},
	{"ZsetLarge",
		{{"zset-max-listpack-entries", "100000"}, {"zset-max-listpack-value", "1000"}},
		many("ZADD", 8000, false, long_scored), many("ZADD", 8000, true, long_scored),
		one({"ZINCRBY", "key", "1e-10", long_scored(5)[1]})},
	{"StreamAdded", kSmallNodes, stream(50), stream(50),
		one({"XADD", "key", "50-2", "f", "v"})},
	{"StreamDeleted", kSmallNodes, stream(50), stream(50), one({"XDEL", "key", "7-1"})},
	{"StreamEntry", kSmallNodes, stream(50), stream(50),
		both_of(one({"DEL", "key"}), stream(50, {}, 33))},
	{"StreamLarge", kSmallNodes, stream(kLarge), stream(kLarge),
		both_of(one({"DEL", "key"}), stream(kLarge, {}, kLarge - 1))},
	{"StreamRepeatedField", kSmallNodes,
		stream(5, {{"XADD", "key", "9-1", "a", "1", "a", "2"}}),
		stream(5, {{"XADD", "key", "9-1", "a", "1", "a", "2"}}),
		both_of(one({"DEL", "key"}),
			stream(5, {{"XADD", "key", "9-1", "a", "1", "a", "3"}}))},
	{"StreamLastId", kSmallNodes, stream(50), stream(50), one({"XSETID", "key", "51-0"})},
	{"StreamGroup", kSmallNodes, stream(50, {{"XGROUP", "CREATE", "key", "group", "7-1"}}),
		stream(50, {{"XGROUP", "CREATE", "key", "group", "7-1"}}),
		one({"XGROUP", "SETID", "key", "group", "8-1"})},
	{"StreamGroupMissing", kSmallNodes, stream(50), stream(50),
		one({"XGROUP", "CREATE", "key", "group", "7-1"})},
	{"StreamConsumer", kSmallNodes, stream(50, {{"XGROUP", "CREATE", "key", "group", "0"}}),
		stream(50, {{"XGROUP", "CREATE", "key", "group", "0"}}),
		one({"XGROUP", "CREATECONSUMER", "key", "group", "idle"})},
	{"StreamPendingTime", kSmallNodes, stream(50, group_with_pending(5)),
		stream(50, group_with_pending(5)), claim("5-1", "1700000000001", "3")},
	{"StreamPendingCount", kSmallNodes, stream(50, group_with_pending(5)),
		stream(50, group_with_pending(5)), claim("5-1", "1700000000000", "4")},
	{"StreamPendingAcked", kSmallNodes, stream(50, group_with_pending(5)),
		stream(50, group_with_pending(5)), one({"XACK", "key", "group", "3-1"})},
	{"StreamManyPendingCount", kSmallNodes, stream(3000, group_with_pending(2500)),
		stream(3000, group_with_pending(2500)), claim("2400-1", "1700000000000", "4")},
	{"StreamManyPendingOwner", kSmallNodes, stream(3000, group_with_pending(2500)),
		stream(3000, group_with_pending(2500)),
		one({"XCLAIM", "key", "group", "thief", "0", "2400-1", "TIME", "1700000000000",
			"RETRYCOUNT", "3", "JUSTID"})},
};

INSTANTIATE_TEST_SUITE_P(All, CompareEncoding, testing::ValuesIn(kEncodings),
	[](const testing::TestParamInfo<Encoding> &p) { return p.param.name; });

TEST_F(Compare, ManyKeysInAnotherOrderAreEqual)
{
	/* Small sets are hash tables, whose order is each server's own. */
	std::vector<Args> commands;

	for (size_t i = 0; i < 20000; i++)
		commands.push_back({"SADD", "set" + std::to_string(i), "a", "b", "c", member(i)});
	ca_.pipeline(commands);
	for (Args &args : commands)
		std::reverse(args.begin() + 2, args.end());
	cb_.pipeline(commands);
	const Outcome equal = compare_both();
	EXPECT_EQ(kEqual, equal.code) << equal.out << equal.err;

	cb_.cmd("SREM", "set19999", "a");
	const Outcome differ = compare_both();
	EXPECT_EQ(kDiffer, differ.code);
	EXPECT_EQ(1, differ.number("differ"));
}

#if !SANITIZED
TEST_F(Compare, LargeValuesAreNotHeldInMemory)
{
	const std::string value(100000000, 'x');

	cb_.cmd("CONFIG", "SET", "rdbcompression", "no");
	both({"SET", "key", value});
	std::string output;
	EXPECT_EQ(kEqual,
		support::run({"/bin/sh", "-c",
				     "ulimit -v 90000; exec " + support::dyn_entropy_program() +
					     " compare " + a_.address() + " " + b_.address()},
			&output))
		<< output;
}
#endif

/* ---- Keys that move ---- */

struct Hook {
	std::function<void()> once;
	uint64_t after = 0; /* keys seen in A */
	std::vector<std::string> differing;

	static void progress(void *arg, const struct compare_result *so_far)
	{
		Hook *h = static_cast<Hook *>(arg);

		if (h->once && so_far->keys[SIDE_A] >= h->after) {
			h->once();
			h->once = nullptr;
		}
	}
	static void difference(void *arg, enum compare_verdict verdict, const char *key, size_t len)
	{
		Hook *h = static_cast<Hook *>(arg);

		h->differing.push_back(std::string(key, len) + " " + compare_verdict_word(verdict));
	}
};

/* Compare in this process, with something done in the midst of it. */
struct compare_result run_with(const RedisServer &a, const RedisServer &b, Hook &hook)
{
	const std::string address_a = a.address(), address_b = b.address();
	struct dyn_entropy_redis ea = {sizeof(ea), address_a.c_str(), nullptr, nullptr, 10000, nullptr};
	struct dyn_entropy_redis eb = {sizeof(eb), address_b.c_str(), nullptr, nullptr, 10000, nullptr};
	struct compare_options options = {Hook::difference, &hook, Hook::progress, &hook};
	struct compare_result result;
	struct dyn_entropy_error err = {};

	EXPECT_EQ(DYN_ENTROPY_OK, compare_run(&ea, &eb, &options, &result, &err)) << err.message;
	return result;
}

TEST_F(Compare, WhatHasBecomeEqualByTheSecondLookDoesNotCount)
{
	both({"SET", "same", "x"});
	ca_.cmd("SET", "late", "x");
	ca_.cmd("SET", "stays", "x");
	Hook hook;
	hook.once = [&] { cb_.cmd("SET", "late", "x"); };
	hook.after = 3;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(2u, r.second_looks);
	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(1u, compare_differing(&r));
	EXPECT_EQ(std::vector<std::string>{"stays missing_in_b"}, hook.differing);
}

TEST_F(Compare, AKeyThatIsDeletedOnBothSidesMeanwhileDoesNotCount)
{
	ca_.cmd("SET", "gone", "x");
	Hook hook;
	hook.once = [&] { ca_.cmd("DEL", "gone"); };
	hook.after = 1;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(0u, compare_differing(&r));
}

TEST_F(Compare, AKeyThatTheScanOfBothSidesSuspectsCountsOnce)
{
	both({"SET", "key", "x"});
	cb_.cmd("SET", "key", "y");
	Hook hook;
	/* The scan of A finds another value; then the scan of B finds A without it. */
	hook.once = [&] { ca_.cmd("DEL", "key"); };
	hook.after = 1;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(1u, r.second_looks);
	EXPECT_EQ(std::vector<std::string>{"key missing_in_a"}, hook.differing);
}

TEST_F(Compare, AKeyThatExpiresMeanwhileDoesNotCount)
{
	const int64_t deadline = std::stoll(ca_.list("TIME")[0]) * 1000 + 3000;
	ca_.cmd("SET", "short", "x", "PXAT", deadline);
	ca_.cmd("SET", "lasting", "x", "PXAT", deadline + 1000000);
	Hook hook;
	hook.after = 2;
	hook.once = [&] {
		ASSERT_TRUE(support::wait_until(
			[&] { return ca_.cmd("PEXPIRETIME", "short") == "-2"; }));
	};
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(2u, r.second_looks);
	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(std::vector<std::string>{"lasting missing_in_b"}, hook.differing);
}

/* ---- When it cannot tell ---- */

TEST_F(Compare, AnUnreachableRedisIsUnclear)
{
	const std::string nobody = "127.0.0.1:" + std::to_string(support::free_port());
	const Outcome o = compare(a_.address(), nobody);

	EXPECT_EQ(kUnclear, o.code);
	EXPECT_NE(std::string::npos, o.err.find(nobody)) << o.err;
	EXPECT_NE(std::string::npos, o.out.find("\"result\":\"unclear\"")) << o.out;
}

TEST_F(Compare, ARedisThatDiesIsUnclear)
{
	ca_.cmd("DEBUG", "POPULATE", 200000, "k", 32);
	cb_.cmd("DEBUG", "POPULATE", 200000, "k", 32);
	Process p(
		{support::dyn_entropy_program(), "compare", "--json", a_.address(), b_.address()});
	ASSERT_TRUE(
		support::wait_until([&] { return std::stoi(cb_.info("connected_clients")) >= 2; }));
	b_.kill9();
	const Outcome o = finish(p);

	EXPECT_EQ(kUnclear, o.code) << o.out;
	EXPECT_NE(std::string::npos, o.err.find("could not tell")) << o.err;
}

TEST_F(Compare, ARedisThatAnswersNothingIsGivenUp)
{
	b_.pause();
	const auto begun = std::chrono::steady_clock::now();
	const Outcome o = compare(a_.address(), b_.address(), {"--timeout", "300"});
	b_.resume();

	EXPECT_EQ(kUnclear, o.code);
	EXPECT_LT(std::chrono::steady_clock::now() - begun,
		support::patient(std::chrono::seconds(10)));
}

TEST_F(Compare, AnInterruptEndsItWithinASecond)
{
	for (int signo : {SIGINT, SIGTERM}) {
		b_.pause();
		Process p({support::dyn_entropy_program(), "compare", "--json", a_.address(),
			b_.address()});
		/* It has come to B when the kernel has taken its connection and A knows it. */
		ASSERT_TRUE(support::wait_until(
			[&] { return std::stoi(ca_.info("connected_clients")) >= 2; }));
		const auto begun = std::chrono::steady_clock::now();
		p.signal(signo);
		const Outcome o = finish(p);
		b_.resume();

		EXPECT_EQ(kUnclear, o.code) << o.out << o.err;
		EXPECT_LT(std::chrono::steady_clock::now() - begun,
			support::patient(std::chrono::seconds(1)));
		ASSERT_TRUE(support::wait_until(
			[&] { return std::stoi(ca_.info("connected_clients")) == 1; }));
	}
}

TEST(ComparePasswords, FromFilesAndFromTheEnvironment)
{
	RedisServer a({"--requirepass", "password-of-a"}), b({"--requirepass", "password-of-b"});
	TempDir dir;
	const std::string file_a = dir.write("a", "password-of-a\n");
	const std::string file_b = dir.write("b", "password-of-b\nand more\n");
	const std::string empty = dir.write("empty", "\n");
	const auto code = [&](std::vector<std::string> more, std::vector<std::string> env = {}) {
		const Outcome o = compare(a.address(), b.address(), more, env);
		EXPECT_EQ(std::string::npos, (o.out + o.err).find("password-of")) << o.err;
		return o.code;
	};

	EXPECT_EQ(kUnclear, code({}));
	EXPECT_EQ(kUnclear, code({"--password-file", file_a}));
	EXPECT_EQ(kUnclear, code({"--password-file-a", empty, "--password-file-b", file_b}));
	EXPECT_EQ(kUnclear, code({"--password-file", dir.file("missing")}));
	EXPECT_EQ(kEqual, code({"--password-file", file_a, "--password-file-b", file_b}));
	EXPECT_EQ(kEqual,
		code({"--password-file-a", file_a}, {"DYN_ENTROPY_REDIS_PASSWORD=password-of-b"}));
	EXPECT_EQ(kEqual, code({}, {"DYN_ENTROPY_REDIS_PASSWORD=password-of-a",
					   "DYN_ENTROPY_REDIS_PASSWORD_B=password-of-b"}));
}

} // namespace
