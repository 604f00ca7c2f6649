#include "entropy/sink_commands.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace
{

/* A command from words parted by spaces. */
resp_command command(const std::string &words)
{
	std::istringstream in(words);
	std::string word;
	resp_command c = {};

	c.number = 1;
	while (in >> word) {
		if (c.argc < RESP_ARGS_KEPT) {
			resp_arg &a = c.argv[c.argc];
			a.len = static_cast<uint32_t>(word.size());
			memcpy(a.head, word.data(),
				word.size() < RESP_ARG_HEAD ? word.size() : RESP_ARG_HEAD);
		}
		c.argc++;
	}
	return c;
}

std::string refusal(const std::string &words, dyn_entropy_accept accept)
{
	const resp_command c = command(words);
	const char *why = sink_commands_refusal(&c, accept);

	return why ? why : "";
}

TEST(SinkCommands, RestoreIsTakenByBoth)
{
	for (auto accept : {DYN_ENTROPY_ACCEPT_RESTORE, DYN_ENTROPY_ACCEPT_DATA}) {
		for (const char *words : {"RESTORE k 0 p", "restore k 0 p", "RESTORE k 9 p ABSTTL",
			     "RESTORE k 9 p absttl idletime 5", "RESTORE k 9 p FREQ 5",
			     "RESTORE k 9 p IDLETIME 5 FREQ 7 ABSTTL"})
			EXPECT_EQ("", refusal(words, accept)) << words;
	}
}

TEST(SinkCommands, RestoreIsTakenInNoOtherForm)
{
	for (auto accept : {DYN_ENTROPY_ACCEPT_RESTORE, DYN_ENTROPY_ACCEPT_DATA}) {
		for (const char *words : {"RESTORE", "RESTORE k 0", "RESTORE k -1 p",
			     "RESTORE k x p", "RESTORE k 0 p FOO", "RESTORE k 0 p ABSTTL ABSTTL",
			     "RESTORE k 0 p IDLETIME", "RESTORE k 0 p IDLETIME x",
			     "RESTORE k 0 p FREQ -1", "RESTORE k 0 p FREQ 1 FREQ 1",
			     "RESTORE k 0 p IDLETIME 1 FREQ 1 ABSTTL ABSTTL",
			     "RESTORE-ASKING k 0 p", "RESTOREx k 0 p"})
			EXPECT_NE("", refusal(words, accept)) << words;
		for (const char *words : {"RESTORE k 0 p REPLACE", "RESTORE k 0 p replace",
			     "RESTORE k 0 p ABSTTL REPLACE", "RESTORE k 0 p FREQ 1 Replace"})
			EXPECT_NE(
				std::string::npos, refusal(words, accept).find("never overwrites"))
				<< words;
	}
}

TEST(SinkCommands, DataCommandsAreTakenOnlyWhereDataIsAccepted)
{
	for (const char *words : {"SET k v", "set k v EX 5", "HSET k f v", "HMSET k f v f v",
		     "RPUSH k v", "LPUSH k v v", "SADD k m", "ZADD k 1 m", "XADD k * f v",
		     "XGROUP CREATE k g 0 MKSTREAM", "xgroup createconsumer k g c", "XSETID k 1-1",
		     "XCLAIM k g c 0 1-1 FORCE", "PFADD k e", "GEOADD k 1 2 m", "SETBIT k 1 1",
		     "EXPIRE k 5", "PEXPIRE k 5", "EXPIREAT k 5", "PEXPIREAT k 5 NX", "PERSIST k",
		     "DEL k k", "UNLINK k", "SELECT 0", "MSET k v k v", "INCRBY k 5"}) {
		EXPECT_EQ("", refusal(words, DYN_ENTROPY_ACCEPT_DATA)) << words;
		EXPECT_NE("", refusal(words, DYN_ENTROPY_ACCEPT_RESTORE)) << words;
	}
}

TEST(SinkCommands, NothingElseIsEverTaken)
{
	for (auto accept : {DYN_ENTROPY_ACCEPT_RESTORE, DYN_ENTROPY_ACCEPT_DATA}) {
		for (const char *words : {"CONFIG SET dir /", "FLUSHALL", "FLUSHDB", "EVAL s 0",
			     "EVALSHA s 0", "FUNCTION LOAD x", "FCALL f 0", "SCRIPT FLUSH",
			     "MODULE LOAD /x.so", "MULTI", "EXEC", "SUBSCRIBE c", "PUBLISH c m",
			     "BLPOP k 0", "BRPOPLPUSH k k 0", "BZPOPMIN k 0",
			     "XREAD BLOCK 0 STREAMS k", "XREADGROUP GROUP g c STREAMS k 0",
			     "DEBUG SEGFAULT", "SHUTDOWN", "SAVE", "BGSAVE", "BGREWRITEAOF",
			     "SLAVEOF h 1", "REPLICAOF h 1", "MIGRATE h 1 k 0 0", "SWAPDB 0 1",
			     "MOVE k 1", "COPY k k DB 1", "SELECT 1", "SELECT 00", "SELECT 0 0",
			     "SELECT", "ACL SETUSER x", "CLIENT KILL x", "MONITOR", "SYNC",
			     "PSYNC ? -1", "REPLCONF x", "CLUSTER RESET", "AUTH x", "HELLO 3",
			     "QUIT", "RESET", "KEYS *", "SCAN 0", "GET k", "PING", "TIME",
			     "WAIT 1 0", "SORT k STORE k", "XGROUP HELP x x", "OBJECT HELP", "SET",
			     "SET k", "HSET k f", "DEL", "EXPIRE k", "SETEX k 5", "PERSIST k k"})
			EXPECT_NE("", refusal(words, accept)) << words;
	}
}

TEST(SinkCommands, NameIsPrintableAndBounded)
{
	char text[40];
	resp_command c = command(std::string(200, 'n'));

	EXPECT_EQ(std::string(32, 'n'), sink_commands_name(&c, text, sizeof(text)));
	c = command("a\x01\x1b\xff");
	EXPECT_STREQ("a???", sink_commands_name(&c, text, sizeof(text)));
	EXPECT_STREQ("a?", sink_commands_name(&c, text, 3));
}

} // namespace
