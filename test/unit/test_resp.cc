#include "entropy/resp.h"
#include "support/resp.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

struct Verdict {
	bool ok = false;
	std::string why;
	uint64_t offset = 0, number = 0;
	std::vector<std::string> names;

	bool operator==(const Verdict &o) const
	{
		return ok == o.ok && why == o.why && offset == o.offset && number == o.number &&
		       names == o.names;
	}
};

struct Watch {
	std::vector<resp_command> commands;
	uint64_t stop_at = 0;
};

bool on_command(void *arg, const resp_command *c)
{
	auto *w = static_cast<Watch *>(arg);
	w->commands.push_back(*c);
	return c->number != w->stop_at;
}

std::string text(const resp_arg &a)
{
	return std::string(reinterpret_cast<const char *>(a.head),
		a.len < RESP_ARG_HEAD ? a.len : RESP_ARG_HEAD);
}

/* Scan the pieces, and end. */
Verdict scan(const std::vector<std::string> &pieces, uint64_t stop_at = 0)
{
	resp_scanner s;
	Watch w;
	Verdict v;

	w.stop_at = stop_at;
	resp_scanner_init(&s, on_command, &w);
	v.ok = true;
	for (const std::string &p : pieces)
		v.ok = v.ok && resp_scan(&s, p.data(), p.size());
	v.ok = v.ok && resp_finish(&s);
	v.why = s.why ? s.why : "";
	v.offset = s.offset;
	v.number = s.command.number;
	for (const resp_command &c : w.commands)
		v.names.push_back(text(c.argv[0]));
	return v;
}

/* The verdict must be the same wherever the bytes are cut, and when they come one by one. */
void expect_same_when_cut(const std::string &bytes)
{
	const Verdict whole = scan({bytes});
	std::vector<std::string> single;

	for (size_t cut = 0; cut <= bytes.size(); cut++)
		EXPECT_EQ(whole, scan({bytes.substr(0, cut), bytes.substr(cut)}))
			<< "cut at " << cut;
	for (char c : bytes)
		single.emplace_back(1, c);
	EXPECT_EQ(whole, scan(single)) << "byte by byte";
}

TEST(Resp, NothingIsASnapshotOfNoCommands)
{
	const Verdict v = scan({""});

	EXPECT_TRUE(v.ok);
	EXPECT_EQ(0u, v.number);
}

TEST(Resp, TellsEachCommandWithTheHeadsOfItsArguments)
{
	const std::string value = std::string(RESP_ARG_HEAD, 'a') + "tail\r\n$5\r\n";
	const std::string bytes = support::resp({"SET", std::string("k\0\r\n", 4), value}) +
				  support::resp({"PING"}) + support::resp({"X", ""});
	resp_scanner s;
	Watch w;

	resp_scanner_init(&s, on_command, &w);
	ASSERT_TRUE(resp_scan(&s, bytes.data(), bytes.size()));
	ASSERT_TRUE(resp_finish(&s));
	ASSERT_EQ(3u, w.commands.size());
	EXPECT_EQ(3u, w.commands[0].argc);
	EXPECT_EQ(1u, w.commands[0].number);
	EXPECT_EQ(std::string("k\0\r\n", 4), text(w.commands[0].argv[1]));
	EXPECT_EQ(value.size(), w.commands[0].argv[2].len);
	EXPECT_EQ(value.substr(0, RESP_ARG_HEAD), text(w.commands[0].argv[2]));
	EXPECT_EQ(1u, w.commands[1].argc);
	EXPECT_EQ(0u, w.commands[2].argv[1].len);
	EXPECT_EQ(bytes.size(), s.offset);
	expect_same_when_cut(bytes);
}

TEST(Resp, ManyArgumentsAreCountedButNotKept)
{
	std::vector<std::string> args(1000, "x");
	const std::string bytes = support::resp(args) + support::resp({"Y"});
	resp_scanner s;
	Watch w;

	resp_scanner_init(&s, on_command, &w);
	ASSERT_TRUE(resp_scan(&s, bytes.data(), bytes.size()));
	ASSERT_EQ(2u, w.commands.size());
	EXPECT_EQ(1000u, w.commands[0].argc);
	EXPECT_EQ("Y", text(w.commands[1].argv[0]));
}

struct Bad {
	const char *bytes;
	const char *why; /* a part of it */
	uint64_t offset;
};

class RespRefuses : public testing::TestWithParam<Bad>
{
};

TEST_P(RespRefuses, WhereverItIsCut)
{
	const Bad &bad = GetParam();
	const Verdict v = scan({bad.bytes});

	EXPECT_FALSE(v.ok);
	EXPECT_NE(std::string::npos, v.why.find(bad.why)) << v.why;
	EXPECT_EQ(bad.offset, v.offset);
	expect_same_when_cut(bad.bytes);
	/* After a good command it is the second one that is bad. */
	const std::string good = support::resp({"DEL", "k"});
	const Verdict after = scan({good + bad.bytes});
	EXPECT_FALSE(after.ok);
	EXPECT_EQ(v.why, after.why);
	EXPECT_EQ(2u, after.number);
	EXPECT_EQ(good.size() + bad.offset, after.offset);
}

