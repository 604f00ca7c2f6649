/*
 * Fuzz target: what a client sends.  However the bytes are cut, the requests in them are the same;
 * written as RESP and read again they are the same; and the table of commands stays within them.
 */
#include "proto/request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUESTS_MAX 64 /* of one input that are looked at */

/* Parse from pieces of this size on, each time in memory of its own that ends where they end. */
static enum request_result parse_grown(
	struct request_parser *p, const uint8_t *data, size_t size, size_t piece)
{
	enum request_result result = REQUEST_MORE;

	for (size_t len = 0; result == REQUEST_MORE; len += piece) {
		size_t n = len < size ? len : size;
		uint8_t *copy = malloc(n ? n : 1);

		if (!copy)
			abort();
		memcpy(copy, data, n);
		result = request_parse(p, copy, n);
		free(copy);
		if (len >= size)
			break;
	}
	return result;
}

static void look_up(struct request *r)
{
	request_understand(r);
	if ((r->fault == REQUEST_FAULT_REFUSED) != (r->refusal != NULL) ||
		(r->fault == REQUEST_FAULT_NONE) == (r->kind == COMMAND_REFUSED))
		abort();
	if (r->first_written + r->n_written > r->n_keys)
		abort();
	for (uint32_t i = 0; i < r->n_keys; i++)
		if (request_key(r, i) == 0 || request_key(r, i) >= r->argc)
			abort();
	if (r->command)
		request_reads_unnamed(r);
}

/* Both have the same arguments. */
static void same_args(const struct request *a, const struct request *b)
{
	if (a->argc != b->argc)
		abort();
	for (uint32_t i = 0; i < a->argc; i++) {
		if (a->args[i].len != b->args[i].len ||
			memcmp(request_arg(a, i), request_arg(b, i), a->args[i].len) != 0)
			abort();
	}
}

static void write_and_read(const struct request *r)
{
	struct request_parser parser = {0};
	struct buf out = {0};

	if (!request_write(r, &out))
		abort();
	if ((r->argc > 0) != (buf_len(&out) > 0))
		abort();
	if (r->argc > 0) {
		struct request again;

		if (request_parse(&parser, buf_head(&out), buf_len(&out)) != REQUEST_DONE ||
			parser.len != buf_len(&out) || parser.is_inline)
			abort();
		again = request_of(&parser, buf_head(&out));
		same_args(r, &again);
	}
	request_parser_fini(&parser);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 3, 16};
	struct request_parser whole = {0};

	for (int n = 0; n < REQUESTS_MAX; n++) {
		enum request_result result = request_parse(&whole, data, size);
		size_t piece = pieces[(size_t)n % 3];
		struct request_parser grown = {0};

		/* A long input in single bytes would take its square. */
		if (size > 4096)
			piece = size / 16;
		if (parse_grown(&grown, data, size, piece) != result)
			abort();
		if (result == REQUEST_DONE) {
			struct request r = request_of(&whole, data),
				       other = request_of(&grown, data);

			if (whole.len == 0 || whole.len > size || grown.len != whole.len)
				abort();
			same_args(&r, &other);
			look_up(&r);
			write_and_read(&r);
		} else if (result == REQUEST_BAD && strcmp(whole.error, grown.error) != 0) {
			abort();
		}
		request_parser_fini(&grown);
		if (result != REQUEST_DONE)
			break;
		data += whole.len;
		size -= whole.len;
	}
	request_parser_fini(&whole);
	return 0;
}
