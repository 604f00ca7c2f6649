/*
 * What the table of commands and the parser say, held against what Redis itself says.
 */
#include "proto/command.h"
#include "support/redis_server.h"
#include "support/request.h"
#include "support/wait.h"

#include <algorithm>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

using support::Args;
using support::words;

struct Entry {
	long long arity = 0, first = 0, last = 0, step = 0;
	std::set<std::string> flags;
	std::vector<bool> spec_writes; /* whether each of its key specifications changes keys */

	bool is(const char *flag) const
	{
		return flags.count(flag) > 0;
	}
};
using Entries = std::map<std::string, Entry>;

/* Of a key: its value is changed, overwritten without a look, or removed. */
const std::set<std::string> writing_flags = {"RW", "OW", "RM"};

/* Whether a key specification, a map, has one of these flags. */
bool spec_writes(const redisReply *spec)
{
	for (size_t i = 0; i + 1 < spec->elements; i += 2) {
		const redisReply *flags = spec->element[i + 1];

		if (std::string(spec->element[i]->str) != "flags")
			continue;
		for (size_t f = 0; f < flags->elements; f++)
			if (writing_flags.count(flags->element[f]->str) > 0)
				return true;
	}
	return false;
}

/* One element of what COMMAND answers, and its subcommands. */
void add_entry(Entries &entries, const redisReply *r)
{
	std::string name(r->element[0]->str, r->element[0]->len);
	Entry e;

	std::transform(name.begin(), name.end(), name.begin(),
		[](char c) { return c == '|' ? ' ' : static_cast<char>(toupper(c)); });
	e.arity = r->element[1]->integer;
	for (size_t i = 0; i < r->element[2]->elements; i++)
		e.flags.insert(r->element[2]->element[i]->str);
	e.first = r->element[3]->integer;
	e.last = r->element[4]->integer;
	e.step = r->element[5]->integer;
	for (size_t i = 0; r->elements > 8 && i < r->element[8]->elements; i++)
		e.spec_writes.push_back(spec_writes(r->element[8]->element[i]));
	entries[name] = e;
	for (size_t i = 0; r->elements > 9 && i < r->element[9]->elements; i++)
		add_entry(entries, r->element[9]->element[i]);
}

class CommandTable : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		server = new support::RedisServer();
		auto client = server->connect();
		const auto reply = client.call({"COMMAND"});

		for (size_t i = 0; i < reply->elements; i++)
			add_entry(*entries, reply->element[i]);
	}
	static void TearDownTestSuite()
	{
		delete server;
		server = nullptr;
		entries->clear();
	}
	void SetUp() override
	{
		if (server->connect().info("redis_version").compare(0, 4, "7.0.") != 0)
			GTEST_SKIP() << "the table is that of Redis 7.0";
		ASSERT_GT(entries->size(), 350u);
	}

	static support::RedisServer *server;
	static Entries *entries;
};

support::RedisServer *CommandTable::server;
Entries *CommandTable::entries = new Entries;

/* Data commands that the proxy refuses all the same. */
const std::set<std::string> refused_data = {"BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH",
	"BZMPOP", "BZPOPMAX", "BZPOPMIN", "MIGRATE", "MOVE", "PFDEBUG", "RESTORE-ASKING"};

/* Rows for what Redis 7.0 does not list. */
const std::set<std::string> own_rows = {"CLIENT SETINFO", "HEXPIRE", "HEXPIREAT", "HEXPIRETIME",
	"HOST:", "HPERSIST", "HPEXPIRE", "HPEXPIREAT", "HPEXPIRETIME", "HPTTL", "HTTL", "POST"};

TEST_F(CommandTable, HasEveryCommand)
{
	for (const auto &e : *entries) {
		const std::string container = e.first.substr(0, e.first.find(' '));
		const struct command *c = command_named(e.first.c_str());

		SCOPED_TRACE(e.first);
		/* Subcommands that are refused may go without a row, unless they name keys. */
		if (!c && container != e.first && e.second.first == 0)
			c = command_named(container.c_str());
		else
			EXPECT_TRUE(c == nullptr || c->arity == e.second.arity);
		ASSERT_NE(nullptr, c);
	}
}

