#include "proto/reply.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

/* The bytes in memory of just their size. */
reply_result scan(reply_scanner &s, const std::string &bytes, size_t *used)
{
	const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);

	memcpy(copy.get(), bytes.data(), bytes.size());
	return reply_scan(&s, copy.get(), bytes.size(), used);
}

/* The end is found: whole, with more bytes after it, cut at every byte, byte by byte. */
void expect_reply(const std::string &bytes)
{
	reply_scanner s = {};
	size_t used = 0;

	ASSERT_EQ(REPLY_DONE, scan(s, bytes, &used)) << bytes;
	EXPECT_EQ(bytes.size(), used);
	EXPECT_EQ(bytes[0], s.type);
	ASSERT_EQ(REPLY_DONE, scan(s, bytes + "+OK\r\n", &used)) << bytes;
	EXPECT_EQ(bytes.size(), used);
	for (size_t cut = 0; cut < bytes.size(); cut++) {
		ASSERT_EQ(REPLY_MORE, scan(s, bytes.substr(0, cut), &used)) << cut;
		EXPECT_EQ(cut, used);
		EXPECT_TRUE(cut == 0 || s.type == bytes[0]);
		ASSERT_EQ(REPLY_DONE, scan(s, bytes.substr(cut) + "+OK\r\n", &used)) << cut;
		EXPECT_EQ(bytes.size() - cut, used) << cut;
		EXPECT_EQ(bytes[0], s.type);
	}
	for (size_t i = 0; i < bytes.size(); i++)
		ASSERT_EQ(i + 1 < bytes.size() ? REPLY_MORE : REPLY_DONE,
			scan(s, bytes.substr(i, 1), &used))
			<< i;
}

class ReplyTakes : public testing::TestWithParam<std::string>
{
};

TEST_P(ReplyTakes, WhereverItIsCut)
{
	expect_reply(GetParam());
}

std::string nested(int depth)
{
	std::string bytes;

	for (int i = 0; i < depth; i++)
		bytes += "*1\r\n";
	return bytes + "+x\r\n";
}

INSTANTIATE_TEST_SUITE_P(Replies, ReplyTakes,
	testing::Values("+OK\r\n", "+\r\n", "+a b\tc\r\n", "-ERR no\r\n", "-\r\n", ":0\r\n",
		":-1\r\n", ":9223372036854775807\r\n", ":-9223372036854775808\r\n", "$0\r\n\r\n",
		"$1\r\nx\r\n", "$-1\r\n", "$5\r\n\r\n\r\n\n\r\n", "$12\r\n+OK\r\n$1\r\nx\r\n\r\n",
		"*0\r\n", "*-1\r\n", "*1\r\n*0\r\n", "*2\r\n$1\r\na\r\n$-1\r\n",
		"*3\r\n:1\r\n*2\r\n+a\r\n*2\r\n-b\r\n*-1\r\n$3\r\nabc\r\n", "*2\r\n*0\r\n*0\r\n",
		"+" + std::string(1000, 'x') + "\r\n", "-" + std::string(100, 'x') + "\r\n",
		"$300\r\n" + std::string(300, '\r') + "\r\n", nested(300)));

class ReplyRefuses : public testing::TestWithParam<std::string>
{
};

TEST_P(ReplyRefuses, WhereverItIsCut)
{
	const std::string &bytes = GetParam();
	size_t used;

	for (size_t cut = 0; cut < bytes.size(); cut++) {
		reply_scanner s = {};
		reply_result first = scan(s, bytes.substr(0, cut), &used);

		ASSERT_NE(REPLY_DONE, first) << cut;
		EXPECT_EQ(REPLY_BAD, scan(s, bytes.substr(cut), &used)) << cut;
		EXPECT_EQ(REPLY_BAD, scan(s, "+OK\r\n", &used)) << "it stays bad";
	}
}

