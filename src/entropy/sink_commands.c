#include "entropy/sink_commands.h"

#include "base/shown.h"

#define MANY RESP_ARGS_MAX

/* Why a command is refused, or NULL.  Its arity was checked. */
typedef const char *(*check_fn)(const struct resp_command *c);

struct command_rule {
	const char *name;
	uint32_t min_argc, max_argc; /* including the name */
	check_fn check;              /* NULL: any arguments */
	struct sink_created created;
};

/* The first argument, the second, or the first of each pair. */
#define FIRST                                                                                      \
	{                                                                                          \
		1, 0                                                                               \
	}
#define SECOND                                                                                     \
	{                                                                                          \
		2, 0                                                                               \
	}
#define PAIRS                                                                                      \
	{                                                                                          \
		1, 2                                                                               \
	}
#define NONE                                                                                       \
	{                                                                                          \
		0, 0                                                                               \
	}

/* key ttl payload [ABSTTL] [IDLETIME seconds] [FREQ frequency], in any order, each at most once. */
static const char *check_restore(const struct resp_command *c)
{
	static const char bad[] =
		"has an option that is not ABSTTL, IDLETIME or FREQ with a number";
	bool absttl = false, idletime = false, freq = false;
	uint32_t i = 4;

	if (!resp_arg_is_number(&c->argv[2]))
		return "has a TTL that is not a number";
	while (i < c->argc) {
		const struct resp_arg *a = &c->argv[i++];
		bool *seen = resp_arg_is(a, "ABSTTL")     ? &absttl
			     : resp_arg_is(a, "IDLETIME") ? &idletime
			     : resp_arg_is(a, "FREQ")     ? &freq
							  : NULL;

		if (resp_arg_is(a, "REPLACE"))
			return "has REPLACE, but healing never overwrites a key";
		if (!seen)
			return bad;
		if (*seen)
			return "has an option twice";
		*seen = true;
		if (seen != &absttl && (i == c->argc || !resp_arg_is_number(&c->argv[i++])))
			return bad;
	}
	return NULL;
}

static const char *check_select(const struct resp_command *c)
{
	return resp_arg_is(&c->argv[1], "0") ? NULL : "of a database other than 0";
}

static const char *check_xgroup(const struct resp_command *c)
{
	static const char *const allowed[] = {
		"CREATE", "CREATECONSUMER", "SETID", "DESTROY", "DELCONSUMER"};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (resp_arg_is(&c->argv[1], allowed[i]))
			return NULL;
	}
	return "has a subcommand that writes no data";
}

static const struct command_rule restore_rule = {"RESTORE", 4, 9, check_restore, FIRST};

/* Plain data-writing commands, as in a rewritten AOF: each names its keys, changes only them, and
 * does not block. */