TEST_F(CommandTable, HasNothingElse)
{
	for (size_t i = 0; i < command_count; i++)
		EXPECT_EQ(own_rows.count(command_table[i].name) == 0,
			entries->count(command_table[i].name) > 0)
			<< command_table[i].name;
}

TEST_F(CommandTable, TellsReadsFromWrites)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command &c = command_table[i];
		const auto at = entries->find(c.name);

		if (at == entries->end())
			continue;
		SCOPED_TRACE(c.name);
		const Entry &e = at->second;
		const bool is_data =
			(e.is("write") || e.is("readonly")) && (e.first > 0 || e.is("movablekeys"));
		const bool is_script = e.is("movablekeys") && e.is("noscript");
		if (c.kind == COMMAND_READ)
			EXPECT_TRUE(e.is("readonly"));
		else if (c.kind == COMMAND_WRITE)
			EXPECT_TRUE(e.is("write") || is_script || command_is_for_all(&c));
		else
			EXPECT_EQ(is_data, refused_data.count(c.name) > 0);
	}
}

TEST_F(CommandTable, KnowsWhereKeysAre)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command &c = command_table[i];
		const auto at = entries->find(c.name);

		if (at == entries->end() || c.keys == COMMAND_KEYS_NONE)
			continue;
		SCOPED_TRACE(c.name);
		const Entry &e = at->second;
		if (c.keys == COMMAND_KEYS_RANGE) {
			EXPECT_EQ(e.first, c.first);
			EXPECT_EQ(e.last, c.last);
			EXPECT_EQ(e.step, c.step);
			/* SORT_RO has what SORT has, by its flags; it cannot store. */
			EXPECT_EQ(c.id == COMMAND_ID_SORT, e.is("movablekeys"));
		} else {
			EXPECT_TRUE(e.is("movablekeys"));
		}
	}
}

/* The keys by the table; "?" when they are unknown. */
Args keys_of(const Args &args)
{
	const support::Request r(args);

	return r->fault == REQUEST_FAULT_NONE ? r.keys() : Args{"?"};
}

/* The keys by Redis. */
Args keys_by_redis(support::RedisClient &redis, const Args &args)
{
	Args ask = {"COMMAND", "GETKEYS"}, keys;

	ask.insert(ask.end(), args.begin(), args.end());
	const auto reply = redis.call(ask);
	if (reply->type == REDIS_REPLY_ERROR)
		return std::string(reply->str).find("no key arguments") == std::string::npos
			       ? Args{"?"}
			       : Args{};
	for (size_t i = 0; i < reply->elements; i++)
		keys.emplace_back(reply->element[i]->str, reply->element[i]->len);
	return keys;
}

/* Those of them that the command may change, by their flags. */
Args written_by_redis(support::RedisClient &redis, const Args &args)
{
	Args ask = {"COMMAND", "GETKEYSANDFLAGS"}, keys;

	ask.insert(ask.end(), args.begin(), args.end());
	const auto reply = redis.call(ask);
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *flags = reply->element[i]->element[1];

		for (size_t f = 0; f < flags->elements; f++)
			if (writing_flags.count(flags->element[f]->str) > 0)
				keys.emplace_back(reply->element[i]->element[0]->str,
					reply->element[i]->element[0]->len);
	}
	return keys;
}

