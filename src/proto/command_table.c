#include "proto/command.h"

/* Why a command is refused; the message is its name, a colon and this. */
#define TRANSACTION                                                                                \
	"a transaction needs a connection of its own, and all clients share the proxy's; use a "   \
	"script (EVAL)"
#define BLOCKING   "it would block a connection that all clients share; poll without blocking"
#define PUBSUB     "messages are not carried between nodes; subscribe and publish at one redis-server"
#define ALL_KEYS   "it would have to ask every node; ask each redis-server for the keys it holds"
#define FLUSH      "it would empty a whole ring; flush each redis-server"
#define DATABASE   "there is only database 0"
#define CLUSTER    "this is no Redis cluster; any node takes the requests for any key"
#define WAITING    "the replicas are other nodes; set write_consistency"
#define MIGRATION  "it would take a key away from one replica only; use DUMP, RESTORE and DEL"
#define SERVER     "it is about one redis-server; connect to that directly"
#define SUBCOMMAND "the proxy serves no such subcommand; connect to a redis-server directly"
#define ATTACK     "possible cross-protocol scripting"

/* The fields of a row, from kind on. */
#define RANGE(first, last, step) COMMAND_KEYS_RANGE, first, last, step
#define NO_KEYS                  COMMAND_KEYS_NONE, 0, 0, 0
#define NUMKEYS(first, least)    COMMAND_KEYS_NUMKEYS, first, least, 1
#define STREAMS                  COMMAND_KEYS_STREAMS, 0, 0, 1
#define ALONE                    COMMAND_WHOLE, COMMAND_ID_NONE, false

/* No key is written; these are written, with this effect on each. */
#define NOTHING       COMMAND_WRITES_NONE, COMMAND_UPDATES
#define KEYS(effect)  COMMAND_WRITES_ALL, COMMAND_##effect
#define FIRST(effect) COMMAND_WRITES_FIRST, COMMAND_##effect
#define LAST(effect)  COMMAND_WRITES_LAST, COMMAND_##effect

#define READS(first, last, step) COMMAND_READ, NOTHING, RANGE(first, last, step), ALONE, NULL
#define WRITES(effect, first, last, step)                                                          \
	COMMAND_WRITE, KEYS(effect), RANGE(first, last, step), ALONE, NULL
#define UPDATES(first, last, step) WRITES(UPDATES, first, last, step)
#define WITH_ID(effect, id)                                                                        \
	COMMAND_WRITE, KEYS(effect), RANGE(1, 1, 1), COMMAND_WHOLE, COMMAND_ID_##id, false, NULL
#define BY_OPTIONS(id) WITH_ID(AS_OPTIONS_SAY, id)
#define WRITES_FIRST(effect, first, last)                                                          \
	COMMAND_WRITE, FIRST(effect), RANGE(first, last, 1), ALONE, NULL
#define WRITES_LAST(effect, first, last)                                                           \
	COMMAND_WRITE, LAST(effect), RANGE(first, last, 1), ALONE, NULL
#define READS_SPREAD(join)                                                                         \
	COMMAND_READ, NOTHING, RANGE(1, -1, 1), COMMAND_##join, COMMAND_ID_NONE, false, NULL
#define WRITES_SPREAD(effect, step, join)                                                          \
	COMMAND_WRITE, KEYS(effect), RANGE(1, -1, step), COMMAND_##join, COMMAND_ID_NONE, false,   \
		NULL
#define READS_NUMBERED          COMMAND_READ, NOTHING, NUMKEYS(1, 1), ALONE, NULL
#define WRITES_NUMBERED(effect) COMMAND_WRITE, KEYS(effect), NUMKEYS(1, 1), ALONE, NULL
#define READS_SCRIPTED(id)                                                                         \
	COMMAND_READ, NOTHING, NUMKEYS(2, 0), COMMAND_WHOLE, COMMAND_ID_##id, false, NULL
#define WRITES_SCRIPTED(id)                                                                        \
	COMMAND_WRITE, KEYS(VARIES), NUMKEYS(2, 0), COMMAND_WHOLE, COMMAND_ID_##id, false, NULL
#define WRITES_STORE(options, id)                                                                  \
	COMMAND_WRITE, LAST(STORES), COMMAND_KEYS_STORE_OPTION, options, 0, 1, COMMAND_WHOLE, id,  \
		false, NULL
#define WRITES_STORE_NUMKEYS                                                                       \
	COMMAND_WRITE, FIRST(STORES), COMMAND_KEYS_STORE_NUMKEYS, 2, 1, 1, ALONE, NULL
