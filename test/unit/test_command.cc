#include "proto/command.h"

#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace
{

using Args = std::vector<std::string>;

Args words(const std::string &line)
{
	std::istringstream in(line);
	Args args;

	for (std::string word; in >> word;)
		args.push_back(word);
	return args;
}

/* A request that was parsed, and what the table says of it. */
class Request
{
      public:
	explicit Request(const Args &args)
	{
		bytes_ = "*" + std::to_string(args.size()) + "\r\n";
		for (const std::string &a : args)
			bytes_ += "$" + std::to_string(a.size()) + "\r\n" + a + "\r\n";
		EXPECT_EQ(REQUEST_DONE, request_parse(&p_, bytes(), bytes_.size()));
		command = command_find(bytes(), &p_);
	}
	explicit Request(const std::string &line) : Request(words(line))
	{
	}
	~Request()
	{
		request_parser_fini(&p_);
	}
	Request(const Request &) = delete;
	Request &operator=(const Request &) = delete;

	/* Its keys, or "?" when they cannot be told. */
	Args keys(size_t most = SIZE_MAX)
	{
		Found f = {this, most, {}};

		if (!command_each_key(command, bytes(), &p_, found, &f)) {
			EXPECT_TRUE(f.keys.empty());
			return {"?"};
		}
		return f.keys;
	}
	command_class kind(std::string *why = nullptr)
	{
		const char *text = nullptr;
		const command_class kind = command_class_of(command, bytes(), &p_, &text);

		EXPECT_EQ(kind == COMMAND_REFUSED, text != nullptr);
		if (why && text)
			*why = text;
		return kind;
	}
	bool reads_unnamed()
	{
		return command_reads_unnamed(command, bytes(), &p_);
	}
	bool arity_ok()
	{
		return command_arity_ok(command, p_.argc);
	}
	std::string name()
	{
		return command ? command->name : "";
	}

	const struct command *command;

      private:
	struct Found {
		Request *request;
		size_t most;
		Args keys;
	};

	std::string bytes_;
	request_parser p_ = {};

	const uint8_t *bytes() const
	{
		return reinterpret_cast<const uint8_t *>(bytes_.data());
	}
	static bool found(void *arg, uint32_t i)
	{
		auto *f = static_cast<Found *>(arg);

		f->keys.emplace_back(reinterpret_cast<const char *>(
					     request_arg(&f->request->p_, f->request->bytes(), i)),
			f->request->p_.args[i].len);
		return f->keys.size() < f->most;
	}
};

TEST(Command, EveryRowIsFoundByItsName)
{
	std::set<std::string> names;

	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];
		std::string small = c->name;

		EXPECT_EQ(c, command_named(c->name)) << c->name;
		for (char &letter : small)
			letter = static_cast<char>(tolower(letter));
		EXPECT_EQ(c, Request(small).command) << small;
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
		EXPECT_TRUE(c->kind != COMMAND_LOCAL || c->id != COMMAND_ID_NONE);
	}
}

TEST(Command, NamesAreComparedWholeAndInAnyCase)
{
	EXPECT_EQ("GET", Request("gEt k").name());
	EXPECT_EQ("BRPOPLPUSH", Request("brpoplpush a b 1").name());
	EXPECT_EQ("GEORADIUSBYMEMBER_RO", Request("georadiusbymember_ro").name());
	for (const char *line :
		{"GE k", "GETT k", "GET_ k", "nosuch", "HOST", "GEORADIUSBYMEMBER_R",
			"COMMANDCOUNT", "aVeryLongNameThatNoCommandHasAndNoneWillEverHave"})
		EXPECT_EQ("", Request(line).name()) << line;
	EXPECT_EQ("", Request(Args{""}).name());
	EXPECT_EQ("", Request(Args{std::string("GET\0", 4), "k"}).name());
	EXPECT_EQ("", Request(Args{"g\xe5t", "k"}).name());
	EXPECT_EQ("", Request(Args{"'et", "k"}).name());
	EXPECT_EQ("", Request(Args{"\x07"
				   "et",
				      "k"})
			      .name());
	EXPECT_EQ(nullptr, command_named(""));
	EXPECT_EQ(nullptr, command_named("NOSUCH"));
	EXPECT_STREQ("SCRIPT LOAD", command_named("script load")->name);
}

TEST(Command, SubcommandsHaveTheirOwnRows)
{
	EXPECT_EQ("SCRIPT LOAD", Request("script load x").name());
	EXPECT_EQ("XGROUP CREATECONSUMER", Request("XGROUP createconsumer k g c").name());
	EXPECT_EQ("CLIENT SETINFO", Request("CLIENT SETINFO lib-name x").name());
	EXPECT_EQ("COMMAND", Request("COMMAND").name());
	EXPECT_EQ("OBJECT", Request("OBJECT").name());
	EXPECT_FALSE(Request("OBJECT").arity_ok());
	EXPECT_EQ("GET", Request("GET LOAD").name()) << "GET has no subcommands";
	EXPECT_EQ("", Request(Args{"SCRIPT LOAD", "x"}).name()) << "one argument is one name";
}