const char *const requests[] = {"GET a", "SET a v EX 10", "DEL a", "DEL a b c", "UNLINK a b",
	"EXISTS a a", "TOUCH a b", "MGET a b c", "MSET a 1 b 2", "MSETNX a 1 b 2", "APPEND a x",
	"BITOP AND d a b c", "BITOP NOT d a", "COPY a b REPLACE", "RENAME a b", "RENAMENX a b",
	"SMOVE a b m", "RPOPLPUSH a b", "LMOVE a b LEFT RIGHT", "LCS a b LEN", "LMPOP 1 a LEFT",
	"LMPOP 3 a b c RIGHT COUNT 2", "ZMPOP 2 a b MIN", "SINTERCARD 2 a b LIMIT 1",
	"ZINTERCARD 2 a b", "ZUNION 2 a b WEIGHTS 1 2 WITHSCORES", "ZINTER 1 a", "ZDIFF 3 a b c",
	"ZUNIONSTORE d 2 a b AGGREGATE MAX", "ZINTERSTORE d 1 a", "ZDIFFSTORE d 3 a b c",
	"ZRANGESTORE d a 0 -1", "SUNIONSTORE d a b", "SDIFFSTORE d a", "SINTERSTORE d a b c",
	"SDIFF a b", "SUNION a b", "SINTER a", "PFADD a x y", "PFCOUNT a b", "PFMERGE d a b",
	"EVAL s 0", "EVAL s 0 x y", "EVAL s 1 a", "EVAL s 2 a b x", "EVALSHA h 3 a b c",
	"EVAL_RO s 1 a x", "EVALSHA_RO h 1 a", "FCALL f 2 a b x", "FCALL_RO f 0 x", "SORT a",
	"SORT a BY w_* LIMIT 0 10 GET # GET x_* DESC ALPHA", "SORT a STORE d",
	"SORT a LIMIT 0 1 STORE d", "SORT a GET store", "SORT a BY store STORE d",
	"SORT a STORE d STORE e", "SORT_RO a BY w_*", "GEORADIUS a 1 2 3 km",
	"GEORADIUS a 1 2 3 km STORE d", "GEORADIUS a 1 2 3 km COUNT 1 ASC STOREDIST d",
	"GEORADIUSBYMEMBER a m 3 km", "GEORADIUSBYMEMBER a m 3 km STORE d",
	"GEORADIUS_RO a 1 2 3 km", "GEOSEARCHSTORE d a FROMMEMBER m BYRADIUS 1 km",
	"GEOADD a 1 2 m", "XADD a * f v", "XREAD STREAMS a 0", "XREAD COUNT 2 STREAMS a b 0 0",
	"XREAD COUNT 1 STREAMS streams 0", "XREADGROUP GROUP g c STREAMS a >",
	"XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a b > >",
	"XREADGROUP GROUP streams c STREAMS a >", "XGROUP CREATE a g $ MKSTREAM",
	"XGROUP DESTROY a g", "XGROUP SETID a g 0", "XGROUP CREATECONSUMER a g c",
	"XGROUP DELCONSUMER a g c", "XINFO STREAM a", "XINFO GROUPS a", "XINFO CONSUMERS a g",
	"XACK a g 1-1", "XCLAIM a g c 0 1-1", "XAUTOCLAIM a g c 0 0", "XPENDING a g",
	"OBJECT ENCODING a", "OBJECT FREQ a", "OBJECT IDLETIME a", "OBJECT REFCOUNT a",
	"MEMORY USAGE a SAMPLES 5", "DUMP a", "RESTORE a 0 x REPLACE", "BITFIELD a GET u8 0",
	"BITFIELD_RO a GET u8 0", "HSET a f v", "HMGET a f g", "LINSERT a BEFORE x y",
	"ZADD a NX 1 m", "SET SET v", "GET STORE", "TYPE a", "EXPIRE a 1 NX", "GETEX a PERSIST",
	"GETDEL a", "STRLEN a", "SUBSTR a 0 1", "ECHO x", "SCRIPT LOAD s"};

TEST_F(CommandTable, FindsTheKeysThatRedisFinds)
{
	auto redis = server->connect();

	ASSERT_EQ(Args{"a"}, keys_by_redis(redis, {"GET", "a"}));
	for (const char *line : requests)
		EXPECT_EQ(keys_by_redis(redis, words(line)), keys_of(words(line))) << line;
}

/* PFCOUNT may keep the number that it has computed with the key: the set stays the same. */
const std::set<std::string> reads_by_table = {"PFCOUNT"};

/* What the table takes for a write though Redis has the key read: XREADGROUP moves the group's
 * position in the stream; a BITFIELD that only gets is rare. */
