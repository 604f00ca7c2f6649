/*
 * dyn-entropy compare: it compares content, not encoding.
 */
#include "e2e/comparing.h"
#include "e2e/dataset.h"
#include "support/redis_server.h"
#include "support/sanitized.h"
#include "tools/compare.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using support::RedisClient;
using support::RedisReply;
using namespace comparing;

namespace
{

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

} // namespace
