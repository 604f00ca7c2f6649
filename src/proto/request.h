/*
 * request - a client's request in RESP2, or inline, found in a run of bytes.
 *
 * The parser does no I/O and copies nothing: a request is given as offsets into the bytes it was
 * found in (only an inline request, whose quotes and escapes must be undone, has its arguments in
 * memory of the parser).  It remembers how far it came, so that a request which arrives in many
 * pieces is looked at once.  Any thread, one parser per connection.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include "base/buf.h"

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
	const struct request_span *args; /* argc of them; request_arg() gives their bytes */

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

/* The bytes of argument i, p->args[i].len of them; bytes is where the request is. */
static inline const uint8_t *request_arg(
	const struct request_parser *p, const uint8_t *bytes, uint32_t i)
{
	return (p->is_inline ? p->text : bytes) + p->args[i].offset;
}

/* Whether argument i is this word, in any case.  word is in capitals. */
bool request_arg_is(
	const struct request_parser *p, const uint8_t *bytes, uint32_t i, const char *word);

/* Append the request that was parsed, as RESP.  False when memory is short; nothing is appended
 * then. */
bool request_write(const struct request_parser *p, const uint8_t *bytes, struct buf *out);

/* Append the parts of a request: "*argc" first, then each argument.  False when memory is short. */
bool request_write_count(struct buf *out, size_t argc);
bool request_write_arg(struct buf *out, const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
