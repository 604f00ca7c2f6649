/*
 * request - parses a client's request in RESP2 or inline, and finds its command and keys.
 *
 * The parser does no I/O and copies nothing: arguments are offsets into the bytes of the connection
 * (only those of an inline request, whose quotes and escapes are decoded, are in memory of the
 * parser).  It keeps its position, so that a request which arrives in pieces is parsed once.  The
 * command, its class and its keys are looked up once, and passed on with the request.  Any thread,
 * one parser per connection.
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

#define REQUEST_ARGS_MAX   (1024 * 1024)               /* the limit of Redis */
#define REQUEST_ARG_MAX    ((size_t)512 * 1024 * 1024) /* bytes of one argument */
#define REQUEST_INLINE_MAX ((size_t)64 * 1024)         /* bytes of an inline request */
#define REQUEST_ARGS_KEPT  8                           /* arguments stored without an allocation */

struct request_span {
	size_t offset; /* from the first byte of the request, or of the text if it is inline */
	size_t len;
};

enum request_result {
	REQUEST_MORE, /* not complete: call again with the same bytes followed by more */
	REQUEST_DONE, /* complete; without arguments (an empty line, *0) it gets no reply */
	REQUEST_BAD,  /* not a request; error says why, in Redis's words */
	REQUEST_NO_MEMORY,
};

struct request_parser {
	/* Valid after REQUEST_DONE, until the next request_parse or request_reset. */
	size_t len; /* bytes of the whole request */
	uint32_t argc;
	bool is_inline;                  /* its bytes are not RESP; use request_write() */
	const struct request_span *args; /* argc of them; see request_of() */

	/* After REQUEST_BAD: "invalid bulk length" and the like, for the client.  It may contain a
	 * byte of the request: do not log it. */
	const char *error;

	/* After REQUEST_MORE: a lower bound of the length of the request, 0 if unknown.  The client
	 * claims it: do not allocate as much in advance. */
	size_t need;

	/* Private. */
	size_t pos;                /* of the next byte to parse */
	struct request_span *more; /* owned; for more than REQUEST_ARGS_KEPT */
	uint8_t *text;             /* owned; the decoded arguments of an inline request */
	size_t text_cap;
	uint32_t more_cap;
	uint32_t expected; /* arguments */
	uint8_t state;
	char error_text[32];
	struct request_span kept[REQUEST_ARGS_KEPT];
};

/* Release the parser's memory.  A zeroed struct is a new parser; it must not be moved. */
void request_parser_fini(struct request_parser *p);

/* Drop the parsed request and get ready for the next one. */
void request_reset(struct request_parser *p);

/*
 * Parse the request at bytes; len includes all that has arrived.  The bytes may have moved since
 * the last call.  After REQUEST_DONE it parses the next request; after REQUEST_BAD it returns that
 * again until request_reset(); after REQUEST_NO_MEMORY it can be called again.
 */
enum request_result request_parse(struct request_parser *p, const uint8_t *bytes, size_t len);

/* ---- A parsed request ---- */

/* Why a request cannot be carried out on any node. */
enum request_fault {
	REQUEST_FAULT_NONE,
	REQUEST_FAULT_UNKNOWN, /* unknown command */
	REQUEST_FAULT_ARITY,   /* wrong number of arguments */
	REQUEST_FAULT_REFUSED, /* a proxy cannot do it: refusal says why */
	REQUEST_FAULT_KEYS,    /* the arguments do not say where the keys are (a bad numkeys, an odd
				  number of arguments behind STREAMS) */
};

/*
 * A request, as all steps of its path get it.  It borrows the bytes and the parser's memory.
 */
struct request {
	/* By request_of(). */
	const uint8_t *bytes; /* of the whole request */
	size_t len;
	const uint8_t *text; /* base of the arguments' offsets: bytes, unless it is inline */
	const struct request_span *args;
	uint32_t argc;

	/* Set by request_understand(); a request with a fault has no keys. */
	enum request_fault fault;
	const struct command *command; /* NULL: REQUEST_FAULT_UNKNOWN */
	enum command_class kind;       /* COMMAND_REFUSED with a fault */
	const char *refusal;           /* of REQUEST_FAULT_REFUSED, for the client */
	uint32_t n_keys;
	uint32_t first_written, n_written;        /* the range of keys that it may change */
	uint32_t key_first, key_second, key_step; /* for request_key() */
};

/* The request that was parsed at bytes, before request_understand(). */
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
 * Look up its command, its class and its keys.  The class is that of the table, except that a SORT
 * or GEORADIUS that stores nothing is a read, and that a blocking XREAD and an unknown subcommand
 * are refused.
 */
void request_understand(struct request *r);

/* The index of the argument that is the i-th of n_keys keys.  Keys are in the order of the
 * arguments, except that the destination of a SORT or GEORADIUS is the last. */
static inline uint32_t request_key(const struct request *r, uint32_t i)
{
	return i == 0 ? r->key_first : r->key_second + (i - 1) * r->key_step;
}

/* The bytes of argument i, r->args[i].len of them. */
static inline const uint8_t *request_arg(const struct request *r, uint32_t i)
{
	return r->text + r->args[i].offset;
}

/* Whether argument i is this word, ignoring case.  word is in capitals. */
bool request_arg_is(const struct request *r, uint32_t i, const char *word);

/* Whether it reads keys that its arguments do not name: SORT with a pattern after BY or GET.  That
 * works only where one node has all keys. */
bool request_sort_reads_unnamed(const struct request *r);

static inline bool request_reads_unnamed(const struct request *r)
{
	return r->command->id == COMMAND_ID_SORT && request_sort_reads_unnamed(r);
}

/* Append it as RESP.  False, with nothing appended, when out of memory. */
bool request_write(const struct request *r, struct buf *out);

#ifdef __cplusplus
}
#endif

#endif
