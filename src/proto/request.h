/*
 * request - a client's request in RESP2, or inline: found in a run of bytes, and understood.
 *
 * The parser does no I/O and copies nothing: a request is given as offsets into the bytes it was
 * found in (only an inline request, whose quotes and escapes must be undone, has its arguments in
 * memory of the parser).  It remembers how far it came, so that a request which arrives in many
 * pieces is looked at once.  What the request is, by the table of commands, is found out once as
 * well, and goes with it.  Any thread, one parser per connection.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include "base/buf.h"
#include "proto/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REQUEST_ARGS_MAX   (1024 * 1024)               /* as Redis has it */
#define REQUEST_ARG_MAX    ((size_t)512 * 1024 * 1024) /* bytes of one argument */
#define REQUEST_INLINE_MAX ((size_t)64 * 1024)         /* bytes of an inline request */
#define REQUEST_ARGS_KEPT  8                           /* arguments held without an allocation */

struct request_span {
	size_t offset; /* from the first byte of the request; of an inline one, into its text */
	size_t len;
};

enum request_result {
	REQUEST_MORE, /* not complete: call again with more bytes behind the same ones */
	REQUEST_DONE, /* complete; may have no arguments (an empty line, *0): nothing to answer */
	REQUEST_BAD,  /* not a request; error says why, in Redis's words */
	REQUEST_NO_MEMORY,
};

struct request_parser {
	/* Valid after REQUEST_DONE, until the next request_parse or request_reset. */
	size_t len; /* bytes of the whole request */
	uint32_t argc;
	bool is_inline;                  /* its bytes are no RESP: request_write() makes some */
	const struct request_span *args; /* argc of them; see request_of() */

	/* After REQUEST_BAD: "invalid bulk length" and the like, for the client.  It may hold a
	 * byte of what the client sent: not for a log. */
	const char *error;

	/* After REQUEST_MORE: a lower bound of the bytes the request will have, 0 if unknown.  It
	 * is what the client says: no reason to allocate as much at once. */
	size_t need;

	/* Private. */
	size_t pos;                /* how far it came */
	struct request_span *more; /* owned; for more than REQUEST_ARGS_KEPT */
	uint8_t *text;             /* owned; the arguments of an inline request, undone */
	size_t text_cap;
	uint32_t more_cap;
	uint32_t expected; /* arguments */
	uint8_t state;
	char error_text[32];
	struct request_span kept[REQUEST_ARGS_KEPT];
};

/* A zeroed struct is a parser, which must not be moved.  Release what it holds. */
void request_parser_fini(struct request_parser *p);

/* Forget the request that was parsed, and be ready for the next one. */
void request_reset(struct request_parser *p);

/*
 * Look for a request at bytes; len is all that is there of it and what follows it.  The bytes may
 * lie elsewhere than in the call before.  After REQUEST_DONE it looks for the next request; after
 * REQUEST_BAD it says so again, until request_reset(); after REQUEST_NO_MEMORY it can be tried
 * again.
 */
enum request_result request_parse(struct request_parser *p, const uint8_t *bytes, size_t len);

/* ---- A request that was parsed ---- */

/* Why no node can carry a request out. */
enum request_fault {
	REQUEST_FAULT_NONE,
	REQUEST_FAULT_UNKNOWN, /* there is no such command */
	REQUEST_FAULT_ARITY,   /* it does not have so many arguments */
	REQUEST_FAULT_REFUSED, /* a proxy cannot do it: refusal says why */
	REQUEST_FAULT_KEYS,    /* the arguments do not say where the keys are (a bad numkeys, an odd
				  number of arguments behind STREAMS) */
};

/*
 * What a client or a node asks for, as all steps on its way see it.  It borrows the bytes and the
 * parser's memory.
 */
struct request {
	/* By request_of(). */
	const uint8_t *bytes; /* all of it, len of them */
	size_t len;
	const uint8_t *text; /* where the arguments' offsets begin: bytes, unless it is inline */
	const struct request_span *args;
	uint32_t argc;

	/* By request_understand(); of a request with a fault there are no keys. */
	enum request_fault fault;
	const struct command *command; /* NULL: REQUEST_FAULT_UNKNOWN */
	enum command_class kind;       /* COMMAND_REFUSED with a fault */
	const char *refusal;           /* of REQUEST_FAULT_REFUSED, for the client */
	uint32_t n_keys;
	uint32_t first_written, n_written;        /* which of the keys it may change, in a row */
	uint32_t key_first, key_second, key_step; /* for request_key() */
};

/* The request that was parsed at bytes, not understood yet. */
static inline struct request request_of(const struct request_parser *p, const uint8_t *bytes)
{
	struct request r;

	r.bytes = bytes;
	r.len = p->len;
	r.text = p->is_inline ? p->text : bytes;
	r.args = p->args;
	r.argc = p->argc;
	return r;
}

/*
 * Look its command up, and find out what to do with it: its class by the table, except that a SORT
 * or GEORADIUS that stores nothing is a read, and that an XREAD that blocks and an unknown
 * subcommand are refused; and where its keys are.
 */
void request_understand(struct request *r);

/* The argument that is its i-th key, of n_keys; they are in the order of the arguments, but for the
 * destination of a SORT or GEORADIUS, which is the last. */
static inline uint32_t request_key(const struct request *r, uint32_t i)
{
	return i == 0 ? r->key_first : r->key_second + (i - 1) * r->key_step;
}

/* The bytes of argument i, r->args[i].len of them. */
static inline const uint8_t *request_arg(const struct request *r, uint32_t i)
{
	return r->text + r->args[i].offset;
}

/* Whether argument i is this word, in any case.  word is in capitals. */
bool request_arg_is(const struct request *r, uint32_t i, const char *word);

/* Whether it reads keys that its arguments do not name: SORT with a pattern behind BY or GET.  It
 * sees all of them only where one node has all keys. */
bool request_sort_reads_unnamed(const struct request *r);

static inline bool request_reads_unnamed(const struct request *r)
{
	return r->command->id == COMMAND_ID_SORT && request_sort_reads_unnamed(r);
}

/* Append it as RESP.  False when memory is short; nothing is appended then. */
bool request_write(const struct request *r, struct buf *out);

#ifdef __cplusplus
}
#endif

#endif