const std::set<std::string> writes_by_table = {"BITFIELD", "XREADGROUP"};

TEST_F(CommandTable, KnowsWhichKeysAreWritten)
{
	auto redis = server->connect();
	size_t n = 0;

	ASSERT_EQ(Args{"a"}, written_by_redis(redis, {"SET", "a", "1"}));
	ASSERT_EQ(Args{}, written_by_redis(redis, {"GET", "a"}));
	for (const char *line : requests) {
		const support::Request r(line);
		const std::string name = r->command->name;

		if (reads_by_table.count(name) > 0)
			EXPECT_EQ(Args{}, r.written()) << line;
		else if (writes_by_table.count(name) > 0)
			EXPECT_EQ(r.keys(), r.written()) << line;
		else
			EXPECT_EQ(written_by_redis(redis, words(line)), r.written()) << line;
		n += r->n_written;
	}
	EXPECT_GT(n, 60u);
}

/* Every row, by the flags of its key specifications: those that change a key, and the others. */
TEST_F(CommandTable, WritesWhatTheKeySpecificationsSay)
{
	size_t written = 0;

	for (size_t i = 0; i < command_count; i++) {
		const struct command &c = command_table[i];
		const auto at = entries->find(c.name);

		if (at == entries->end() || c.keys == COMMAND_KEYS_NONE ||
			reads_by_table.count(c.name) > 0 || writes_by_table.count(c.name) > 0)
			continue;
		SCOPED_TRACE(c.name);
		const std::vector<bool> &specs = at->second.spec_writes;
		const size_t n = static_cast<size_t>(std::count(specs.begin(), specs.end(), true));
		ASSERT_FALSE(specs.empty());
		switch (c.writes) {
		case COMMAND_WRITES_NONE:
			EXPECT_EQ(0u, n);
			break;
		case COMMAND_WRITES_ALL:
			EXPECT_EQ(specs.size(), n);
			break;
		case COMMAND_WRITES_FIRST:
			EXPECT_EQ(1u, n);
			EXPECT_TRUE(specs.front());
			break;
		case COMMAND_WRITES_LAST: /* GEORADIUS has STORE and STOREDIST */
			EXPECT_GT(specs.size(), n);
			EXPECT_FALSE(specs.front());
			EXPECT_TRUE(specs.back());
			break;
		}
		written += c.writes != COMMAND_WRITES_NONE;
	}
	EXPECT_GT(written, 80u);
}

/* Requests that do not say where their keys are, by Redis and by the table.  (Of a bad EVAL, or
 * XREAD of too few identifiers, COMMAND GETKEYS tells some keys; only the command itself is
 * refused.) */
TEST_F(CommandTable, RefusesWhatRedisRefuses)
{
	auto redis = server->connect();

	for (const char *line : {"ZUNION 0 a", "ZUNION 2 a", "ZUNION x a", "ZUNIONSTORE d 0 a",
		     "ZUNIONSTORE d 4 a b", "LMPOP 9 a LEFT", "XREAD COUNT 1 a 0",
		     "XREAD COUNT 1 STREAMS", "GET", "GET a b", "NOSUCH a"}) {
		EXPECT_EQ(Args{"?"}, keys_by_redis(redis, words(line))) << line;
		EXPECT_EQ(Args{"?"}, keys_of(words(line))) << line;
	}
}

/* Every data command with arguments that are all different, as many as it needs and more. */
TEST_F(CommandTable, FindsTheKeysOfEveryCommandOfARange)
{
	auto redis = server->connect();
	size_t n = 0;

	for (size_t i = 0; i < command_count; i++) {
		const struct command &c = command_table[i];
		Args args = words(c.name);

		if (c.keys != COMMAND_KEYS_RANGE || c.id == COMMAND_ID_SORT ||
			own_rows.count(c.name) > 0)
			continue;
		const size_t least = static_cast<size_t>(c.arity < 0 ? -c.arity : c.arity);
		/* Redis knows no keys in a PFMERGE of nothing into one. */
		while (args.size() < least + (args[0] == "PFMERGE"))
			args.push_back("k" + std::to_string(args.size()));
		EXPECT_EQ(keys_by_redis(redis, args), keys_of(args)) << c.name;
		n++;
		if (c.arity >= 0)
			continue;
		for (int more = 0; more < 4; more++)
			args.push_back("k" + std::to_string(args.size()));
		EXPECT_EQ(keys_by_redis(redis, args), keys_of(args)) << c.name;
	}
	EXPECT_GT(n, 120u);
}

