#include "proto/reply.h"
#include "proxy/join.h"
#include "support/request.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

const uint8_t *bytes_of(const std::string &s)
{
	return reinterpret_cast<const uint8_t *>(s.data());
}

std::string take(buf *b)
{
	std::string s(reinterpret_cast<const char *>(buf_head(b)), buf_len(b));

	buf_fini(b);
	return s;
}

/* Join replies that each lie in memory of exactly their size. */
std::string join(command_join how, const std::vector<std::string> &replies,
	const std::vector<uint32_t> &part_of)
{
	std::vector<std::unique_ptr<uint8_t[]>> exact;
	std::vector<join_part> parts;
	buf out = {};

	for (const std::string &r : replies) {
		exact.emplace_back(new uint8_t[r.size()]);
		std::copy(r.begin(), r.end(), exact.back().get());
		parts.push_back({exact.back().get(), r.size()});
	}
	EXPECT_TRUE(buf_append(&out, "before", 6));
	EXPECT_TRUE(join_replies(
		&out, how, parts.data(), parts.size(), part_of.data(), part_of.size()));
	const std::string all = take(&out);

	EXPECT_EQ(all.substr(0, 6), "before");
	return all.substr(6);
}

const char kMisfit[] = "-ERR dynomite: a node's reply does not fit the command\r\n";

struct Case {
	const char *name;
	command_join how;
	std::vector<std::string> replies;
	std::vector<uint32_t> part_of;
	std::string joined;
};

