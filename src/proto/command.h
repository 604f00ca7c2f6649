/*
 * command - the table of Redis commands, with what a proxy must know about each.
 *
 * Everything here is constant: any thread.
 */
#ifndef PROTO_COMMAND_H
#define PROTO_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum command_class {
	COMMAND_READ,    /* sent to as many replicas as the consistency level needs */
	COMMAND_WRITE,   /* sent to every replica */
	COMMAND_LOCAL,   /* answered by the proxy itself */
	COMMAND_REFUSED, /* not possible through a proxy; refusal says why */
};

/* How a command with several keys is split by owners, and how the replies are joined. */
enum command_join {
	COMMAND_WHOLE,     /* not split: all keys must have the same owner */
	COMMAND_VALUES,    /* MGET: an array in the order of the keys */
	COMMAND_SUM,       /* DEL, UNLINK, EXISTS, TOUCH: the sum of integers */
	COMMAND_STATUS,    /* MSET: OK if all replies are */
	COMMAND_ALL_NODES, /* SCRIPT LOAD, FLUSH and the like: to every node; this node's answer */
	COMMAND_LEAST, /* SCRIPT EXISTS: to every node; each number is the least of those answered
			*/
};

/* Where the keys are among the arguments (argument 0 is the name). */
enum command_keys {
	COMMAND_KEYS_NONE,
	COMMAND_KEYS_RANGE,   /* first, last (negative: from the end), step */
	COMMAND_KEYS_NUMKEYS, /* argument first is their number, at least last; they follow it */
	COMMAND_KEYS_STORE_NUMKEYS, /* a destination key at 1, then as NUMKEYS
				       (ZUNIONSTORE) */
	COMMAND_KEYS_STREAMS,       /* the first half of what follows STREAMS (XREAD, XREADGROUP) */
	COMMAND_KEYS_STORE_OPTION,  /* key at 1, and the argument after the last STORE or STOREDIST
				       from argument first on (SORT, GEORADIUS) */
};

/* Which of its keys a write changes; a read changes none. */
enum command_writes {
	COMMAND_WRITES_NONE,
	COMMAND_WRITES_ALL, /* also for scripts: all declared keys */
	COMMAND_WRITES_FIRST,
	COMMAND_WRITES_LAST,
};

/* What a write does to the keys that it changes; request_effect() says it for each key. */
enum command_effect {
	COMMAND_UPDATES,          /* the result depends on the former value: INCR */
	COMMAND_OVERWRITES,       /* it does not: MSET */
	COMMAND_OVERWRITES_UNTIL, /* likewise, with a deadline relative to the clock: SETEX */
	COMMAND_DELETES,
	COMMAND_STORES,           /* overwrites its destination with what it makes of other keys */
	COMMAND_UPDATES_TOGETHER, /* updates as the other keys, if any, say: MSETNX, COPY */
	COMMAND_MOVES,            /* takes from the first key, and adds that to the second: LMOVE */
	COMMAND_RENAMES,
	COMMAND_VARIES,         /* updates as chance, the clock or a script say: SPOP */
	COMMAND_AS_OPTIONS_SAY, /* depends on the arguments: SET */
};

/* The commands that code must distinguish: those that the proxy answers itself, or treats
 * specially. */
enum command_id {
	COMMAND_ID_NONE,
	COMMAND_ID_AUTH,
	COMMAND_ID_CLIENT_GETNAME,
	COMMAND_ID_CLIENT_ID,
	COMMAND_ID_CLIENT_INFO,
	COMMAND_ID_CLIENT_LIST,
	COMMAND_ID_CLIENT_SETINFO,
	COMMAND_ID_CLIENT_SETNAME,
	COMMAND_ID_COMMAND,
	COMMAND_ID_COMMAND_COUNT,
	COMMAND_ID_COMMAND_DOCS,
	COMMAND_ID_COMMAND_INFO,
	COMMAND_ID_DISCARD,
	COMMAND_ID_ECHO,
	COMMAND_ID_EVAL,    /* and EVAL_RO */
	COMMAND_ID_EVALSHA, /* and EVALSHA_RO */
	COMMAND_ID_EXEC,
	COMMAND_ID_EXPIRE,
	COMMAND_ID_FUNCTION_DELETE,
	COMMAND_ID_FUNCTION_FLUSH,
	COMMAND_ID_FUNCTION_LOAD,
	COMMAND_ID_GETEX,
	COMMAND_ID_HELLO,
	COMMAND_ID_HEXPIRE,
	COMMAND_ID_HPEXPIRE,
	COMMAND_ID_INFO,
	COMMAND_ID_MULTI,
	COMMAND_ID_PEXPIRE,
	COMMAND_ID_PING,
	COMMAND_ID_PSETEX,
	COMMAND_ID_QUIT,
	COMMAND_ID_RESET,
	COMMAND_ID_RESTORE,
	COMMAND_ID_SELECT,
	COMMAND_ID_SCRIPT_EXISTS,
	COMMAND_ID_SCRIPT_FLUSH,
	COMMAND_ID_SCRIPT_LOAD,
	COMMAND_ID_SET,
	COMMAND_ID_SETEX,
	COMMAND_ID_SORT, /* and SORT_RO */
	COMMAND_ID_SPOP,
	COMMAND_ID_XADD,
	COMMAND_ID_XAUTOCLAIM,
	COMMAND_ID_XCLAIM,
};

struct command {
	const char *name; /* in capitals; a subcommand's as "SCRIPT LOAD" */
	int16_t arity;    /* as in Redis: exact, or negative for a minimum */
	uint8_t kind;     /* enum command_class, unless the arguments say otherwise:
			     request_understand() */
	uint8_t writes;   /* enum command_writes */
	uint8_t effect;   /* enum command_effect */
	uint8_t keys;     /* enum command_keys */
	int8_t first, last, step;
	uint8_t join;        /* enum command_join */
	uint8_t id;          /* enum command_id */
	bool hang_up;        /* an attack: close without a reply */
	const char *refusal; /* why it is refused, for the client; NULL: it is not */
};

/*
 * The command with this name, from the arguments of a request; sub is the argument after it, or
 * NULL. NULL when there is no such command; for an unknown subcommand, the command without it.
 */
const struct command *command_find(
	const uint8_t *name, size_t len, const uint8_t *sub, size_t sub_len);

/* The same by full name, in any case: "GET", "SCRIPT LOAD". */
const struct command *command_named(const char *text);

#define COMMAND_NAME_MAX 32 /* bytes of the longest name, with its NUL */

/* The name as clients write it: "get", "script|load".  Returns name. */
const char *command_lower_name(const struct command *c, char name[COMMAND_NAME_MAX]);

/* Whether it goes to every node, whatever its keys. */
static inline bool command_is_for_all(const struct command *c)
{
	return c->join == COMMAND_ALL_NODES || c->join == COMMAND_LEAST;
}

/* Whether a request may have this many arguments. */
static inline bool command_arity_ok(const struct command *c, uint32_t argc)
{
	int64_t n = argc, arity = c->arity;

	if (arity >= 0 ? n != arity : n < -arity)
		return false;
	/* Each key needs its value. */
	return c->keys != COMMAND_KEYS_RANGE || c->last != -1 || (n - c->first) % c->step == 0;
}

/* The whole table, for COMMAND, COMMAND COUNT and tests. */
extern const struct command command_table[];
extern const size_t command_count;

#ifdef __cplusplus
}
#endif

#endif
