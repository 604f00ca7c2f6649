#include "proto/rewrite.h"
#include "support/request.h"
#include "support/resp.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

using support::Args;
using support::Request;
using support::words;

constexpr int64_t kNow = 1700000000000;
constexpr unsigned kRedis7 = 0x0700;

/* As it is rewritten; "" when it stays as it is. */
std::string rewritten(const Request &r, unsigned redis = kRedis7)
{
	buf out = {};
	std::string found;

	EXPECT_EQ(r->fault, REQUEST_FAULT_NONE);
	if (rewrite_may_change(r)) {
		const auto result = rewrite_request(r, kNow, redis, &out);

		EXPECT_EQ(result == REWRITE_DONE, buf_len(&out) > 0);
		EXPECT_NE(result, REWRITE_NO_MEMORY);
	}
	if (buf_len(&out) > 0)
		found.assign(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
	buf_fini(&out);
	return found;
}

struct Case {
	const char *line, *after;
};

class Rewrite : public testing::TestWithParam<Case>
{
};

TEST_P(Rewrite, MakesDeadlinesAbsolute)
{
	EXPECT_EQ(rewritten(Request(GetParam().line)), support::resp(words(GetParam().after)))
		<< GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(Requests, Rewrite,
	testing::Values(Case{"SETEX k 10 v", "SET k v PXAT 1700000010000"},
		Case{"psetex k 10 v", "SET k v PXAT 1700000000010"},
		Case{"SET k v EX 1", "SET k v PXAT 1700000001000"},
		Case{"set k v get px 1 NX", "set k v get PXAT 1700000000001 NX"},
		Case{"SET k v XX EX 9 GET", "SET k v XX PXAT 1700000009000 GET"},
		Case{"SET EX EX EX 2", "SET EX EX PXAT 1700000002000"},
		Case{"GETEX k EX 10", "GETEX k PXAT 1700000010000"},
		Case{"GETEX k PX 10", "GETEX k PXAT 1700000000010"},
		Case{"EXPIRE k 10", "PEXPIREAT k 1700000010000"},
		Case{"EXPIRE k 10 GT XX", "PEXPIREAT k 1700000010000 GT XX"},
		Case{"PEXPIRE k 10 nx", "PEXPIREAT k 1700000000010 nx"},
		Case{"HEXPIRE k 10 FIELDS 1 f", "HPEXPIREAT k 1700000010000 FIELDS 1 f"},
		Case{"hpexpire k 10 nx FIELDS 2 f g", "HPEXPIREAT k 1700000000010 nx FIELDS 2 f g"},
		Case{"RESTORE k 10 p", "RESTORE k 1700000000010 p ABSTTL"},
		Case{"RESTORE k 10 p REPLACE IDLETIME 5 FREQ 7",
			"RESTORE k 1700000000010 p REPLACE IDLETIME 5 FREQ 7 ABSTTL"},
		Case{"XCLAIM k g c 5 1-1 2-2", "XCLAIM k g c 5 1-1 2-2 TIME 1700000000000"},
		Case{"xclaim k g c 0 1-1 JUSTID", "XCLAIM k g c 0 1-1 JUSTID TIME 1700000000000"},
		/* What Redis refuses for other reasons, it refuses in the same words. */
		Case{"SET k v EX 10 PX 10", "SET k v PXAT 1700000010000 PX 10"},
		Case{"EXPIRE k 10 nosuch", "PEXPIREAT k 1700000010000 nosuch"}));

TEST(RewriteNothing, ThatSetsNoDeadlineOrIsRefused)
{
	for (const char *line : {"SET k v", "SET k v NX", "SET k v PXAT 5", "SET k v EXAT 5",
		     "SET k v KEEPTTL", "SET k v IFEQ EX EX 5", "SET k v EX", "SET k v EX PX",
		     "SET k v EX 0", "SET k v EX -1", "SET k v EX 010", "SET k v EX +5",
		     "SET k v EX 1.5", "SET k v EX x", "SET k v EX 9223372036854775807",
		     "SET k v PX 9223372036854775807", "SET k v PX 92233720368547758080",
		     "SETEX k 0 v", "SETEX k -1 v", "SETEX k x v", "SETEX k 9223372036854776 v",
		     "PSETEX k 9223372036854775000 v", "GETEX k", "GETEX k PERSIST",
		     "GETEX k PXAT 5", "GETEX k EX 0", "EXPIRE k 0", "EXPIRE k -5", "EXPIRE k x",
		     "EXPIRE k 9223372036854775807", "EXPIRE k 40000000000",
		     "HEXPIRE k 0 FIELDS 1 f", "HEXPIRE k 40000000000 FIELDS 1 f",
		     "HPEXPIREAT k 5 FIELDS 1 f", "EXPIREAT k 5", "PEXPIREAT k 5", "RESTORE k 0 p",
		     "RESTORE k 5 p ABSTTL", "RESTORE k 5 p absttl REPLACE", "RESTORE k 5 p nosuch",
		     "RESTORE k -5 p", "RESTORE k x p", "XCLAIM k g c 0 1-1 IDLE 5",
		     "XCLAIM k g c 0 1-1 time 5", "INCR k", "GET k", "XADD k * f v",
		     "SORT k STORE d", "EVAL s 1 k", "SCRIPT LOAD x"})
		EXPECT_EQ(rewritten(Request(line)), "") << line;
	for (const char *line : {"SETEX k 10 v", "SET k v EX 10", "GETEX k EX 10"}) {
		EXPECT_EQ(rewritten(Request(line), 0x0600), "") << line;
		EXPECT_NE(rewritten(Request(line), 0x0602), "") << line;
		EXPECT_EQ(rewritten(Request(line), 0), "") << line;
	}
	EXPECT_EQ(rewritten(Request("EXPIRE k 10 NX"), 0x0602), "");
	EXPECT_NE(rewritten(Request("EXPIRE k 10"), 0x0500), "");
	EXPECT_NE(rewritten(Request("RESTORE k 10 p"), 0x0500), "");
}

TEST(RewriteBytes, OfAnyKindStay)
{
	const std::string key("\0\r\n$1\r\n", 7), value(100000, '\n');

	EXPECT_EQ(rewritten(Request(Args{"SETEX", key, "10", value})),
		support::resp(Args{"SET", key, value, "PXAT", "1700000010000"}));
	EXPECT_EQ(rewritten(Request(Args{"SET", "", "", "PX", "1"})),
		support::resp(Args{"SET", "", "", "PXAT", "1700000000001"}));
}

TEST(RewriteBytes, FollowWhatIsThere)
{
	const Request r("SETEX k 10 v");
	buf out = {};

	ASSERT_TRUE(buf_append(&out, "before", 6));
	EXPECT_EQ(rewrite_request(r, kNow, kRedis7, &out), REWRITE_DONE);
	EXPECT_EQ(memcmp(buf_head(&out), "before*5\r\n", 10), 0);
	buf_fini(&out);
}

} // namespace