INSTANTIATE_TEST_SUITE_P(Bytes, ReplyRefuses,
	testing::Values("x", "OK\r\n", "\r\n", "%1\r\n", "_\r\n", "+a\nb\r\n", "+a\rb", "-a\r\r",
		":\r\n", ":a\r\n", ":-\r\n", ":1a\r\n", ":--1\r\n", ":1\n", ":1\rx",
		":12345678901234567890\r\n", "$\r\n", "$-2\r\n", "$-0\r\n", "$-11\r\n", "$x\r\n",
		"$1\r\nxy\r\n", "$1\r\nx\rx", "$0\r\nx", "$536870913\r\n",
		"$18446744073709551617\r\n", "*-2\r\n", "*\r\n", "*4294967296\r\n",
		"*2\r\n+a\r\nb\r\n", "*1\r\n$1\r\nxx\r\n"));

TEST(Reply, TheLargestLengths)
{
	reply_scanner s = {};
	size_t used;

	EXPECT_EQ(REPLY_MORE, scan(s, "*4294967295\r\n$536870912\r\nx", &used));
	EXPECT_EQ('*', s.type);
}

TEST(Reply, AStatusIsNoLongerThanAString)
{
	const std::string piece(1024 * 1024, 'x');
	reply_scanner s = {};
	size_t used;

	ASSERT_EQ(REPLY_MORE, scan(s, "-", &used));
	for (uint64_t sent = 0; sent < REPLY_BULK_MAX; sent += piece.size())
		ASSERT_EQ(
			REPLY_MORE, reply_scan(&s, reinterpret_cast<const uint8_t *>(piece.data()),
					    piece.size(), &used));
	EXPECT_EQ(REPLY_BAD, scan(s, "x", &used));
}

TEST(Reply, OneBehindTheOther)
{
	const std::vector<std::string> list = {
		"+OK\r\n", "$3\r\nabc\r\n", "*2\r\n:1\r\n*1\r\n$-1\r\n", "-ERR x\r\n", ":7\r\n"};
	reply_scanner s = {};
	std::string bytes;
	size_t used;

	for (const std::string &r : list)
		bytes += r;
	for (const std::string &r : list) {
		ASSERT_EQ(REPLY_DONE, scan(s, bytes, &used));
		EXPECT_EQ(r.size(), used);
		EXPECT_EQ(r[0], s.type);
		bytes.erase(0, used);
	}
	EXPECT_EQ(REPLY_MORE, scan(s, bytes, &used));
	EXPECT_EQ(0u, used);
}

bool integer(const std::string &bytes, int64_t *value)
{
	return reply_integer(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), value);
}

TEST(Reply, Integers)
{
	int64_t n = 7;

	EXPECT_TRUE(integer(":0\r\n", &n));
	EXPECT_EQ(0, n);
	EXPECT_TRUE(integer(":-42\r\n", &n));
	EXPECT_EQ(-42, n);
	EXPECT_TRUE(integer(":9223372036854775807\r\n", &n));
	EXPECT_EQ(INT64_MAX, n);
	EXPECT_TRUE(integer(":-9223372036854775808\r\n", &n));
	EXPECT_EQ(INT64_MIN, n);
	for (const char *bytes : {"", ":", ":\r\n", ":-\r\n", ":1", ":1\r", ":1\r\n+", "$1\r\n",
		     ":9223372036854775808\r\n", ":-9223372036854775809\r\n",
		     ":99999999999999999999\r\n", "+OK\r\n", ":1x\r\n"})
		EXPECT_FALSE(integer(bytes, &n)) << bytes;
}

TEST(Reply, Arrays)
{
	const std::string bytes = "*12\r\n+a\r\n";
	const auto *at = reinterpret_cast<const uint8_t *>(bytes.data());
	uint64_t n = 0;
	size_t used = 0;

	EXPECT_TRUE(reply_array(at, bytes.size(), &n, &used));
	EXPECT_EQ(12u, n);
	EXPECT_EQ(5u, used);
	for (const char *other : {"*-1\r\n", "*4294967296\r\n", "$1\r\n", "*\r\n", "*1"})
		EXPECT_FALSE(reply_array(
			reinterpret_cast<const uint8_t *>(other), strlen(other), &n, &used))
			<< other;
}

} // namespace
