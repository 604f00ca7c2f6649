/*
 * request - a client's request in RESP2, or inline, found in a run of bytes.
 *
 * The parser does no I/O and copies nothing: a request is given as offsets into the bytes it was
 * found in.  It remembers how far it came, so that a request which arrives in many pieces is looked
 * at once.  Any thread, one parser per connection.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_ARGS_MAX   (1024 * 1024)               /* as Redis has it */
#define REQUEST_ARG_MAX    ((size_t)512 * 1024 * 1024) /* bytes of one argument */
#define REQUEST_INLINE_MAX ((size_t)64 * 1024)         /* bytes of an inline request */
#define REQUEST_ARGS_KEPT  8                           /* arguments held without an allocation */

struct request_arg {
	size_t offset; /* from the first byte of the request */
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
	const struct request_arg *args;
	bool is_inline;    /* its bytes are no RESP: request_write_args() makes some */
	const char *error; /* after REQUEST_BAD; static text such as "invalid bulk length" */
	size_t need; /* after REQUEST_MORE: a lower bound of the bytes the request will have, 0 if
			unknown */
	/* Private. */
	struct request_arg kept[REQUEST_ARGS_KEPT];
	struct request_arg *more; /* owned; for more than REQUEST_ARGS_KEPT */
	uint32_t more_cap;
	uint32_t expected; /* arguments; 0: the first line is not read yet */
	size_t pos;        /* how far it came */
	bool started;
};

/* A zeroed struct is a parser.  Release what it holds. */
void request_parser_fini(struct request_parser *p);

/* Forget the request that was parsed, and be ready for the next one. */
void request_reset(struct request_parser *p);

/* Look for a request at bytes; len is all that is there of it and what follows it. */
enum request_result request_parse(struct request_parser *p, const uint8_t *bytes, size_t len);

#endif