TEST(Command, UnknownSubcommandsAreRefused)
{
	for (const char *line : {"SCRIPT nosuch", "COMMAND nosuch", "CLIENT KILL 1:2",
		     "OBJECT HELP", "CLIENT aVeryLongNameThatNoSubcommandHasAndNoneWillEver"}) {
		std::string why;

		EXPECT_EQ(COMMAND_REFUSED, Request(line).kind(&why)) << line;
		EXPECT_NE(std::string::npos, why.find("subcommand")) << why;
	}
	EXPECT_EQ(COMMAND_REFUSED, Request(Args{"MEMORY", ""}).kind());
	EXPECT_EQ(COMMAND_REFUSED, Request(Args{"MEMORY", std::string("USAGE\0", 6)}).kind());
	EXPECT_EQ(COMMAND_LOCAL, Request("COMMAND").kind());
	EXPECT_EQ(COMMAND_LOCAL, Request("COMMAND COUNT").kind());
}

TEST(Command, Arity)
{
	EXPECT_TRUE(Request("GET k").arity_ok());
	EXPECT_FALSE(Request("GET").arity_ok());
	EXPECT_FALSE(Request("GET k k").arity_ok());
	EXPECT_TRUE(Request("SET k v EX 1").arity_ok());
	EXPECT_FALSE(Request("SET k").arity_ok());
	EXPECT_FALSE(Request("SCRIPT LOAD").arity_ok());
	for (const char *name : {"MSET", "MSETNX"}) {
		EXPECT_TRUE(Request(std::string(name) + " a 1").arity_ok());
		EXPECT_TRUE(Request(std::string(name) + " a 1 b 2").arity_ok());
		EXPECT_FALSE(Request(std::string(name) + " a 1 b").arity_ok());
		EXPECT_FALSE(Request(std::string(name) + " a").arity_ok());
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
	EXPECT_EQ(GetParam().kind, Request(GetParam().line).kind()) << GetParam().line;
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
	EXPECT_TRUE(Request("post / HTTP/1.1").command->hang_up);
	EXPECT_TRUE(Request("Host: localhost").command->hang_up);
	EXPECT_FALSE(Request("MULTI").command->hang_up);
}

struct Keys {
	const char *line;
	const char *keys; /* "?": they cannot be told */
};

class CommandKeys : public testing::TestWithParam<Keys>
{
};

TEST_P(CommandKeys, AreFoundInOrder)
{
	EXPECT_EQ(words(GetParam().keys), Request(GetParam().line).keys()) << GetParam().line;
}

INSTANTIATE_TEST_SUITE_P(Requests, CommandKeys,
	testing::Values(Keys{"GET a", "a"}, Keys{"SET a 1", "a"}, Keys{"PING x", ""},
		Keys{"DEL a b c", "a b c"}, Keys{"MSET a 1 b 2", "a b"},
		Keys{"MSETNX a 1 b 2", "a b"}, Keys{"BITOP AND d a b", "d a b"},
		Keys{"LMOVE a b LEFT LEFT", "a b"}, Keys{"OBJECT ENCODING a", "a"},
		Keys{"XINFO STREAM a FULL", "a"}, Keys{"XGROUP CREATE a g $", "a"},
		Keys{"MEMORY USAGE a SAMPLES 1", "a"}, Keys{"GEOSEARCHSTORE d a x", "d a"},
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

TEST(Command, TheSearchStopsWhenItIsTold)
{
	EXPECT_EQ(Args{"a"}, Request("DEL a b c").keys(1));
	EXPECT_EQ(Args{"a"}, Request("SORT a STORE d").keys(1));
	EXPECT_EQ(Args{"d"}, Request("ZUNIONSTORE d 1 a").keys(1));
	EXPECT_EQ((Args{"a", "b"}), Request("XREAD STREAMS a b c 0 0 0").keys(2));
}

TEST(Command, KeysThatAreNotNamed)
{
	EXPECT_TRUE(Request("SORT a BY w_*").reads_unnamed());
	EXPECT_TRUE(Request("SORT_RO a LIMIT 0 1 GET # GET x_*").reads_unnamed());
	EXPECT_FALSE(Request("SORT a BY nosort GET #").reads_unnamed());
	EXPECT_FALSE(Request("SORT a STORE GET").reads_unnamed());
	EXPECT_FALSE(Request("SORT a GET").reads_unnamed());
	EXPECT_FALSE(Request("GET BY").reads_unnamed());
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
