#include "proto/command.h"
#include "support/request.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace
{

using support::Args;
using support::Request;
using support::words;

std::string name_of(const Request &r)
{
	return r->command ? r->command->name : "";
}

/* Whether the command that it names may have its arguments. */
bool arity_ok(const Request &r)
{
	return command_arity_ok(r->command, r->argc);
}

/* Its keys, or "?" when they are unknown. */
Args keys_of(const Request &r)
{
	EXPECT_TRUE(r->fault == REQUEST_FAULT_NONE || r->fault == REQUEST_FAULT_KEYS);
	if (r->fault == REQUEST_FAULT_NONE)
		return r.keys();
	EXPECT_EQ(r->n_keys, 0u);
	return {"?"};
}

TEST(Command, EveryRowIsFoundByItsName)
{
	std::set<std::string> names;

	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];
		std::string small = c->name;

		EXPECT_EQ(c, command_named(c->name)) << c->name;
		for (char &letter : small)
			letter = static_cast<char>(tolower(letter));
		EXPECT_EQ(c, Request(small)->command) << small;
		EXPECT_TRUE(names.insert(c->name).second) << c->name << " is there twice";
	}
}

TEST(Command, EveryRowIsSensible)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];

		SCOPED_TRACE(c->name);
		EXPECT_NE(0, c->arity);
		EXPECT_LE(c->kind, COMMAND_REFUSED);
		if (c->kind == COMMAND_REFUSED) {
			ASSERT_NE(nullptr, c->refusal);
			EXPECT_GT(std::string(c->refusal).size(), 10u);
			EXPECT_EQ(std::string::npos, std::string(c->refusal).find_first_of("\r\n"));
		} else {
			EXPECT_FALSE(c->hang_up);
		}
		const bool has_keys = c->keys != COMMAND_KEYS_NONE;
		const bool is_data = (c->kind == COMMAND_READ || c->kind == COMMAND_WRITE) &&
				     !command_is_for_all(c);
		EXPECT_EQ(is_data, has_keys);
		EXPECT_EQ(is_data && c->kind == COMMAND_WRITE, c->writes != COMMAND_WRITES_NONE);
		EXPECT_TRUE(c->kind != COMMAND_LOCAL || c->id != COMMAND_ID_NONE);
	}
}

TEST(Command, NamesAreComparedWholeAndInAnyCase)
{
	EXPECT_EQ("GET", name_of(Request("gEt k")));
	EXPECT_EQ("BRPOPLPUSH", name_of(Request("brpoplpush a b 1")));
	EXPECT_EQ("GEORADIUSBYMEMBER_RO", name_of(Request("georadiusbymember_ro")));
	for (const char *line :
		{"GE k", "GETT k", "GET_ k", "nosuch", "HOST", "GEORADIUSBYMEMBER_R",
			"COMMANDCOUNT", "aVeryLongNameThatNoCommandHasAndNoneWillEverHave"})
		EXPECT_EQ("", name_of(Request(line))) << line;
	EXPECT_EQ("", name_of(Request(Args{""})));
	EXPECT_EQ("", name_of(Request(Args{std::string("GET\0", 4), "k"})));
	EXPECT_EQ("", name_of(Request(Args{"g\xe5t", "k"})));
	EXPECT_EQ("", name_of(Request(Args{"'et", "k"})));
	EXPECT_EQ("", name_of(Request(Args{"\x07"
					   "et",
			      "k"})));
	EXPECT_EQ(nullptr, command_named(""));
	EXPECT_EQ(nullptr, command_named("NOSUCH"));
	EXPECT_STREQ("SCRIPT LOAD", command_named("script load")->name);
}

TEST(Command, SubcommandsHaveTheirOwnRows)
{
	EXPECT_EQ("SCRIPT LOAD", name_of(Request("script load x")));
	EXPECT_EQ("XGROUP CREATECONSUMER", name_of(Request("XGROUP createconsumer k g c")));
	EXPECT_EQ("CLIENT SETINFO", name_of(Request("CLIENT SETINFO lib-name x")));
	EXPECT_EQ("COMMAND", name_of(Request("COMMAND")));
	EXPECT_EQ("OBJECT", name_of(Request("OBJECT")));
	EXPECT_FALSE(arity_ok(Request("OBJECT")));
	EXPECT_EQ("GET", name_of(Request("GET LOAD"))) << "GET has no subcommands";
	EXPECT_EQ("", name_of(Request(Args{"SCRIPT LOAD", "x"}))) << "one argument is one name";
}