#define READS_STREAMS          COMMAND_READ, NOTHING, STREAMS, ALONE, BLOCKING
#define WRITES_STREAMS(effect) COMMAND_WRITE, KEYS(effect), STREAMS, ALONE, BLOCKING
#define EVERY_NODE(id, join)                                                                       \
	COMMAND_WRITE, NOTHING, NO_KEYS, COMMAND_##join, COMMAND_ID_##id, false, NULL
#define LOCAL(id)    COMMAND_LOCAL, NOTHING, NO_KEYS, COMMAND_WHOLE, COMMAND_ID_##id, false, NULL
#define REFUSED(why) COMMAND_REFUSED, NOTHING, NO_KEYS, ALONE, why
#define OF_TRANSACTION(id)                                                                         \
	COMMAND_REFUSED, NOTHING, NO_KEYS, COMMAND_WHOLE, COMMAND_ID_##id, false, TRANSACTION
#define HANGS_UP COMMAND_REFUSED, NOTHING, NO_KEYS, COMMAND_WHOLE, COMMAND_ID_NONE, true, ATTACK

/* A row: name, arity, then kind to refusal. */
const struct command command_table[] = {
	/* Data commands, by the keys they name. */
	{"APPEND", 3, UPDATES(1, 1, 1)},
	{"BITCOUNT", -2, READS(1, 1, 1)},
	{"BITFIELD", -2, UPDATES(1, 1, 1)},
	{"BITFIELD_RO", -2, READS(1, 1, 1)},
	{"BITOP", -4, WRITES_FIRST(STORES, 2, -1)},
	{"BITPOS", -3, READS(1, 1, 1)},
	{"COPY", -3, WRITES_LAST(UPDATES_TOGETHER, 1, 2)},
	{"DECR", 2, UPDATES(1, 1, 1)},
	{"DECRBY", 3, UPDATES(1, 1, 1)},
	{"DEL", -2, WRITES_SPREAD(DELETES, 1, SUM)},
	{"DUMP", 2, READS(1, 1, 1)},
	{"EVAL", -3, WRITES_SCRIPTED(EVAL)},
	{"EVALSHA", -3, WRITES_SCRIPTED(EVALSHA)},
	{"EVALSHA_RO", -3, READS_SCRIPTED(EVALSHA)},
	{"EVAL_RO", -3, READS_SCRIPTED(EVAL)},
	{"EXISTS", -2, READS_SPREAD(SUM)},
	{"EXPIRE", -3, BY_OPTIONS(EXPIRE)},
	{"EXPIREAT", -3, UPDATES(1, 1, 1)},
	{"EXPIRETIME", 2, READS(1, 1, 1)},
	{"FCALL", -3, WRITES_SCRIPTED(NONE)},
	{"FCALL_RO", -3, READS_SCRIPTED(NONE)},
	{"GEOADD", -5, UPDATES(1, 1, 1)},
	{"GEODIST", -4, READS(1, 1, 1)},
	{"GEOHASH", -2, READS(1, 1, 1)},
	{"GEOPOS", -2, READS(1, 1, 1)},
	{"GEORADIUS", -6, WRITES_STORE(6, COMMAND_ID_NONE)},
	{"GEORADIUSBYMEMBER", -5, WRITES_STORE(5, COMMAND_ID_NONE)},
	{"GEORADIUSBYMEMBER_RO", -5, READS(1, 1, 1)},
	{"GEORADIUS_RO", -6, READS(1, 1, 1)},
	{"GEOSEARCH", -7, READS(1, 1, 1)},
	{"GEOSEARCHSTORE", -8, WRITES_FIRST(STORES, 1, 2)},
	{"GET", 2, READS(1, 1, 1)},
	{"GETBIT", 3, READS(1, 1, 1)},
	{"GETDEL", 2, WRITES(DELETES, 1, 1, 1)},
	{"GETEX", -2, BY_OPTIONS(GETEX)},
	{"GETRANGE", 4, READS(1, 1, 1)},
	{"GETSET", 3, WRITES(OVERWRITES, 1, 1, 1)},
	{"HDEL", -3, UPDATES(1, 1, 1)},
	{"HEXISTS", 3, READS(1, 1, 1)},
	{"HEXPIRE", -6, BY_OPTIONS(HEXPIRE)},
	{"HEXPIREAT", -6, UPDATES(1, 1, 1)},
	{"HEXPIRETIME", -5, READS(1, 1, 1)},
	{"HGET", 3, READS(1, 1, 1)},
	{"HGETALL", 2, READS(1, 1, 1)},
	{"HINCRBY", 4, UPDATES(1, 1, 1)},
	{"HINCRBYFLOAT", 4, UPDATES(1, 1, 1)},
	{"HKEYS", 2, READS(1, 1, 1)},
	{"HLEN", 2, READS(1, 1, 1)},
	{"HMGET", -3, READS(1, 1, 1)},
	{"HMSET", -4, UPDATES(1, 1, 1)},
	{"HPERSIST", -5, UPDATES(1, 1, 1)},
	{"HPEXPIRE", -6, BY_OPTIONS(HPEXPIRE)},
	{"HPEXPIREAT", -6, UPDATES(1, 1, 1)},
	{"HPEXPIRETIME", -5, READS(1, 1, 1)},
	{"HPTTL", -5, READS(1, 1, 1)},
	{"HRANDFIELD", -2, READS(1, 1, 1)},
	{"HSCAN", -3, READS(1, 1, 1)},
	{"HSET", -4, UPDATES(1, 1, 1)},
	{"HSETNX", 4, UPDATES(1, 1, 1)},
	{"HSTRLEN", 3, READS(1, 1, 1)},
	{"HTTL", -5, READS(1, 1, 1)},
	{"HVALS", 2, READS(1, 1, 1)},
	{"INCR", 2, UPDATES(1, 1, 1)},
	{"INCRBY", 3, UPDATES(1, 1, 1)},
	{"INCRBYFLOAT", 3, UPDATES(1, 1, 1)},
	{"LCS", -3, READS(1, 2, 1)},
	{"LINDEX", 3, READS(1, 1, 1)},
	{"LINSERT", 5, UPDATES(1, 1, 1)},
	{"LLEN", 2, READS(1, 1, 1)},
	{"LMOVE", 5, WRITES(MOVES, 1, 2, 1)},
	{"LMPOP", -4, WRITES_NUMBERED(UPDATES_TOGETHER)},
	{"LPOP", -2, UPDATES(1, 1, 1)},
	{"LPOS", -3, READS(1, 1, 1)},
	{"LPUSH", -3, UPDATES(1, 1, 1)},
	{"LPUSHX", -3, UPDATES(1, 1, 1)},
	{"LRANGE", 4, READS(1, 1, 1)},
	{"LREM", 4, UPDATES(1, 1, 1)},
	{"LSET", 4, UPDATES(1, 1, 1)},
	{"LTRIM", 4, UPDATES(1, 1, 1)},
	{"MEMORY USAGE", -3, READS(2, 2, 1)},
	{"MGET", -2, READS_SPREAD(VALUES)},
	{"MSET", -3, WRITES_SPREAD(OVERWRITES, 2, STATUS)},
	{"MSETNX", -3, WRITES(UPDATES_TOGETHER, 1, -1, 2)},
	{"OBJECT ENCODING", 3, READS(2, 2, 1)},
	{"OBJECT FREQ", 3, READS(2, 2, 1)},
	{"OBJECT IDLETIME", 3, READS(2, 2, 1)},
	{"OBJECT REFCOUNT", 3, READS(2, 2, 1)},
	{"PERSIST", 2, UPDATES(1, 1, 1)},
	{"PEXPIRE", -3, BY_OPTIONS(PEXPIRE)},
	{"PEXPIREAT", -3, UPDATES(1, 1, 1)},
	{"PEXPIRETIME", 2, READS(1, 1, 1)},
	{"PFADD", -2, UPDATES(1, 1, 1)},
	{"PFCOUNT", -2, READS(1, -1, 1)},
	{"PFMERGE", -2, WRITES_FIRST(UPDATES_TOGETHER, 1, -1)},
	{"PSETEX", 4, WITH_ID(OVERWRITES_UNTIL, PSETEX)},
	{"PTTL", 2, READS(1, 1, 1)},
	{"RENAME", 3, WRITES(RENAMES, 1, 2, 1)},
	{"RENAMENX", 3, WRITES(UPDATES_TOGETHER, 1, 2, 1)},
	{"RESTORE", -4, BY_OPTIONS(RESTORE)},
	{"RPOP", -2, UPDATES(1, 1, 1)},
	{"RPOPLPUSH", 3, WRITES(MOVES, 1, 2, 1)},
	{"RPUSH", -3, UPDATES(1, 1, 1)},
	{"RPUSHX", -3, UPDATES(1, 1, 1)},
	{"SADD", -3, UPDATES(1, 1, 1)},
	{"SCARD", 2, READS(1, 1, 1)},
	{"SDIFF", -2, READS(1, -1, 1)},
	{"SDIFFSTORE", -3, WRITES_FIRST(STORES, 1, -1)},
	{"SET", -3, BY_OPTIONS(SET)},
	{"SETBIT", 4, UPDATES(1, 1, 1)},
	{"SETEX", 4, WITH_ID(OVERWRITES_UNTIL, SETEX)},
	{"SETNX", 3, UPDATES(1, 1, 1)},
	{"SETRANGE", 4, UPDATES(1, 1, 1)},
	{"SINTER", -2, READS(1, -1, 1)},
	{"SINTERCARD", -3, READS_NUMBERED},
	{"SINTERSTORE", -3, WRITES_FIRST(STORES, 1, -1)},
	{"SISMEMBER", 3, READS(1, 1, 1)},
	{"SMEMBERS", 2, READS(1, 1, 1)},
	{"SMISMEMBER", -3, READS(1, 1, 1)},
	{"SMOVE", 4, WRITES(MOVES, 1, 2, 1)},
	{"SORT", -2, WRITES_STORE(2, COMMAND_ID_SORT)},
	{"SORT_RO", -2, COMMAND_READ, NOTHING, RANGE(1, 1, 1), COMMAND_WHOLE, COMMAND_ID_SORT,
		false, NULL},
	{"SPOP", -2, WITH_ID(VARIES, SPOP)},
	{"SRANDMEMBER", -2, READS(1, 1, 1)},
	{"SREM", -3, UPDATES(1, 1, 1)},
	{"SSCAN", -3, READS(1, 1, 1)},
	{"STRLEN", 2, READS(1, 1, 1)},
	{"SUBSTR", 4, READS(1, 1, 1)},
	{"SUNION", -2, READS(1, -1, 1)},
	{"SUNIONSTORE", -3, WRITES_FIRST(STORES, 1, -1)},
	{"TOUCH", -2, READS_SPREAD(SUM)},
	{"TTL", 2, READS(1, 1, 1)},
	{"TYPE", 2, READS(1, 1, 1)},
	{"UNLINK", -2, WRITES_SPREAD(DELETES, 1, SUM)},
	{"XACK", -4, UPDATES(1, 1, 1)},
	{"XADD", -5, BY_OPTIONS(XADD)},
	{"XAUTOCLAIM", -6, WITH_ID(VARIES, XAUTOCLAIM)},
	{"XCLAIM", -6, BY_OPTIONS(XCLAIM)},
	{"XDEL", -3, UPDATES(1, 1, 1)},
	{"XGROUP CREATE", -5, UPDATES(2, 2, 1)},
	{"XGROUP CREATECONSUMER", 5, UPDATES(2, 2, 1)},
	{"XGROUP DELCONSUMER", 5, UPDATES(2, 2, 1)},
	{"XGROUP DESTROY", 4, UPDATES(2, 2, 1)},
	{"XGROUP SETID", -5, UPDATES(2, 2, 1)},
	{"XINFO CONSUMERS", 4, READS(2, 2, 1)},
	{"XINFO GROUPS", 3, READS(2, 2, 1)},
	{"XINFO STREAM", -3, READS(2, 2, 1)},
	{"XLEN", 2, READS(1, 1, 1)},
	{"XPENDING", -3, READS(1, 1, 1)},
	{"XRANGE", -4, READS(1, 1, 1)},
	{"XREAD", -4, READS_STREAMS},
	{"XREADGROUP", -7, WRITES_STREAMS(VARIES)},
	{"XREVRANGE", -4, READS(1, 1, 1)},
	{"XSETID", -3, UPDATES(1, 1, 1)},
	{"XTRIM", -4, UPDATES(1, 1, 1)},
	{"ZADD", -4, UPDATES(1, 1, 1)},
	{"ZCARD", 2, READS(1, 1, 1)},
	{"ZCOUNT", 4, READS(1, 1, 1)},
	{"ZDIFF", -3, READS_NUMBERED},
	{"ZDIFFSTORE", -4, WRITES_STORE_NUMKEYS},
	{"ZINCRBY", 4, UPDATES(1, 1, 1)},
	{"ZINTER", -3, READS_NUMBERED},
	{"ZINTERCARD", -3, READS_NUMBERED},
	{"ZINTERSTORE", -4, WRITES_STORE_NUMKEYS},
	{"ZLEXCOUNT", 4, READS(1, 1, 1)},
	{"ZMPOP", -4, WRITES_NUMBERED(UPDATES_TOGETHER)},
	{"ZMSCORE", -3, READS(1, 1, 1)},
	{"ZPOPMAX", -2, UPDATES(1, 1, 1)},
	{"ZPOPMIN", -2, UPDATES(1, 1, 1)},
	{"ZRANDMEMBER", -2, READS(1, 1, 1)},
	{"ZRANGE", -4, READS(1, 1, 1)},
	{"ZRANGEBYLEX", -4, READS(1, 1, 1)},
	{"ZRANGEBYSCORE", -4, READS(1, 1, 1)},
	{"ZRANGESTORE", -5, WRITES_FIRST(STORES, 1, 2)},
	{"ZRANK", 3, READS(1, 1, 1)},
	{"ZREM", -3, UPDATES(1, 1, 1)},
	{"ZREMRANGEBYLEX", 4, UPDATES(1, 1, 1)},
	{"ZREMRANGEBYRANK", 4, UPDATES(1, 1, 1)},
	{"ZREMRANGEBYSCORE", 4, UPDATES(1, 1, 1)},
	{"ZREVRANGE", -4, READS(1, 1, 1)},
	{"ZREVRANGEBYLEX", -4, READS(1, 1, 1)},
	{"ZREVRANGEBYSCORE", -4, READS(1, 1, 1)},
	{"ZREVRANK", 3, READS(1, 1, 1)},
	{"ZSCAN", -3, READS(1, 1, 1)},
	{"ZSCORE", 3, READS(1, 1, 1)},
	{"ZUNION", -3, READS_NUMBERED},
	{"ZUNIONSTORE", -4, WRITES_STORE_NUMKEYS},

	/* Sent to every node. */
	{"FUNCTION DELETE", 3, EVERY_NODE(FUNCTION_DELETE, ALL_NODES)},
	{"FUNCTION FLUSH", -2, EVERY_NODE(FUNCTION_FLUSH, ALL_NODES)},
	{"FUNCTION LOAD", -3, EVERY_NODE(FUNCTION_LOAD, ALL_NODES)},
	{"SCRIPT EXISTS", -3, EVERY_NODE(SCRIPT_EXISTS, LEAST)},
	{"SCRIPT FLUSH", -2, EVERY_NODE(SCRIPT_FLUSH, ALL_NODES)},
	{"SCRIPT LOAD", 3, EVERY_NODE(SCRIPT_LOAD, ALL_NODES)},

	/* Answered by the proxy. */
	{"AUTH", -2, LOCAL(AUTH)},
	{"CLIENT GETNAME", 2, LOCAL(CLIENT_GETNAME)},
	{"CLIENT ID", 2, LOCAL(CLIENT_ID)},
	{"CLIENT INFO", 2, LOCAL(CLIENT_INFO)},
	{"CLIENT LIST", -2, LOCAL(CLIENT_LIST)},
	{"CLIENT SETINFO", 4, LOCAL(CLIENT_SETINFO)},
	{"CLIENT SETNAME", 3, LOCAL(CLIENT_SETNAME)},
	{"COMMAND", -1, COMMAND_LOCAL, NOTHING, NO_KEYS, COMMAND_WHOLE, COMMAND_ID_COMMAND, false,
		SUBCOMMAND},
	{"COMMAND COUNT", 2, LOCAL(COMMAND_COUNT)},
	{"COMMAND DOCS", -2, LOCAL(COMMAND_DOCS)},
	{"COMMAND INFO", -2, LOCAL(COMMAND_INFO)},
	{"ECHO", 2, LOCAL(ECHO)},
	{"HELLO", -1, LOCAL(HELLO)},
	{"INFO", -1, LOCAL(INFO)},
	{"PING", -1, LOCAL(PING)},
	{"QUIT", -1, LOCAL(QUIT)},
	{"RESET", 1, LOCAL(RESET)},
	{"SELECT", 2, LOCAL(SELECT)},

	/* Refused. */
	{"ACL", -2, REFUSED(SERVER)},
	{"ASKING", 1, REFUSED(CLUSTER)},
	{"BGREWRITEAOF", 1, REFUSED(SERVER)},
	{"BGSAVE", -1, REFUSED(SERVER)},
	{"BLMOVE", 6, REFUSED(BLOCKING)},
	{"BLMPOP", -5, REFUSED(BLOCKING)},
	{"BLPOP", -3, REFUSED(BLOCKING)},
	{"BRPOP", -3, REFUSED(BLOCKING)},
	{"BRPOPLPUSH", 4, REFUSED(BLOCKING)},
	{"BZMPOP", -5, REFUSED(BLOCKING)},
	{"BZPOPMAX", -3, REFUSED(BLOCKING)},
	{"BZPOPMIN", -3, REFUSED(BLOCKING)},
	{"CLUSTER", -2, REFUSED(CLUSTER)},
	{"CONFIG", -2, REFUSED(SERVER)},
	{"DBSIZE", 1, REFUSED(ALL_KEYS)},
	{"DEBUG", -2, REFUSED(SERVER)},
	{"DISCARD", 1, OF_TRANSACTION(DISCARD)},
	{"EXEC", 1, OF_TRANSACTION(EXEC)},
	{"FAILOVER", -1, REFUSED(SERVER)},
	{"FLUSHALL", -1, REFUSED(FLUSH)},
	{"FLUSHDB", -1, REFUSED(FLUSH)},
	{"KEYS", 2, REFUSED(ALL_KEYS)},
	{"LASTSAVE", 1, REFUSED(SERVER)},
	{"LATENCY", -2, REFUSED(SERVER)},
	{"LOLWUT", -1, REFUSED(SERVER)},
	{"MIGRATE", -6, REFUSED(MIGRATION)},
	{"MODULE", -2, REFUSED(SERVER)},
	{"MONITOR", 1, REFUSED(SERVER)},
	{"MOVE", 3, REFUSED(DATABASE)},
	{"MULTI", 1, OF_TRANSACTION(MULTI)},
	{"PFDEBUG", 3, REFUSED(SERVER)},
	{"PFSELFTEST", 1, REFUSED(SERVER)},
	{"PSUBSCRIBE", -2, REFUSED(PUBSUB)},
	{"PSYNC", -3, REFUSED(SERVER)},
	{"PUBLISH", 3, REFUSED(PUBSUB)},
	{"PUBSUB", -2, REFUSED(PUBSUB)},
	{"PUNSUBSCRIBE", -1, REFUSED(PUBSUB)},
	{"RANDOMKEY", 1, REFUSED(ALL_KEYS)},
	{"READONLY", 1, REFUSED(CLUSTER)},
	{"READWRITE", 1, REFUSED(CLUSTER)},
	{"REPLCONF", -1, REFUSED(SERVER)},
	{"REPLICAOF", 3, REFUSED(SERVER)},
	{"RESTORE-ASKING", -4, REFUSED(CLUSTER)},
	{"ROLE", 1, REFUSED(SERVER)},
	{"SAVE", 1, REFUSED(SERVER)},
	{"SCAN", -2, REFUSED(ALL_KEYS)},
	{"SHUTDOWN", -1, REFUSED(SERVER)},
	{"SLAVEOF", 3, REFUSED(SERVER)},
	{"SLOWLOG", -2, REFUSED(SERVER)},
	{"SPUBLISH", 3, REFUSED(PUBSUB)},
	{"SSUBSCRIBE", -2, REFUSED(PUBSUB)},
	{"SUBSCRIBE", -2, REFUSED(PUBSUB)},
	{"SUNSUBSCRIBE", -1, REFUSED(PUBSUB)},
	{"SWAPDB", 3, REFUSED(DATABASE)},
	{"SYNC", 1, REFUSED(SERVER)},
	{"TIME", 1, REFUSED(SERVER)},
	{"UNSUBSCRIBE", -1, REFUSED(PUBSUB)},
	{"UNWATCH", 1, REFUSED(TRANSACTION)},
	{"WAIT", 3, REFUSED(WAITING)},
	{"WATCH", -2, REFUSED(TRANSACTION)},

	/* Served only with a known subcommand. */
	{"CLIENT", -2, REFUSED(SUBCOMMAND)},
	{"FUNCTION", -2, REFUSED(SUBCOMMAND)},
	{"MEMORY", -2, REFUSED(SUBCOMMAND)},
	{"OBJECT", -2, REFUSED(SUBCOMMAND)},
	{"SCRIPT", -2, REFUSED(SUBCOMMAND)},
	{"XGROUP", -2, REFUSED(SUBCOMMAND)},
	{"XINFO", -2, REFUSED(SUBCOMMAND)},

	/* HTTP: a browser that was tricked into sending a form here. */
	{"HOST:", -1, HANGS_UP},
	{"POST", -1, HANGS_UP},
};

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);