INSTANTIATE_TEST_SUITE_P(Bytes, RespRefuses,
	testing::Values(Bad{"PING\r\n", "not an array", 0}, Bad{"\r\n", "not an array", 0},
		Bad{"$4\r\nPING\r\n", "not an array", 0}, Bad{"*0\r\n", "empty command", 3},
		Bad{"*-1\r\n", "no digit", 1}, Bad{"*+1\r\n$1\r\nx\r\n", "no digit", 1},
		Bad{"*\r\n", "without digits", 1}, Bad{"*01\r\n", "leading zero", 2},
		Bad{"*00\r\n", "leading zero", 2}, Bad{"*1\n", "no digit", 2},
		Bad{"*1\rx", "line feed", 3}, Bad{"*1048577\r\n", "1048576", 7},
		Bad{"*18446744073709551617\r\n", "1048576", 7},
		Bad{"*1\r\n:1\r\n", "not a bulk string", 4},
		Bad{"*1\r\n*1\r\n", "not a bulk string", 4}, Bad{"*1\r\n$-1\r\n", "no digit", 5},
		Bad{"*1\r\n$ 1\r\n", "no digit", 5}, Bad{"*1\r\n$01\r\nx\r\n", "leading zero", 6},
		Bad{"*1\r\n$536870913\r\n", "512 MiB", 13},
		Bad{"*1\r\n$4294967297\r\n", "512 MiB", 14}, Bad{"*1\r\n$1\nx", "no digit", 6},
		Bad{"*1\r\n$1\r\nxy\r\n", "longer than", 9},
		Bad{"*1\r\n$1\r\nx\rz", "line feed", 10},
		Bad{"*1\r\n$0\r\nx\r\n", "longer than", 8}, Bad{"*", "middle", 1},
		Bad{"*1\r\n", "middle", 4}, Bad{"*2\r\n$1\r\nx\r\n", "middle", 11}));

TEST(Resp, TakesTheLargestLengths)
{
	EXPECT_EQ("the snapshot ends in the middle of a command", scan({"*1048576\r\n"}).why);
	EXPECT_EQ("the snapshot ends in the middle of a command",
		scan({"*1\r\n$536870912\r\nx"}).why);
}

TEST(Resp, EndsOnlyWhereACommandEnds)
{
	const std::string first = support::resp({"SET", "k", "v"}),
			  both = first + support::resp({"DEL", "k"});

	for (size_t len = 0; len <= both.size(); len++)
		EXPECT_EQ(len == 0 || len == first.size() || len == both.size(),
			scan({both.substr(0, len)}).ok)
			<< len;
}

TEST(Resp, StopsWhenToldAndStaysStopped)
{
	const std::string one = support::resp({"A"}), two = support::resp({"B"});
	const Verdict v = scan({one + two + two, two}, 2);

	EXPECT_FALSE(v.ok);
	EXPECT_EQ("", v.why);
	EXPECT_EQ(2u, v.number);
	EXPECT_EQ((std::vector<std::string>{"A", "B"}), v.names);
}

TEST(Resp, StaysWrong)
{
	const Verdict v = scan({"x", support::resp({"A"})});

	EXPECT_FALSE(v.ok);
	EXPECT_TRUE(v.names.empty());
}

resp_arg arg(const std::string &s)
{
	resp_arg a = {};

	a.len = static_cast<uint32_t>(s.size());
	memcpy(a.head, s.data(), s.size() < RESP_ARG_HEAD ? s.size() : RESP_ARG_HEAD);
	return a;
}

bool is(const std::string &s, const char *word)
{
	const resp_arg a = arg(s);
	return resp_arg_is(&a, word);
}

bool is_number(const std::string &s)
{
	const resp_arg a = arg(s);
	return resp_arg_is_number(&a);
}

TEST(Resp, ComparesWordsWhole)
{
	EXPECT_TRUE(is("restore", "RESTORE"));
	EXPECT_TRUE(is("ReStOrE", "RESTORE"));
	EXPECT_FALSE(is("RESTOR", "RESTORE"));
	EXPECT_FALSE(is("RESTORE2", "RESTORE"));
	EXPECT_FALSE(is(std::string("RESTORE\0", 8), "RESTORE"));
	EXPECT_FALSE(is("", "RESTORE"));
	EXPECT_FALSE(
		is(std::string(RESP_ARG_HEAD + 1, 'A'), std::string(RESP_ARG_HEAD, 'A').c_str()));
}

TEST(Resp, KnowsNumbers)
{
	EXPECT_TRUE(is_number("0"));
	EXPECT_TRUE(is_number("9223372036854775807"));
	EXPECT_FALSE(is_number(""));
	EXPECT_FALSE(is_number("-1"));
	EXPECT_FALSE(is_number("1 "));
	EXPECT_FALSE(is_number("99999999999999999999"));
}

} // namespace
