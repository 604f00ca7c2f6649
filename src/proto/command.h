/*
 * command - the table of Redis commands: what a proxy has to know of each.
 */
#ifndef PROTO_COMMAND_H
#define PROTO_COMMAND_H

#include "proto/request.h"

enum command_class {
	COMMAND_READ,    /* sent to one replica that has the key */
	COMMAND_WRITE,   /* sent to every replica */
	COMMAND_LOCAL,   /* answered by the proxy itself */
	COMMAND_REFUSED, /* a proxy cannot do it; refusal says why */
};

/* How a command with several keys is spread over their owners, and how the answers become one. */
enum command_join {
	COMMAND_WHOLE,    /* all keys must have one owner */
	COMMAND_VALUES,   /* MGET: an array, put together in the order of the keys */
	COMMAND_SUM,      /* DEL, UNLINK, EXISTS, TOUCH: the sum of integers */
	COMMAND_STATUS,   /* MSET: OK when all are */
	COMMAND_ALL_NODES /* SCRIPT LOAD, EXISTS, FLUSH: to every node; one answer */
};

/* Where the keys are among the arguments (argument 0 is the name). */
enum command_keys {
	COMMAND_KEYS_NONE,
	COMMAND_KEYS_RANGE,         /* first, last (negative: from the end), step */
	COMMAND_KEYS_NUMKEYS,       /* argument first is their number; they follow it */
	COMMAND_KEYS_STORE_NUMKEYS, /* a destination key at 1, then their number at 2 (ZUNIONSTORE)
				     */
	COMMAND_KEYS_STREAMS,       /* the first half of what follows STREAMS (XREAD, XREADGROUP) */
	COMMAND_KEYS_STORE_OPTION,  /* key at 1, and the argument behind STORE or STOREDIST (SORT,
				       GEORADIUS) */
};

struct command {
	const char *name; /* in capitals; a subcommand's as "SCRIPT LOAD" */
	int16_t arity;    /* as Redis has it: exact, or negative for at least */
	uint8_t class;    /* enum command_class */
	uint8_t keys;     /* enum command_keys */
	uint8_t join;     /* enum command_join */
	int8_t first, last, step;
	uint16_t id;         /* its place in the table, for who answers COMMAND_LOCAL */
	const char *refusal; /* of COMMAND_REFUSED: what cannot be done and why, for the client */
};

/* The command that a parsed request names, by its first argument or first two; NULL when there is
 * none.  Any thread. */
const struct command *command_find(const uint8_t *bytes, const struct request_parser *r);

/* The same by name, for tables and tests: "GET", "SCRIPT LOAD". */
const struct command *command_named(const char *name);

bool command_arity_ok(const struct command *c, uint32_t argc);

/*
 * Find the keys of a request: calls found() for each argument that is one, in order, until it
 * returns false.  Returns false when the arguments do not say where they are (a bad numkeys).
 */
bool command_each_key(const struct command *c, const uint8_t *bytes, const struct request_parser *r,
	bool (*found)(void *arg, uint32_t index), void *arg);

/* The whole table, for COMMAND, COMMAND COUNT and tests. */
extern const struct command command_table[];
extern const size_t command_count;

#endif