const Case kCases[] = {
	{"values in the order of the keys", COMMAND_VALUES,
		{"*2\r\n$1\r\na\r\n$1\r\nc\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1, 0},
		"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"},
	{"values of the second part first", COMMAND_VALUES,
		{"*1\r\n$1\r\na\r\n", "*2\r\n$1\r\nb\r\n$-1\r\n"}, {1, 0, 1},
		"*3\r\n$1\r\nb\r\n$1\r\na\r\n$-1\r\n"},
	{"values that look like replies", COMMAND_VALUES,
		{"*1\r\n$4\r\n*1\r\n\r\n", "*1\r\n$5\r\n-ERR \r\n"}, {0, 1},
		"*2\r\n$4\r\n*1\r\n\r\n$5\r\n-ERR \r\n"},
	{"empty values", COMMAND_VALUES, {"*1\r\n$0\r\n\r\n", "*1\r\n$-1\r\n"}, {1, 0},
		"*2\r\n$-1\r\n$0\r\n\r\n"},
	{"an error in place of values", COMMAND_VALUES, {"*1\r\n$1\r\na\r\n", "-LOADING wait\r\n"},
		{0, 1}, "-LOADING wait\r\n"},
	{"the first of two errors", COMMAND_VALUES, {"-ERR one\r\n", "-ERR two\r\n"}, {0, 1},
		"-ERR one\r\n"},
	{"an error counts more than a misfit", COMMAND_VALUES, {"+OK\r\n", "-ERR two\r\n"}, {0, 1},
		"-ERR two\r\n"},
	{"the least of each number", COMMAND_LEAST,
		{"*3\r\n:1\r\n:1\r\n:0\r\n", "*3\r\n:1\r\n:0\r\n:1\r\n"}, {},
		"*3\r\n:1\r\n:0\r\n:0\r\n"},
	{"the least, without those that do not answer", COMMAND_LEAST,
		{"*2\r\n:1\r\n:0\r\n", "", "-ERR dynomite: away\r\n", "*2\r\n:1\r\n:1\r\n"}, {},
		"*2\r\n:1\r\n:0\r\n"},
	{"the first must answer", COMMAND_LEAST, {"-LOADING wait\r\n", "*1\r\n:1\r\n"}, {},
		"-LOADING wait\r\n"},
	{"the least of arrays of different length", COMMAND_LEAST,
		{"*1\r\n:1\r\n", "*2\r\n:1\r\n:1\r\n"}, {}, kMisfit},
	{"the least of what are no numbers", COMMAND_LEAST, {"*1\r\n:1\r\n", "*1\r\n$1\r\n1\r\n"},
		{}, kMisfit},
	{"too few values", COMMAND_VALUES, {"*1\r\n$1\r\na\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1, 0},
		kMisfit},
	{"too many values", COMMAND_VALUES, {"*2\r\n$1\r\na\r\n$1\r\nx\r\n", "*1\r\n$1\r\nb\r\n"},
		{0, 1}, kMisfit},
	{"a null array", COMMAND_VALUES, {"*-1\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1}, kMisfit},
	{"an array in the array", COMMAND_VALUES, {"*1\r\n*1\r\n$1\r\na\r\n", "*1\r\n$1\r\nb\r\n"},
		{0, 1}, kMisfit},
	{"an array in the array, endless", COMMAND_VALUES,
		{"*1\r\n*1\r\n*1\r\n*1\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1}, kMisfit},
	{"an integer among the values", COMMAND_VALUES, {"*1\r\n:1\r\n", "*1\r\n$1\r\nb\r\n"},
		{0, 1}, kMisfit},
	{"an error among the values", COMMAND_VALUES, {"*1\r\n-ERR\r\n", "*1\r\n$1\r\nb\r\n"},
		{0, 1}, kMisfit},
	{"more elements than bytes", COMMAND_VALUES,
		{"*4294967295\r\n$1\r\na\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1}, kMisfit},
	{"a string longer than its reply", COMMAND_VALUES,
		{"*1\r\n$100\r\na\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1}, kMisfit},
	{"a key of no part", COMMAND_VALUES, {"*1\r\n$1\r\na\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 2},
		kMisfit},
	{"bytes behind the values", COMMAND_VALUES,
		{"*1\r\n$1\r\na\r\n+OK\r\n", "*1\r\n$1\r\nb\r\n"}, {0, 1}, kMisfit},

	{"a sum", COMMAND_SUM, {":2\r\n", ":0\r\n", ":40\r\n"}, {0, 1, 2, 0}, ":42\r\n"},
	{"a sum with an error", COMMAND_SUM, {":2\r\n", "-ERR x\r\n"}, {0, 1}, "-ERR x\r\n"},
	{"a sum of a status", COMMAND_SUM, {":2\r\n", "+2\r\n"}, {0, 1}, kMisfit},
	{"a sum beyond 64 bits", COMMAND_SUM, {":9223372036854775807\r\n", ":1\r\n"}, {0, 1},
		kMisfit},
	{"a sum up to 64 bits", COMMAND_SUM, {":9223372036854775806\r\n", ":1\r\n"}, {0, 1},
		":9223372036854775807\r\n"},
	{"an integer with more behind it", COMMAND_SUM, {":2\r\n:3\r\n", ":1\r\n"}, {0, 1},
		kMisfit},
	{"an integer without digits", COMMAND_SUM, {":\r\n", ":1\r\n"}, {0, 1}, kMisfit},

	{"all are OK", COMMAND_STATUS, {"+OK\r\n", "+OK\r\n"}, {0, 1}, "+OK\r\n"},
	{"one is not", COMMAND_STATUS, {"+OK\r\n", "-OOM no\r\n"}, {0, 1}, "-OOM no\r\n"},
	{"another status", COMMAND_STATUS, {"+OK\r\n", "+QUEUED\r\n"}, {0, 1}, kMisfit},
	{"no status", COMMAND_STATUS, {"+OK\r\n", ":1\r\n"}, {0, 1}, kMisfit},

	{"an error that does not end", COMMAND_STATUS, {"+OK\r\n", "-ERR"}, {0, 1}, kMisfit},
	{"an error with more behind it", COMMAND_STATUS, {"+OK\r\n", "-ERR\r\n+OK\r\n"}, {0, 1},
		kMisfit},
	{"nothing", COMMAND_SUM, {"", ":1\r\n"}, {0, 1}, kMisfit},
	{"what is never split", COMMAND_WHOLE, {"+OK\r\n", "+OK\r\n"}, {0, 1}, kMisfit},
};

TEST(Join, MakesOneReplyOfMany)
{
	for (const Case &c : kCases) {
		SCOPED_TRACE(c.name);
		EXPECT_EQ(join(c.how, c.replies, c.part_of), c.joined);
	}
}

/* Cut anywhere, a part's reply is a misfit, never read beyond its end. */
TEST(Join, TakesNoPartOfAReply)
{
	for (const Case &c : kCases) {
		if (c.joined == kMisfit || c.joined[0] == '-')
			continue;
		for (size_t part = 0; part < c.replies.size(); part++)
			for (size_t len = 0; len < c.replies[part].size(); len++) {
				std::vector<std::string> cut = c.replies;

				/* Here it is left out. */
				if (c.how == COMMAND_LEAST && part > 0 &&
					(len == 0 || cut[part][0] == '-'))
					continue;
				cut[part].resize(len);
				EXPECT_EQ(join(c.how, cut, c.part_of), kMisfit)
					<< c.name << ", part " << part << " cut to " << len;
			}
	}
}

bool is_whole(const std::string &reply)
{
	reply_scanner scanner = {};
	size_t used = 0;

	return reply_scan(&scanner, bytes_of(reply), reply.size(), &used) == REPLY_DONE &&
	       used == reply.size();
}

/* Whatever a byte is changed to, the joined reply is one the client can follow. */
TEST(Join, SurvivesEveryChangedByte)
{
	const std::vector<std::string> good = {"*2\r\n$2\r\nab\r\n$-1\r\n", "*1\r\n$1\r\nb\r\n"};
	size_t misfits = 0, n = 0;

	for (size_t part = 0; part < good.size(); part++)
		for (size_t at = 0; at < good[part].size(); at++)
			for (int c = 0; c < 256; c++) {
				std::vector<std::string> bad = good;

				bad[part][at] = static_cast<char>(c);
				const std::string joined = join(COMMAND_VALUES, bad, {0, 1, 0});
				n++;
				misfits += joined == kMisfit;
				ASSERT_TRUE(is_whole(joined)) << joined;
				ASSERT_TRUE(joined == kMisfit || joined.substr(0, 4) == "*3\r\n")
					<< joined;
			}
	EXPECT_GT(misfits, n / 2);
}

TEST(Join, JoinsManyValues)
{
	const uint32_t n = 100000;
	std::vector<std::string> replies(3);
	std::vector<uint32_t> part_of;
	std::vector<size_t> counts(3);
	std::string expected = "*" + std::to_string(n) + "\r\n";

	for (uint32_t i = 0; i < n; i++) {
		const std::string digits = std::to_string(i);
		const std::string value =
			"$" + std::to_string(digits.size()) + "\r\n" + digits + "\r\n";
		const uint32_t part = (i * 7 + i / 3) % 3;

		part_of.push_back(part);
		counts[part]++;
		replies[part] += value;
		expected += value;
	}
	for (size_t p = 0; p < 3; p++)
		replies[p] = "*" + std::to_string(counts[p]) + "\r\n" + replies[p];
	EXPECT_TRUE(join(COMMAND_VALUES, replies, part_of) == expected);
}

struct Part {
	const char *text; /* inline or RESP */
	std::vector<uint32_t> keys;
	const char *written;
};

TEST(Join, WritesTheRequestOfAPart)
{
	const Part parts[] = {
		{"MGET a b c\r\n", {1, 3}, "*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nc\r\n"},
		{"mget a b c\r\n", {2}, "*2\r\n$4\r\nmget\r\n$1\r\nb\r\n"},
		{"*3\r\n$3\r\nDEL\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n", {1, 2},
			"*3\r\n$3\r\nDEL\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n"},
		{"MSET a 1 b 2 c 3\r\n", {1, 5},
			"*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nc\r\n$1\r\n3\r\n"},
		{"MSET a 1 b 2 c\r\n", {3, 5},
			"*4\r\n$4\r\nMSET\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\nc\r\n"},
	};

	for (const Part &part : parts) {
		SCOPED_TRACE(part.text);
		const auto r = support::Request::of_bytes(part.text);
		buf out = {};

		ASSERT_NE(r->command, nullptr);
		ASSERT_TRUE(join_write_part(&out, r, part.keys.data(), part.keys.size()));
		EXPECT_EQ(take(&out), part.written);
	}
}

} // namespace
