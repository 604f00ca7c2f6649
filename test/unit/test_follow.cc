#include "proto/follow.h"
#include "support/request.h"
#include "support/resp.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

using support::Args;
using support::Request;
using support::words;

constexpr int64_t kNow = 1700000000000;

const uint8_t *bytes_of(const std::string &s)
{
	return reinterpret_cast<const uint8_t *>(s.data());
}

/* What follows; "nothing", or "misfit". */
std::string following(const Request &r, const std::string &reply, uint64_t n)
{
	uint64_t found_n = 0;
	buf out = {};
	std::string found;

	EXPECT_TRUE(follow_applies(r));
	switch (follow_request(r, bytes_of(reply), reply.size(), kNow, &out, &found_n)) {
	case FOLLOW_REQUEST:
		EXPECT_EQ(found_n, n);
		found.assign(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
		break;
	case FOLLOW_NOTHING:
		found = "nothing";
		break;
	case FOLLOW_MISFIT:
		found = "misfit";
		break;
	case FOLLOW_NO_MEMORY:
		found = "no memory";
		break;
	}
	EXPECT_EQ(found.find("*") == 0, buf_len(&out) > 0);
	buf_fini(&out);
	return found;
}

struct Case {
	const char *line, *reply, *after;
	uint64_t n;
};

class Follow : public testing::TestWithParam<Case>
{
};

TEST_P(Follow, HasTheSameEffect)
{
	const Case &c = GetParam();
	const std::string after = following(Request(c.line), c.reply, c.n);

	EXPECT_EQ(after, std::string(c.after).find(' ') == std::string::npos
				 ? std::string(c.after)
				 : support::resp(words(c.after)))
		<< c.line;
}

INSTANTIATE_TEST_SUITE_P(Requests, Follow,
	testing::Values(Case{"SPOP k", "$1\r\na\r\n", "SREM k a", 1},
		Case{"SPOP k", "$-1\r\n", "nothing", 0},
		Case{"spop k 2", "*2\r\n$1\r\na\r\n$2\r\nbb\r\n", "SREM k a bb", 2},
		Case{"SPOP k 2", "*0\r\n", "nothing", 0},
		Case{"SPOP k 2", "*2\r\n$1\r\na\r\n", "misfit", 0},
		Case{"SPOP k 2", "*1\r\n:1\r\n", "misfit", 0},
		Case{"SPOP k 2", "*1\r\n$-1\r\n", "misfit", 0},
		Case{"SPOP k", "+OK\r\n", "misfit", 0}, Case{"SPOP k", "", "misfit", 0},
		Case{"SPOP k", "$5\r\na\r\n", "misfit", 0},
		Case{"SPOP k", "-ERR x\r\n", "misfit", 0},
		Case{"XADD k * f *", "$3\r\n5-1\r\n", "XADD k 5-1 f *", 0},
		Case{"xadd k nomkstream maxlen ~ 5 * f v", "$3\r\n5-1\r\n",
			"xadd k nomkstream maxlen ~ 5 5-1 f v", 0},
		Case{"XADD k NOMKSTREAM * f v", "$-1\r\n", "nothing", 0},
		Case{"XADD k * f v", ":1\r\n", "misfit", 0},
		Case{"XAUTOCLAIM k g c 5 0 COUNT 9",
			"*3\r\n$3\r\n0-0\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
			"*2\r\n$3\r\n2-2\r\n*0\r\n*1\r\n$3\r\n3-3\r\n",
			"XCLAIM k g c 0 1-1 2-2 3-3 TIME 1700000000000", 2},
		Case{"XAUTOCLAIM k g c 5 0 justid", "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n1-1\r\n*0\r\n",
			"XCLAIM k g c 0 1-1 TIME 1700000000000 JUSTID", 1},
		Case{"XAUTOCLAIM k g c 5 0",
			"*2\r\n$3\r\n0-0\r\n*2\r\n*-1\r\n*2\r\n$3\r\n1-1\r\n*0\r\n",
			"XCLAIM k g c 0 1-1 TIME 1700000000000", 1},
		Case{"XAUTOCLAIM k g c 5 0", "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n", "nothing", 0},
		Case{"XAUTOCLAIM k g c 5 0", "*3\r\n$3\r\n0-0\r\n*0\r\n*1\r\n$3\r\n3-3\r\n",
			"XCLAIM k g c 0 3-3 TIME 1700000000000", 0},
		Case{"XAUTOCLAIM k g c 5 0", "*1\r\n$3\r\n0-0\r\n", "misfit", 0},
		Case{"XAUTOCLAIM k g c 5 0", "*2\r\n$3\r\n0-0\r\n*1\r\n*1\r\n$3\r\n1-1\r\n",
			"misfit", 0}));

TEST(FollowBytes, OfAnyKind)
{
	const std::string key("\0\r\n", 3), member("$1\r\n*\xff", 6);

	EXPECT_EQ(following(Request(Args{"SPOP", key}), "$6\r\n" + member + "\r\n", 1),
		support::resp(Args{"SREM", key, member}));
}

TEST(FollowNot, WhatIsTheSameEverywhere)
{
	for (const char *line : {"XADD k 1-1 f *", "XADD k 1-* f v", "SREM k a", "SET k v",
		     "SRANDMEMBER k", "GET k", "XCLAIM k g c 0 1-1", "PING", "EVAL s 1 k"})
		EXPECT_FALSE(follow_applies(Request(line))) << line;
}

TEST(FollowReply, SaysWhetherAllHadTheEffect)
{
	const Request spop("SPOP k 2"), xadd("XADD k * f v"), claim("XAUTOCLAIM k g c 0 0");
	const auto agrees = [](const Request &r, const std::string &reply, uint64_t n) {
		return follow_agrees(r, bytes_of(reply), reply.size(), n);
	};

	EXPECT_TRUE(agrees(spop, ":2\r\n", 2));
	EXPECT_FALSE(agrees(spop, ":1\r\n", 2));
	EXPECT_FALSE(agrees(spop, "-WRONGTYPE\r\n", 2));
	EXPECT_TRUE(agrees(xadd, "$3\r\n5-1\r\n", 0));
	EXPECT_FALSE(agrees(xadd, "-ERR smaller\r\n", 0));
	EXPECT_FALSE(agrees(xadd, "$-1\r\n", 0));
	EXPECT_TRUE(agrees(claim, "*1\r\n$3\r\n1-1\r\n", 1));
	EXPECT_FALSE(agrees(claim, "*0\r\n", 1));
}

} // namespace