TEST(Command, UnknownSubcommandsAreRefused)
{
	for (const char *line : {"SCRIPT nosuch", "COMMAND nosuch", "CLIENT KILL 1:2",
		     "OBJECT HELP", "CLIENT aVeryLongNameThatNoSubcommandHasAndNoneWillEver"}) {
		const Request r(line);

		EXPECT_EQ(REQUEST_FAULT_REFUSED, r->fault) << line;
		ASSERT_NE(nullptr, r->refusal);
		EXPECT_NE(std::string::npos, std::string(r->refusal).find("subcommand"));
	}
	EXPECT_EQ(COMMAND_REFUSED, Request(Args{"MEMORY", ""})->kind);
	EXPECT_EQ(COMMAND_REFUSED, Request(Args{"MEMORY", std::string("USAGE\0", 6)})->kind);
	EXPECT_EQ(COMMAND_LOCAL, Request("COMMAND")->kind);
	EXPECT_EQ(COMMAND_LOCAL, Request("COMMAND COUNT")->kind);
}

TEST(Command, Arity)
{
	EXPECT_TRUE(arity_ok(Request("GET k")));
	EXPECT_FALSE(arity_ok(Request("GET")));
	EXPECT_FALSE(arity_ok(Request("GET k k")));
	EXPECT_TRUE(arity_ok(Request("SET k v EX 1")));
	EXPECT_FALSE(arity_ok(Request("SET k")));
	EXPECT_FALSE(arity_ok(Request("SCRIPT LOAD")));
	for (const char *name : {"MSET", "MSETNX"}) {
		EXPECT_TRUE(arity_ok(Request(std::string(name) + " a 1")));
		EXPECT_TRUE(arity_ok(Request(std::string(name) + " a 1 b 2")));
		EXPECT_FALSE(arity_ok(Request(std::string(name) + " a 1 b")));
		EXPECT_FALSE(arity_ok(Request(std::string(name) + " a")));
	}
	EXPECT_TRUE(command_arity_ok(command_named("DEL"), REQUEST_ARGS_MAX));
}

struct Kind {
	const char *line;
	command_class kind;
};

class CommandKinds : public testing::TestWithParam<Kind>
{
};

TEST_P(CommandKinds, AsTheArgumentsSay)
{
	const Request r(GetParam().line);

	EXPECT_EQ(GetParam().kind, r->kind) << GetParam().line;
	EXPECT_EQ(r->kind == COMMAND_REFUSED, r->fault == REQUEST_FAULT_REFUSED);
	EXPECT_EQ(r->kind == COMMAND_REFUSED, r->refusal != nullptr);
}

INSTANTIATE_TEST_SUITE_P(Requests, CommandKinds,
	testing::Values(Kind{"GET k", COMMAND_READ}, Kind{"GETEX k", COMMAND_WRITE},
		Kind{"GETDEL k", COMMAND_WRITE}, Kind{"SORT k", COMMAND_READ},
		Kind{"SORT_RO k", COMMAND_READ}, Kind{"SORT k LIMIT 0 1 store d", COMMAND_WRITE},
		Kind{"SORT k GET STORE BY x", COMMAND_READ}, Kind{"SORT k STORE", COMMAND_READ},
		Kind{"GEORADIUS k 1 2 3 km", COMMAND_READ},
		Kind{"GEORADIUS k 1 2 3 km STOREDIST d", COMMAND_WRITE},
		Kind{"GEORADIUSBYMEMBER k m 3 km STORE d", COMMAND_WRITE},
		Kind{"GEORADIUSBYMEMBER k STORE 3 km", COMMAND_READ},
		Kind{"XREAD STREAMS k 0", COMMAND_READ},
		Kind{"XREAD COUNT 1 STREAMS BLOCK 0", COMMAND_READ},
		Kind{"XREAD BLOCK 0 STREAMS k $", COMMAND_REFUSED},
		Kind{"XREAD COUNT 1 block 0 STREAMS k $", COMMAND_REFUSED},
		Kind{"XREADGROUP GROUP g c STREAMS k >", COMMAND_WRITE},
		Kind{"XREADGROUP GROUP BLOCK BLOCK STREAMS k >", COMMAND_WRITE},
		Kind{"XREADGROUP GROUP g c NOACK BLOCK 1 STREAMS k >", COMMAND_REFUSED},
		Kind{"EVAL s 0", COMMAND_WRITE}, Kind{"EVAL_RO s 0", COMMAND_READ},
		Kind{"FCALL f 0", COMMAND_WRITE}, Kind{"FCALL_RO f 0", COMMAND_READ},
		Kind{"BLPOP k 0", COMMAND_REFUSED}, Kind{"WAIT 1 1", COMMAND_REFUSED},
		Kind{"MULTI", COMMAND_REFUSED}, Kind{"SUBSCRIBE c", COMMAND_REFUSED},
		Kind{"KEYS *", COMMAND_REFUSED}, Kind{"CONFIG GET save", COMMAND_REFUSED},
		Kind{"FLUSHALL", COMMAND_REFUSED}, Kind{"POST / HTTP/1.1", COMMAND_REFUSED},
		Kind{"SCRIPT LOAD x", COMMAND_WRITE}, Kind{"PING", COMMAND_LOCAL},
		Kind{"CLIENT SETNAME x", COMMAND_LOCAL}));