static const struct command_rule data_rules[] = {
	/* any type */
	{"DEL", 2, MANY, NULL, NONE},
	{"EXPIRE", 3, 4, NULL, NONE},
	{"EXPIREAT", 3, 4, NULL, NONE},
	{"PERSIST", 2, 2, NULL, NONE},
	{"PEXPIRE", 3, 4, NULL, NONE},
	{"PEXPIREAT", 3, 4, NULL, NONE},
	{"SELECT", 2, 2, check_select, NONE},
	{"UNLINK", 2, MANY, NULL, NONE},
	/* strings, bitmaps, HyperLogLogs */
	{"APPEND", 3, 3, NULL, FIRST},
	{"BITFIELD", 2, MANY, NULL, FIRST},
	{"BITOP", 4, MANY, NULL, SECOND},
	{"DECR", 2, 2, NULL, FIRST},
	{"DECRBY", 3, 3, NULL, FIRST},
	{"GETSET", 3, 3, NULL, FIRST},
	{"INCR", 2, 2, NULL, FIRST},
	{"INCRBY", 3, 3, NULL, FIRST},
	{"INCRBYFLOAT", 3, 3, NULL, FIRST},
	{"MSET", 3, MANY, NULL, PAIRS},
	{"MSETNX", 3, MANY, NULL, PAIRS},
	{"PFADD", 2, MANY, NULL, FIRST},
	{"PFMERGE", 2, MANY, NULL, FIRST},
	{"PSETEX", 4, 4, NULL, FIRST},
	{"SET", 3, MANY, NULL, FIRST},
	{"SETBIT", 4, 4, NULL, FIRST},
	{"SETEX", 4, 4, NULL, FIRST},
	{"SETNX", 3, 3, NULL, FIRST},
	{"SETRANGE", 4, 4, NULL, FIRST},
	/* hashes */
	{"HDEL", 3, MANY, NULL, NONE},
	{"HINCRBY", 4, 4, NULL, FIRST},
	{"HINCRBYFLOAT", 4, 4, NULL, FIRST},
	{"HMSET", 4, MANY, NULL, FIRST},
	{"HSET", 4, MANY, NULL, FIRST},
	{"HSETNX", 4, 4, NULL, FIRST},
	/* lists */
	{"LINSERT", 5, 5, NULL, NONE},
	{"LPOP", 2, 3, NULL, NONE},
	{"LPUSH", 3, MANY, NULL, FIRST},
	{"LPUSHX", 3, MANY, NULL, NONE},
	{"LREM", 4, 4, NULL, NONE},
	{"LSET", 4, 4, NULL, NONE},
	{"LTRIM", 4, 4, NULL, NONE},
	{"RPOP", 2, 3, NULL, NONE},
	{"RPUSH", 3, MANY, NULL, FIRST},
	{"RPUSHX", 3, MANY, NULL, NONE},
	/* sets and sorted sets */
	{"GEOADD", 5, MANY, NULL, FIRST},
	{"SADD", 3, MANY, NULL, FIRST},
	{"SMOVE", 4, 4, NULL, SECOND},
	{"SREM", 3, MANY, NULL, NONE},
	{"ZADD", 4, MANY, NULL, FIRST},
	{"ZINCRBY", 4, 4, NULL, FIRST},
	{"ZREM", 3, MANY, NULL, NONE},
	{"ZREMRANGEBYLEX", 4, 4, NULL, NONE},
	{"ZREMRANGEBYRANK", 4, 4, NULL, NONE},
	{"ZREMRANGEBYSCORE", 4, 4, NULL, NONE},
	/* streams */
	{"XACK", 4, MANY, NULL, NONE},
	{"XADD", 5, MANY, NULL, FIRST},
	{"XCLAIM", 6, MANY, NULL, NONE},
	{"XDEL", 3, MANY, NULL, NONE},
	{"XGROUP", 4, MANY, check_xgroup, SECOND},
	{"XSETID", 3, 7, NULL, NONE},
	{"XTRIM", 4, MANY, NULL, NONE},
};

static const struct command_rule *find_rule(
	const struct resp_command *c, enum dyn_entropy_accept accept)
{
	if (resp_arg_is(&c->argv[0], restore_rule.name))
		return &restore_rule;
	if (accept != DYN_ENTROPY_ACCEPT_DATA)
		return NULL;
	for (size_t i = 0; i < sizeof(data_rules) / sizeof(data_rules[0]); i++) {
		if (resp_arg_is(&c->argv[0], data_rules[i].name))
			return &data_rules[i];
	}
	return NULL;
}

const char *sink_commands_refusal(const struct resp_command *c, enum dyn_entropy_accept accept)
{
	const struct command_rule *rule = find_rule(c, accept);

	if (!rule)
		return accept == DYN_ENTROPY_ACCEPT_DATA
			       ? "is not a plain data-writing command"
			       : "is not RESTORE, which alone is accepted";
	if (c->argc < rule->min_argc)
		return "has too few arguments";
	if (c->argc > rule->max_argc)
		return "has too many arguments";
	return rule->check ? rule->check(c) : NULL;
}

struct sink_created sink_commands_created(const struct resp_command *c)
{
	const struct command_rule *rule = find_rule(c, DYN_ENTROPY_ACCEPT_DATA);

	return rule ? rule->created : (struct sink_created)NONE;
}

bool sink_commands_is_created(const struct sink_created *created, uint32_t arg)
{
	if (created->first == 0 || arg < created->first)
		return false;
	return arg == created->first ||
	       (created->step > 0 && (arg - created->first) % created->step == 0);
}

const char *sink_commands_name(const struct resp_command *c, char *text, size_t cap)
{
	size_t n = c->argv[0].len < 32 ? c->argv[0].len : 32;

	return shown_word(c->argv[0].head, n, text, cap);
}
