#include "proto/request.h"
#include "support/request.h"
#include "support/resp.h"
#include "support/wait.h"

#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace
{

using Args = std::vector<std::string>;

class Parser
{
      public:
	~Parser()
	{
		request_parser_fini(&p);
	}
	/* The bytes in memory of their own and of just this size, which is gone after the call. */
	request_result parse(const std::string &bytes)
	{
		const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
		memcpy(copy.get(), bytes.data(), bytes.size());
		const request_result result = request_parse(&p, copy.get(), bytes.size());
		args.clear();
		resp.clear();
		if (result != REQUEST_DONE)
			return result;
		const struct request r = request_of(&p, copy.get());
		for (uint32_t i = 0; i < r.argc; i++)
			args.emplace_back(
				reinterpret_cast<const char *>(request_arg(&r, i)), r.args[i].len);
		buf out = {};
		EXPECT_TRUE(request_write(&r, &out));
		if (buf_len(&out))
			resp.assign(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
		buf_fini(&out);
		return result;
	}

	request_parser p = {};
	Args args;        /* of the request that was parsed */
	std::string resp; /* what request_write makes of it */
};

void expect_args(Parser &p, const std::string &bytes, const Args &args, const char *how)
{
	EXPECT_EQ(args, p.args) << how;
	EXPECT_EQ(bytes.size(), p.p.len) << how;
	EXPECT_EQ(args.empty() ? "" : support::resp(args), p.resp) << how;
}

/* The request must come out the same whole, cut at every byte, byte by byte, and with something
 * behind it; and every part of it must be known as one. */
void expect_request(const std::string &bytes, const Args &args)
{
	Parser whole, single;

	ASSERT_EQ(REQUEST_DONE, whole.parse(bytes));
	expect_args(whole, bytes, args, "whole");
	for (const char *behind : {"*1\r\n", "$1\r\nx\r\n", "x"}) {
		ASSERT_EQ(REQUEST_DONE, whole.parse(bytes + behind));
		expect_args(whole, bytes, args, "more behind it");
	}
	for (size_t cut = 0; cut < bytes.size(); cut++) {
		Parser p;

		ASSERT_EQ(REQUEST_MORE, p.parse(bytes.substr(0, cut))) << "cut at " << cut;
		EXPECT_LE(p.p.need, bytes.size()) << "cut at " << cut;
		EXPECT_TRUE(p.p.need == 0 || p.p.need > cut) << "cut at " << cut;
		ASSERT_EQ(REQUEST_DONE, p.parse(bytes)) << "cut at " << cut;
		expect_args(p, bytes, args, "cut");
	}
	for (size_t len = 0; len < bytes.size(); len++)
		ASSERT_EQ(REQUEST_MORE, single.parse(bytes.substr(0, len))) << len;
	ASSERT_EQ(REQUEST_DONE, single.parse(bytes));
	expect_args(single, bytes, args, "byte by byte");
}

/* Refused in these words whole, cut at every byte, and byte by byte. */
void expect_bad(const std::string &bytes, const std::string &error)
{
	Parser whole, single;
	request_result result = REQUEST_MORE;

	ASSERT_EQ(REQUEST_BAD, whole.parse(bytes)) << bytes;
	EXPECT_EQ(error, whole.p.error);
	EXPECT_EQ(REQUEST_BAD, whole.parse(support::resp({"PING"}))) << "it stays bad";
	EXPECT_EQ(error, whole.p.error);
	for (size_t cut = 0; cut < bytes.size(); cut++) {
		Parser p;

		result = p.parse(bytes.substr(0, cut));
		ASSERT_TRUE(result == REQUEST_MORE || result == REQUEST_BAD) << cut;
		EXPECT_EQ(REQUEST_BAD, p.parse(bytes)) << cut;
		EXPECT_EQ(error, p.p.error) << cut;
	}
	result = REQUEST_MORE;
	for (size_t len = 0; len <= bytes.size() && result == REQUEST_MORE; len++)
		result = single.parse(bytes.substr(0, len));
	EXPECT_EQ(REQUEST_BAD, result) << "byte by byte";
	EXPECT_EQ(error, single.p.error);
	request_reset(&whole.p);
	EXPECT_EQ(REQUEST_DONE, whole.parse(support::resp({"PING"}))) << "after a reset";
}

TEST(Request, ArgumentsOfAllKinds)
{
	expect_request(support::resp({"PING"}), {"PING"});
	expect_request(support::resp({"SET", "k", std::string(16, 'v')}),
		{"SET", "k", std::string(16, 'v')});
	expect_request(support::resp({"", "", ""}), {"", "", ""});
	const std::string binary("\0\r\n$3\r\n*1\r\n\xff", 12);
	expect_request(support::resp({"SET", binary, binary}), {"SET", binary, binary});
	expect_request(support::resp({std::string(1000, 'x'), "y"}), {std::string(1000, 'x'), "y"});
}

TEST(Request, MoreArgumentsThanAreKeptInPlace)
{
	for (size_t n = REQUEST_ARGS_KEPT - 1; n <= 4 * REQUEST_ARGS_KEPT + 1; n++) {
		Args args;

		for (size_t i = 0; i < n; i++)
			args.push_back(std::to_string(i));
		expect_request(support::resp(args), args);
	}
}

TEST(Request, NothingToAnswer)
{
	for (const char *bytes : {"*0\r\n", "*-1\r\n", "*-10\r\n", "\r\n", "\n", "  \t \r\n"})
		expect_request(bytes, {});
}

TEST(Request, OneBehindTheOther)
{
	const std::vector<Args> list = {{"GET", "a"}, {"PING"}, {}, {"MSET", "a", "1", "b", "2"},
		Args(20, "x"), {"GET", "b"}};
	std::string bytes;
	Parser p;

	for (const Args &args : list)
		bytes += support::resp(args);
	bytes += "GET 'inline one'\r\n" + support::resp({"QUIT"});
	for (const Args &args : list) {
		ASSERT_EQ(REQUEST_DONE, p.parse(bytes));
		EXPECT_EQ(args, p.args);
		EXPECT_FALSE(p.p.is_inline);
		bytes.erase(0, p.p.len);
	}
	ASSERT_EQ(REQUEST_DONE, p.parse(bytes));
	EXPECT_EQ((Args{"GET", "inline one"}), p.args);
	EXPECT_TRUE(p.p.is_inline);
	bytes.erase(0, p.p.len);
	ASSERT_EQ(REQUEST_DONE, p.parse(bytes));
	EXPECT_EQ(Args{"QUIT"}, p.args);
	bytes.erase(0, p.p.len);
	EXPECT_EQ(REQUEST_MORE, p.parse(bytes));
}

struct Inline {
	const char *line;
	Args args;
};

class RequestInline : public testing::TestWithParam<Inline>
{
};

TEST_P(RequestInline, IsSplitAsRedisDoes)
{
	const Inline &c = GetParam();

	expect_request(std::string(c.line) + "\r\n", c.args);
	expect_request(std::string(c.line) + "\n", c.args);
}

INSTANTIATE_TEST_SUITE_P(Lines, RequestInline,
	testing::Values(Inline{"PING", {"PING"}}, Inline{"  GET\t k  ", {"GET", "k"}},
		Inline{"a\rb", {"a", "b"}}, Inline{"a \v\f b", {"a", "b"}},
		Inline{"a\vb", {"a\vb"}}, Inline{"SET k \"\"", {"SET", "k", ""}},
		Inline{"''", {""}}, Inline{"\"a b\" 'c d'", {"a b", "c d"}},
		Inline{"foo\"bar\"", {"foobar"}}, Inline{"foo'b r' x", {"foob r", "x"}},
		Inline{"\"\\x41\\x0a\\xfF\"", {"A\n\xff"}}, Inline{"\"\\x4\"", {"x4"}},
		Inline{"\"\\xg1\"", {"xg1"}}, Inline{"\"\\n\\r\\t\\b\\a\"", {"\n\r\t\b\a"}},
		Inline{"\"\\\"\\\\\\q\"", {"\"\\q"}}, Inline{"'\\''", {"'"}},
		Inline{"'\\n\"'", {"\\n\""}}, Inline{"\"it's\"", {"it's"}},
		Inline{"a\\nb", {"a\\nb"}}, Inline{"\"a\"\v\"b\"", {"a", "b"}},
		Inline{"1 2 3 4 5 6 7 8 9 10 11",
			{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}},
		Inline{"$3", {"$3"}}));

struct Bad {
	std::string bytes;
	const char *error;
};

class RequestRefuses : public testing::TestWithParam<Bad>
{
};

TEST_P(RequestRefuses, WhereverItIsCut)
{
	expect_bad(GetParam().bytes, GetParam().error);
}

const char multibulk[] = "invalid multibulk length", bulk[] = "invalid bulk length",
	   quotes[] = "unbalanced quotes in request", crlf[] = "expected CRLF behind an argument";

INSTANTIATE_TEST_SUITE_P(Bytes, RequestRefuses,
	testing::Values(Bad{"*x\r\n", multibulk}, Bad{"*\r\n", multibulk},
		Bad{"*1048577\r\n", multibulk}, Bad{"*18446744073709551617\r\n", multibulk},
		Bad{"*01\r\n", multibulk}, Bad{"*+1\r\n", multibulk}, Bad{"*-\r\n", multibulk},
		Bad{"*-0\r\n", multibulk}, Bad{"*-01\r\n", multibulk},
		Bad{"*-99999999999999999999\r\n", multibulk}, Bad{"*1 \r\n", multibulk},
		Bad{"*1\n", multibulk}, Bad{"*1\rx", multibulk},
		Bad{"*1\r\n:1\r\n", "expected '$', got ':'"},
		Bad{"*1\r\n\r\n", "expected '$', got '\\x0d'"},
		Bad{std::string("*1\r\n\0", 5), "expected '$', got '\\x00'"},
		Bad{"*2\r\n$1\r\na\r\n*", "expected '$', got '*'"}, Bad{"*1\r\n$-1\r\n", bulk},
		Bad{"*1\r\n$\r\n", bulk}, Bad{"*1\r\n$01\r\na\r\n", bulk},
		Bad{"*1\r\n$a\r\n", bulk}, Bad{"*1\r\n$536870913\r\n", bulk},
		Bad{"*1\r\n$4294967297\r\n", bulk}, Bad{"*1\r\n$1\na\r\n", bulk},
		Bad{"*1\r\n$1\r\nab\r\n", crlf}, Bad{"*1\r\n$1\r\na\rb", crlf},
		Bad{"*1\r\n$1\r\nax\n", crlf}, Bad{"*1\r\n$0\r\na\r\n", crlf},
		Bad{"a \"b\r\n", quotes}, Bad{"a 'b\n", quotes}, Bad{"\"a\"b\r\n", quotes},
		Bad{"'a'b\r\n", quotes}, Bad{"\"a\\\"\r\n", quotes}, Bad{"a\"b\"c\r\n", quotes},
		Bad{"\"a\\\r\n", quotes},
		Bad{std::string("GET a\0b\r\n", 9), "NUL in an inline request"}));

TEST(Request, TheLongestLine)
{
	const std::string longest(REQUEST_INLINE_MAX - 1, 'a');
	Parser p, cut;

	ASSERT_EQ(REQUEST_DONE, p.parse(longest + "\n"));
	EXPECT_EQ(Args{longest}, p.args);
	EXPECT_EQ(REQUEST_MORE, p.parse(longest));
	EXPECT_EQ(REQUEST_BAD, p.parse(longest + "a"));
	EXPECT_STREQ("too big inline request", p.p.error);
	EXPECT_EQ(REQUEST_BAD, cut.parse(longest + "a\n"));
	EXPECT_STREQ("too big inline request", cut.p.error);
}

TEST(Request, TheMostArgumentsAreTaken)
{
	Parser p;

	EXPECT_EQ(REQUEST_MORE, p.parse("*1048576\r\n"));
	EXPECT_EQ(REQUEST_MORE, p.parse("*1048576\r\n$536870912\r\n"));
	EXPECT_EQ(0u, p.p.more_cap) << "nothing is allocated for what was only announced";
}

double seconds_since(std::chrono::steady_clock::time_point from)
{
	return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

/* Looked at anew from its beginning with every piece, it would be 24 GB. */
TEST(Request, AMillionArgumentsInSmallPieces)
{
	const Args args(REQUEST_ARGS_MAX, "");
	const std::string bytes = support::resp(args);
	const auto *at = reinterpret_cast<const uint8_t *>(bytes.data());
	const auto start = std::chrono::steady_clock::now();
	request_parser p = {};

	for (size_t len = 0; len < bytes.size(); len += 777)
		ASSERT_EQ(REQUEST_MORE, request_parse(&p, at, len));
	ASSERT_EQ(REQUEST_DONE, request_parse(&p, at, bytes.size()));
	EXPECT_EQ(uint32_t{REQUEST_ARGS_MAX}, p.argc);
	EXPECT_EQ(bytes.size() - 2, p.args[p.argc - 1].offset);
	EXPECT_LT(seconds_since(start), 2.5 * support::slowness());
	request_reset(&p);
	EXPECT_EQ(nullptr, p.more) << "an idle client keeps nothing of it";
	request_parser_fini(&p);
}

TEST(Request, TheLargestArgumentInSmallPieces)
{
	const std::string head = "*2\r\n$3\r\nGET\r\n$536870912\r\n";
	const size_t size = head.size() + REQUEST_ARG_MAX + 2;
	auto *bytes = static_cast<uint8_t *>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	const auto start = std::chrono::steady_clock::now();
	request_parser p = {};

	ASSERT_NE(MAP_FAILED, static_cast<void *>(bytes));
	memcpy(bytes, head.data(), head.size());
	memcpy(bytes + size - 2, "\r\n", 2);
	for (size_t len = head.size(); len < size; len += 16384) {
		ASSERT_EQ(REQUEST_MORE, request_parse(&p, bytes, len));
		ASSERT_EQ(size, p.need);
	}
	ASSERT_EQ(REQUEST_DONE, request_parse(&p, bytes, size));
	EXPECT_EQ(REQUEST_ARG_MAX, p.args[1].len);
	EXPECT_EQ(size, p.len);
	EXPECT_LT(seconds_since(start), 5 * support::slowness());
	request_parser_fini(&p);
	munmap(bytes, size);
}

TEST(Request, AnIdleParserIsSmall)
{
	Parser p;

	EXPECT_LE(sizeof(request_parser), 320u);
	ASSERT_EQ(REQUEST_DONE, p.parse(std::string(60000, 'a') + "\r\n"));
	request_reset(&p.p);
	EXPECT_EQ(nullptr, p.p.text);
	ASSERT_EQ(REQUEST_DONE, p.parse(support::resp(Args(1000, "x"))));
	request_reset(&p.p);
	EXPECT_EQ(nullptr, p.p.more);
}

TEST(Request, WordsAreComparedWholeAndInAnyCase)
{
	const support::Request r(Args{"sToRe", "STORED", "STOR", ""});

	EXPECT_TRUE(request_arg_is(r, 0, "STORE"));
	EXPECT_FALSE(request_arg_is(r, 1, "STORE"));
	EXPECT_FALSE(request_arg_is(r, 2, "STORE"));
	EXPECT_FALSE(request_arg_is(r, 3, "STORE"));
	EXPECT_TRUE(request_arg_is(r, 3, ""));
}

/* The first error of a request is reported. */
TEST(Request, IsUnderstoodOnce)
{
	EXPECT_EQ(REQUEST_FAULT_NONE, support::Request("GET k")->fault);
	EXPECT_EQ(REQUEST_FAULT_UNKNOWN, support::Request("NOSUCH k")->fault);
	EXPECT_EQ(REQUEST_FAULT_ARITY, support::Request("GET")->fault);
	EXPECT_EQ(REQUEST_FAULT_ARITY, support::Request("BLPOP k")->fault);
	EXPECT_EQ(REQUEST_FAULT_REFUSED, support::Request("BLPOP k 0")->fault);
	EXPECT_EQ(REQUEST_FAULT_REFUSED, support::Request("XREAD BLOCK 0 STREAMS k")->fault);
	EXPECT_EQ(REQUEST_FAULT_KEYS, support::Request("XREAD COUNT 1 STREAMS k")->fault);
	EXPECT_EQ(REQUEST_FAULT_KEYS, support::Request("EVAL s x")->fault);
	EXPECT_EQ(REQUEST_FAULT_KEYS, support::Request("EVAL s 5 k")->fault);
	for (const char *line : {"NOSUCH k", "GET", "BLPOP k 0", "EVAL s 5 k"}) {
		const support::Request r(line);

		EXPECT_EQ(COMMAND_REFUSED, r->kind) << line;
		EXPECT_EQ(0u, r->n_keys) << line;
		EXPECT_EQ(0u, r->n_written) << line;
	}
}

/* However many there are, nothing is allocated for them. */
TEST(Request, TheKeysOfALargeRequest)
{
	const uint32_t n = 100000;
	Args args = {"ZUNIONSTORE", "d", std::to_string(n)};

	for (uint32_t i = 0; i < n; i++)
		args.push_back("k" + std::to_string(i));
	const support::Request r(args);

	ASSERT_EQ(n + 1, r->n_keys);
	EXPECT_EQ("d", r.key(0));
	EXPECT_EQ("k0", r.key(1));
	EXPECT_EQ("k99999", r.key(n));
	EXPECT_EQ(Args{"d"}, r.written());
	EXPECT_LE(sizeof(struct request), 128u);
}

} // namespace
