/*
 * resp - a strict scanner for a snapshot: Redis commands, each an array of bulk strings.
 *
 * Bytes are fed in pieces of any size.  Stricter than Redis, it refuses inline commands, empty and
 * null arrays, null strings, leading zeros, a bare LF.  The scanner stores no values: of each
 * command it keeps the first RESP_ARGS_KEPT arguments, cut to RESP_ARG_HEAD bytes, which is what a
 * policy needs to see.  A plain value; one thread at a time.
 */
#ifndef ENTROPY_RESP_H
#define ENTROPY_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RESP_ARGS_MAX  UINT32_C(1048576) /* arguments of one command, its name included */
#define RESP_BULK_MAX  (UINT32_C(512) * 1024 * 1024) /* bytes of one argument */
#define RESP_ARGS_KEPT 10
#define RESP_ARG_HEAD  64

struct resp_arg {
	uint32_t len; /* of the whole argument; its first RESP_ARG_HEAD bytes are in head */
	uint8_t head[RESP_ARG_HEAD];
};

struct resp_command {
	uint64_t number; /* 1 for the first of the snapshot */
	uint32_t argc;
	struct resp_arg
		argv[RESP_ARGS_KEPT]; /* the first argc of them are set; argv[0] is the name */
};

/* Called at the end of each command; false stops the scan. */
typedef bool (*resp_command_fn)(void *arg, const struct resp_command *command);

struct resp_scanner {
	resp_command_fn command_fn;
	void *command_arg;
	struct resp_command command; /* the one being read, or the last one */
	uint64_t offset;             /* bytes scanned */
	const char *why;             /* what is wrong with the bytes, or NULL; static storage */
	bool stopped;                /* command_fn returned false */
	uint32_t arg_len;            /* of the argument being read, or the last one */
	/* Private. */
	int state;
	uint64_t number; /* the decimal number being read */
	uint32_t digits; /* its digits so far */
	uint32_t index;  /* of the argument being read */
	uint32_t left;   /* its bytes still to come */
};

/* Begin a snapshot.  command_fn may be NULL. */
void resp_scanner_init(struct resp_scanner *s, resp_command_fn command_fn, void *command_arg);

/*
 * Scan the next bytes.  False, from then on, when they are wrong (why, command.number and offset
 * say what and where) or when command_fn stopped it.
 */
bool resp_scan(struct resp_scanner *s, const void *bytes, size_t len);

enum resp_event {
	RESP_NOTHING,     /* the bytes ended, or are wrong (why) */
	RESP_ARG_END,     /* of an argument that is not the command's last */
	RESP_COMMAND_END, /* of the last argument, and so of the command */
};

/* The same, but only up to the end of an argument; returns the number of bytes scanned. */
size_t resp_step(struct resp_scanner *s, const void *bytes, size_t len, enum resp_event *event);

/* After resp_step() reached the end of an argument: its index in the command. */
uint32_t resp_ended_arg(const struct resp_scanner *s);

/* The end of the bytes: false, with why set, unless it is the end of a command. */
bool resp_finish(struct resp_scanner *s);

/* Whether an argument is this word, in any case; word is upper-case. */
bool resp_arg_is(const struct resp_arg *a, const char *word);

/* Whether it is a decimal number of 1..19 digits without a sign. */
bool resp_arg_is_number(const struct resp_arg *a);

#ifdef __cplusplus
}
#endif

#endif