/* What the server says to some bytes, until it is silent for good or closes. */
std::string say(uint16_t port, const std::string &bytes, const std::string &until)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in sa = {};
	std::string got;
	char piece[4096];
	pollfd p = {fd, POLLIN, 0};

	sa.sin_family = AF_INET;
	sa.sin_port = htons(port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT_EQ(0, connect(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)));
	EXPECT_EQ(static_cast<ssize_t>(bytes.size()), send(fd, bytes.data(), bytes.size(), 0));
	while (got.find(until) == std::string::npos &&
		poll(&p, 1, support::patient_ms(10000)) == 1) {
		const ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n <= 0)
			break;
		got.append(piece, static_cast<size_t>(n));
	}
	close(fd);
	return got;
}

/* How the parser splits an inline request. */
Args split(const std::string &line, std::string *error)
{
	const auto *at = reinterpret_cast<const uint8_t *>(line.data());
	request_parser p = {};
	Args args;

	if (request_parse(&p, at, line.size()) == REQUEST_BAD) {
		*error = p.error;
	} else {
		const request r = request_of(&p, at);

		for (uint32_t i = 0; i < r.argc; i++)
			args.emplace_back(
				reinterpret_cast<const char *>(request_arg(&r, i)), r.args[i].len);
	}
	request_parser_fini(&p);
	return args;
}

TEST_F(CommandTable, InlineRequestsAreSplitAsRedisSplitsThem)
{
	const char *const lines[] = {"a b", "  a\t b  ", "\"a b\" 'c d'", "\"\" ''", "x\"a b\"",
		"\"\\x41\\x0a\\xfF\\x4\\xg1\"", "\"\\n\\r\\t\\b\\a\\q\\\\\\\"\"", "'\\'' '\\n'",
		"a\\nb", "a\vb \f c", "\"it's\" 'say \"x\"'", "\"a\"\v\"b\"", "a\rb", "$3 *1",
		"'a''b'", "\"a\"b", "\"open", "'open", "a\"b\"c", "\"a\\"};
	auto redis = server->connect();

	for (const char *line : lines) {
		const std::string request = "RPUSH inline " + std::string(line) + "\r\n";
		std::string error;
		Args args = split(request, &error);

		redis.cmd("DEL", "inline");
		const std::string said = say(server->port(), request, "\r\n");
		if (error.empty()) {
			ASSERT_GT(args.size(), 2u) << line;
			args.erase(args.begin(), args.begin() + 2);
			EXPECT_EQ(redis.list("LRANGE", "inline", 0, -1), args) << line;
		} else {
			EXPECT_EQ("-ERR Protocol error: " + error + "\r\n", said) << line;
		}
	}
}

TEST_F(CommandTable, BadRequestsAreRefusedInTheWordsOfRedis)
{
	for (const std::string &bytes : {std::string("*x\r\n"), std::string("*9999999999\r\n"),
		     std::string("*01\r\n"), std::string("*1\r\n:1\r\n"),
		     std::string("*1\r\n$-1\r\n"), std::string("*1\r\n$x\r\n"),
		     std::string("*1\r\n$536870913\r\n"), std::string("*1\r\n$01\r\na\r\n"),
		     std::string("a \"b\r\n"), std::string(70000, 'a')}) {
		std::string error;

		split(bytes, &error);
		EXPECT_EQ("-ERR Protocol error: " + error + "\r\n",
			say(server->port(), bytes, "\r\n"))
			<< bytes.substr(0, 40);
	}
}

} // namespace
