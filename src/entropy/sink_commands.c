#include "entropy/sink_commands.h"

#include "base/shown.h"

#define MANY RESP_ARGS_MAX

/* Why a command is refused, or NULL.  Its arity is right already. */
typedef const char *(*check_fn)(const struct resp_command *c);

struct command_rule {
	const char *name;
	uint32_t min_argc, max_argc; /* the name included */
	check_fn check;              /* NULL: any arguments will do */
};

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

static const struct command_rule restore_rule = {"RESTORE", 4, 9, check_restore};

/* What a client of data, or a rewritten AOF, writes: each names its keys, changes nothing but them,
 * and waits for nothing. */
static const struct command_rule data_rules[] = {
	/* any type */
	{"DEL", 2, MANY, NULL},
	{"EXPIRE", 3, 4, NULL},
	{"EXPIREAT", 3, 4, NULL},
	{"PERSIST", 2, 2, NULL},
	{"PEXPIRE", 3, 4, NULL},
	{"PEXPIREAT", 3, 4, NULL},
	{"SELECT", 2, 2, check_select},
	{"UNLINK", 2, MANY, NULL},
	/* strings, bitmaps, HyperLogLogs */
	{"APPEND", 3, 3, NULL},
	{"BITFIELD", 2, MANY, NULL},
	{"BITOP", 4, MANY, NULL},
	{"DECR", 2, 2, NULL},
	{"DECRBY", 3, 3, NULL},
	{"GETSET", 3, 3, NULL},
	{"INCR", 2, 2, NULL},
	{"INCRBY", 3, 3, NULL},
	{"INCRBYFLOAT", 3, 3, NULL},
	{"MSET", 3, MANY, NULL},
	{"MSETNX", 3, MANY, NULL},
	{"PFADD", 2, MANY, NULL},
	{"PFMERGE", 2, MANY, NULL},
	{"PSETEX", 4, 4, NULL},
	{"SET", 3, MANY, NULL},
	{"SETBIT", 4, 4, NULL},
	{"SETEX", 4, 4, NULL},
	{"SETNX", 3, 3, NULL},
	{"SETRANGE", 4, 4, NULL},
	/* hashes */
	{"HDEL", 3, MANY, NULL},
	{"HINCRBY", 4, 4, NULL},
	{"HINCRBYFLOAT", 4, 4, NULL},
	{"HMSET", 4, MANY, NULL},
	{"HSET", 4, MANY, NULL},
	{"HSETNX", 4, 4, NULL},
	/* lists */
	{"LINSERT", 5, 5, NULL},
	{"LPOP", 2, 3, NULL},
	{"LPUSH", 3, MANY, NULL},
	{"LPUSHX", 3, MANY, NULL},
	{"LREM", 4, 4, NULL},
	{"LSET", 4, 4, NULL},
	{"LTRIM", 4, 4, NULL},
	{"RPOP", 2, 3, NULL},
	{"RPUSH", 3, MANY, NULL},
	{"RPUSHX", 3, MANY, NULL},
	/* sets and sorted sets */
	{"GEOADD", 5, MANY, NULL},
	{"SADD", 3, MANY, NULL},
	{"SMOVE", 4, 4, NULL},
	{"SREM", 3, MANY, NULL},
	{"ZADD", 4, MANY, NULL},
	{"ZINCRBY", 4, 4, NULL},
	{"ZREM", 3, MANY, NULL},
	{"ZREMRANGEBYLEX", 4, 4, NULL},
	{"ZREMRANGEBYRANK", 4, 4, NULL},
	{"ZREMRANGEBYSCORE", 4, 4, NULL},
	/* streams */
	{"XACK", 4, MANY, NULL},
	{"XADD", 5, MANY, NULL},
	{"XCLAIM", 6, MANY, NULL},
	{"XDEL", 3, MANY, NULL},
	{"XGROUP", 4, MANY, check_xgroup},
	{"XSETID", 3, 7, NULL},
	{"XTRIM", 4, MANY, NULL},
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

const char *sink_commands_name(const struct resp_command *c, char *text, size_t cap)
{
	size_t n = c->argv[0].len < 32 ? c->argv[0].len : 32;

	return shown_word(c->argv[0].head, n, text, cap);
}