TEST(Command, AnAttackIsNotAnswered)
{
	EXPECT_TRUE(Request("post / HTTP/1.1")->command->hang_up);
	EXPECT_TRUE(Request("Host: localhost")->command->hang_up);
	EXPECT_FALSE(Request("MULTI")->command->hang_up);
}

struct Keys {
	const char *line;
	const char *keys; /* "?": unknown */
};

class CommandKeys : public testing::TestWithParam<Keys>
{
};

TEST_P(CommandKeys, AreFoundInOrder)
{
	EXPECT_EQ(words(GetParam().keys), keys_of(Request(GetParam().line))) << GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(Requests, CommandKeys,
	testing::Values(Keys{"GET a", "a"}, Keys{"SET a 1", "a"}, Keys{"PING x", ""},
		Keys{"DEL a b c", "a b c"}, Keys{"MSET a 1 b 2", "a b"},
		Keys{"MSETNX a 1 b 2", "a b"}, Keys{"BITOP AND d a b", "d a b"},
		Keys{"LMOVE a b LEFT LEFT", "a b"}, Keys{"OBJECT ENCODING a", "a"},
		Keys{"XINFO STREAM a FULL", "a"}, Keys{"XGROUP CREATE a g $", "a"},
		Keys{"MEMORY USAGE a SAMPLES 1", "a"},
		Keys{"GEOSEARCHSTORE d a BYRADIUS 1 km FROMMEMBER m", "d a"},
		Keys{"ZUNION 2 a b WEIGHTS 1 2", "a b"}, Keys{"ZUNION 0 a", "?"},
		Keys{"ZUNION 2 a", "?"}, Keys{"ZUNION x a", "?"}, Keys{"ZUNION -1 a", "?"},
		Keys{"ZUNION 1x a", "?"}, Keys{"ZUNION 18446744073709551617 a", "?"},
		Keys{"ZUNIONSTORE d 2 a b AGGREGATE MIN", "d a b"}, Keys{"ZINTERSTORE d 0 a", "?"},
		Keys{"ZDIFFSTORE d 3 a b", "?"}, Keys{"SINTERCARD 1 a LIMIT 1", "a"},
		Keys{"LMPOP 2 a b LEFT", "a b"}, Keys{"EVAL s 2 a b c", "a b"},
		Keys{"EVAL s 0 c", ""}, Keys{"EVAL s 0", ""}, Keys{"EVAL s 2 a", "?"},
		Keys{"EVALSHA s 4294967297 a", "?"}, Keys{"FCALL_RO f 1 a", "a"},
		Keys{"XREAD STREAMS a b 0 0", "a b"},
		Keys{"XREAD COUNT 1 STREAMS STREAMS 0", "STREAMS"},
		Keys{"XREAD STREAMS a b 0", "?"}, Keys{"XREAD COUNT 2 a 0", "?"},
		Keys{"XREAD COUNT 1 STREAMS", "?"}, Keys{"XREAD x STREAMS a 0", "?"},
		Keys{"XREADGROUP GROUP STREAMS c STREAMS a >", "a"}, Keys{"SORT a", "a"},
		Keys{"SORT a STORE d", "a d"}, Keys{"SORT a STORE d STORE e", "a e"},
		Keys{"SORT a STORE store ALPHA", "a store"},
		Keys{"SORT a BY store GET store LIMIT store 1", "a"},
		Keys{"GEORADIUS a 1 2 3 m COUNT 1 STORE d STOREDIST e", "a e"},
		Keys{"GEORADIUSBYMEMBER a m 1 m STORE d", "a d"}));

struct Written {
	const char *line;
	const char *keys;
};

class CommandWrites : public testing::TestWithParam<Written>
{
};

TEST_P(CommandWrites, TheKeysThatItMayChange)
{
	EXPECT_EQ(words(GetParam().keys), Request(GetParam().line).written()) << GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(Requests, CommandWrites,
	testing::Values(Written{"GET a", ""}, Written{"SET a 1", "a"}, Written{"MGET a b", ""},
		Written{"DEL a b c", "a b c"}, Written{"MSET a 1 b 2", "a b"},
		Written{"RENAME a b", "a b"}, Written{"COPY a b", "b"},
		Written{"LMOVE a b LEFT LEFT", "a b"}, Written{"SMOVE a b m", "a b"},
		Written{"GETDEL a", "a"}, Written{"EXPIRE a -1", "a"},
		Written{"BITOP AND d a b", "d"}, Written{"PFMERGE d a b", "d"},
		Written{"SUNIONSTORE d a b", "d"}, Written{"ZUNIONSTORE d 2 a b", "d"},
		Written{"ZRANGESTORE d a 0 1", "d"}, Written{"GEOSEARCHSTORE d a x y z v w", "d"},
		Written{"SORT a", ""}, Written{"SORT a STORE d", "d"},
		Written{"SORT a STORE a", "a"}, Written{"GEORADIUS a 1 2 3 m STORE d", "d"},
		Written{"LMPOP 2 a b LEFT", "a b"}, Written{"EVAL s 2 a b c", "a b"},
		Written{"EVAL s 0", ""}, Written{"EVAL_RO s 1 a", ""}, Written{"FCALL f 1 a", "a"},
		Written{"FCALL_RO f 1 a", ""}, Written{"XREAD STREAMS a 0", ""},
		Written{"XREADGROUP GROUP g c STREAMS a b > >", "a b"},
		Written{"XGROUP CREATE a g $", "a"}, Written{"SCRIPT LOAD s", ""},
		Written{"PING", ""}, Written{"BLPOP a 0", ""}, Written{"NOSUCH a", ""}));

TEST(Command, KeysThatAreNotNamed)
{
	EXPECT_TRUE(request_reads_unnamed(Request("SORT a BY w_*")));
	EXPECT_TRUE(request_reads_unnamed(Request("SORT_RO a LIMIT 0 1 GET # GET x_*")));
	EXPECT_FALSE(request_reads_unnamed(Request("SORT a BY nosort GET #")));
	EXPECT_FALSE(request_reads_unnamed(Request("SORT a STORE GET")));
	EXPECT_FALSE(request_reads_unnamed(Request("SORT a GET")));
	EXPECT_FALSE(request_reads_unnamed(Request("GET BY")));
}

TEST(Command, Joins)
{
	EXPECT_EQ(COMMAND_VALUES, command_named("MGET")->join);
	for (const char *name : {"DEL", "UNLINK", "EXISTS", "TOUCH"})
		EXPECT_EQ(COMMAND_SUM, command_named(name)->join) << name;
	EXPECT_EQ(COMMAND_STATUS, command_named("MSET")->join);
	for (const char *name : {"MSETNX", "RENAME", "SUNION", "PFCOUNT", "GET"})
		EXPECT_EQ(COMMAND_WHOLE, command_named(name)->join) << name;
	for (const char *name : {"SCRIPT LOAD", "SCRIPT EXISTS", "SCRIPT FLUSH", "FUNCTION LOAD"})
		EXPECT_TRUE(command_is_for_all(command_named(name))) << name;
}

} // namespace
