#include "proto/request_effect.h"
#include "support/request.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace
{

using support::Request;

/* A letter for each key that it may change: update, overwrite, delete; and "?" behind what is
 * doubtful. */
std::string effects_of(const Request &r)
{
	std::string found;

	EXPECT_EQ(r->fault, REQUEST_FAULT_NONE);
	EXPECT_EQ(r->kind, COMMAND_WRITE);
	for (uint32_t i = r->first_written; i < r->first_written + r->n_written; i++) {
		bool doubtful = true;
		const auto effect = request_effect(r, i, &doubtful);

		found += std::string(1, "uod"[effect]) + (doubtful ? "?" : "");
	}
	return found;
}

struct Effect {
	const char *effects;
	const char *line;
};

/* At least one line for each command that changes keys. */
const Effect kEffects[] = {
	{"u", "APPEND a v"},
	{"u", "BITFIELD a SET u8 0 1"},
	{"o?", "BITOP NOT d a"},
	{"o?", "BITOP AND d a b"},
	{"u?", "BITOP AND d a d"},
	{"u?", "COPY a d"},
	{"u?", "COPY a d REPLACE"},
	{"u", "DECR a"},
	{"u", "DECRBY a 2"},
	{"d", "DEL a"},
	{"ddd", "DEL a b a"},
	{"u?u?", "EVAL s 2 a b"},
	{"", "EVAL s 0"},
	{"u?", "EVALSHA s 1 a"},
	{"u?", "EXPIRE a 10"},
	{"u?", "EXPIRE a 10 NX"},
	{"u", "EXPIRE a 0"},
	{"u", "PEXPIRE a -5"},
	{"u", "EXPIREAT a 10"},
	{"u?", "FCALL f 1 a"},
	{"u", "GEOADD a 1 2 m"},
	{"o?", "GEORADIUS a 1 2 3 m STORE d"},
	{"o?", "GEORADIUSBYMEMBER a m 3 m STOREDIST d"},
	{"u?", "GEORADIUSBYMEMBER a m 3 m STOREDIST a"},
	{"o?", "GEOSEARCHSTORE d a BYRADIUS 1 km FROMMEMBER m"},
	{"d", "GETDEL a"},
	{"u", "GETEX a"},
	{"u", "GETEX a PERSIST"},
	{"u?", "GETEX a ex 10"},
	{"u?", "GETEX a PX 10"},
	{"u", "GETEX a PXAT 10"},
	{"u", "GETEX a EXAT 10"},
	{"o", "GETSET a v"},
	{"u", "HDEL a f"},
	{"u?", "HEXPIRE a 10 FIELDS 1 f"},
	{"u", "HEXPIRE a 0 FIELDS 1 f"},
	{"u", "HEXPIREAT a 10 FIELDS 1 f"},
	{"u", "HINCRBY a f 1"},
	{"u", "HINCRBYFLOAT a f 1"},
	{"u", "HMSET a f v"},
	{"u", "HPERSIST a FIELDS 1 f"},
	{"u?", "HPEXPIRE a 10 FIELDS 1 f"},
	{"u", "HPEXPIREAT a 10 FIELDS 1 f"},
	{"u", "HSET a f v"},
	{"u", "HSETNX a f v"},
	{"u", "INCR a"},
	{"u", "INCRBY a 1"},
	{"u", "INCRBYFLOAT a 1"},
	{"u", "LINSERT a BEFORE p v"},
	{"uu?", "LMOVE a b LEFT LEFT"},
	{"u", "LMPOP 1 a LEFT"},
	{"u?u?", "LMPOP 2 a b LEFT"},
	{"u", "LPOP a"},
	{"u", "LPUSH a v"},
	{"u", "LPUSHX a v"},
	{"u", "LREM a 1 v"},
	{"u", "LSET a 1 v"},
	{"u", "LTRIM a 0 1"},
	{"o", "MSET a 1"},
	{"oo", "MSET a 1 b 2"},
	{"u", "MSETNX a 1"},
	{"u?u?", "MSETNX a 1 b 2"},
	{"u", "PERSIST a"},
	{"u?", "PEXPIRE a 10"},
	{"u", "PEXPIREAT a 10 GT"},
	{"u", "PFADD a v"},
	{"u", "PFMERGE d"},
	{"u?", "PFMERGE d a"},
	{"o?", "PSETEX a 10 v"},
	{"do?", "RENAME a b"},
	{"uu?", "RENAME a a"},
	{"u?u?", "RENAMENX a b"},
	{"u", "RESTORE a 0 p"},
	{"u?", "RESTORE a 10 p"},
	{"u", "RESTORE a 10 p ABSTTL"},
	{"o", "RESTORE a 0 p REPLACE"},
	{"o?", "RESTORE a 10 p REPLACE"},
	{"o", "RESTORE a 10 p replace absttl"},
	{"o", "RESTORE a 10 p IDLETIME 1 FREQ 1 ABSTTL REPLACE"},
	{"u", "RPOP a"},
	{"uu?", "RPOPLPUSH a b"},
	{"u", "RPUSH a v"},
	{"u", "RPUSHX a v"},
	{"u", "SADD a v"},
	{"o?", "SDIFFSTORE d a b"},
	{"u?", "SDIFFSTORE d a d"},
	{"o", "SET a v"},
	{"o", "SET a GET GET"},
	{"o?", "SET a v EX 10"},
	{"o?", "SET a NX get px 10"},
	{"o", "SET a v EXAT 10"},
	{"o", "SET a v PXAT 10 GET"},
	{"u", "SET a v KEEPTTL"},
	{"u", "SET a v NX"},
	{"u?", "SET a v EX 10 XX"},
	{"u?", "SET a v XX EX 10"},
	{"u", "SETBIT a 1 1"},
	{"o?", "SETEX a 10 v"},
	{"u", "SETNX a v"},
	{"u", "SETRANGE a 1 v"},
	{"o?", "SINTERSTORE d a"},
	{"uu?", "SMOVE a b m"},
	{"o?", "SORT a STORE d"},
	{"u?", "SORT a STORE a"},
	{"u?", "SPOP a"},
	{"u", "SREM a m"},
	{"o?", "SUNIONSTORE d a"},
	{"d", "UNLINK a"},
	{"u", "XACK a g 1-1"},
	{"u", "XADD a 1-1 f v"},
	{"u?", "XADD a * f *"},
	{"u", "XADD a 1-* f v"},
	{"u?", "XADD a NOMKSTREAM MAXLEN ~ 10 LIMIT 5 * f v"},
	{"u?", "XADD a MINID 1-1 * f v"},
	{"u", "XADD a MAXLEN = 10 1-1 * v"},
	{"u?", "XAUTOCLAIM a g c 0 0-0"},
	{"u?", "XCLAIM a g c 0 1-1"},
	{"u", "XCLAIM a g c 0 1-1 TIME 5"},
	{"u?", "XCLAIM a g c 5 1-1 TIME 5"},
	{"u?", "XCLAIM a g c 0 1-1 TIME 5 IDLE 6"},
	{"u", "XDEL a 1-1"},
	{"u", "XGROUP CREATE a g $"},
	{"u", "XGROUP CREATECONSUMER a g c"},
	{"u", "XGROUP DELCONSUMER a g c"},
	{"u", "XGROUP DESTROY a g"},
	{"u", "XGROUP SETID a g 0"},
	{"u?u?", "XREADGROUP GROUP g c STREAMS a b > >"},
	{"u", "XSETID a 1-1"},
	{"u", "XTRIM a MAXLEN 10"},
	{"u", "ZADD a 1 m"},
	{"o?", "ZDIFFSTORE d 1 a"},
	{"u", "ZINCRBY a 1 m"},
	{"o?", "ZINTERSTORE d 2 a b"},
	{"u?", "ZINTERSTORE d 2 a d"},
	{"u", "ZMPOP 1 a MIN"},
	{"u?u?", "ZMPOP 2 a b MIN"},
	{"u", "ZPOPMAX a"},
	{"u", "ZPOPMIN a"},
	{"o?", "ZRANGESTORE d a 0 1"},
	{"u", "ZREM a m"},
	{"u", "ZREMRANGEBYLEX a - +"},
	{"u", "ZREMRANGEBYRANK a 0 1"},
	{"u", "ZREMRANGEBYSCORE a 0 1"},
	{"o?", "ZUNIONSTORE d 1 a"},
};

TEST(RequestEffect, OfEachKeyThatIsWritten)
{
	for (const Effect &e : kEffects)
		EXPECT_EQ(e.effects, effects_of(Request(e.line))) << e.line;
}

TEST(RequestEffect, OfEachCommandThatWrites)
{
	std::set<std::string> tried;

	for (const Effect &e : kEffects)
		tried.insert(Request(e.line)->command->name);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];

		if (c->writes != COMMAND_WRITES_NONE)
			EXPECT_EQ(tried.count(c->name), 1u) << c->name << " is not tried";
		else
			EXPECT_EQ(c->effect, COMMAND_UPDATES) << c->name << " writes nothing";
		EXPECT_TRUE(c->effect != COMMAND_AS_OPTIONS_SAY || c->id != COMMAND_ID_NONE)
			<< c->name;
	}
}

TEST(RequestEffect, AReplyCanSayThatNothingWasChanged)
{
	const auto unchanged = [](const char *name, const std::string &reply) {
		return request_left_unchanged(command_named(name),
			reinterpret_cast<const uint8_t *>(reply.data()), reply.size());
	};

	EXPECT_TRUE(unchanged("SET", "$-1\r\n"));
	EXPECT_TRUE(unchanged("LPOP", "*-1\r\n"));
	EXPECT_TRUE(unchanged("SETNX", ":0\r\n"));
	EXPECT_TRUE(unchanged("SADD", ":0\r\n"));
	EXPECT_FALSE(unchanged("SADD", ":1\r\n"));
	EXPECT_FALSE(unchanged("SADD", ":00\r\n"));
	EXPECT_FALSE(unchanged("HSET", ":0\r\n")) << "the value of a field may be another";
	EXPECT_FALSE(unchanged("ZADD", ":0\r\n")) << "likewise a score";
	EXPECT_FALSE(unchanged("INCR", ":0\r\n"));
	EXPECT_FALSE(unchanged("SET", "+OK\r\n"));
	EXPECT_FALSE(unchanged("SET", ""));
}

} // namespace
