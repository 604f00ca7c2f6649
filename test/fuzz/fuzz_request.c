/*
 * Fuzz target: what a client sends.  However the bytes are cut, the requests in them are the same;
 * written as RESP and read again they are the same; and the table of commands stays within them.
 */
#include "proto/command.h"
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

static bool in_range(void *arg, uint32_t index)
{
	const struct request_parser *p = arg;

	if (index == 0 || index >= p->argc)
		abort();
	return true;
}

static void look_up(const struct request_parser *p, const uint8_t *data)
{
	const struct command *c = command_find(data, p);
	const char *why = NULL;

	if (!c || !command_arity_ok(c, p->argc))
		return;
	if ((command_class_of(c, data, p, &why) == COMMAND_REFUSED) != (why != NULL))
		abort();
	command_reads_unnamed(c, data, p);
	command_each_key(c, data, p, in_range, (void *)(uintptr_t)p);
}

/* Both parsers have the same arguments. */
static void same_args(const struct request_parser *a, const uint8_t *a_bytes,
	const struct request_parser *b, const uint8_t *b_bytes)
{
	if (a->argc != b->argc)
		abort();
	for (uint32_t i = 0; i < a->argc; i++) {
		if (a->args[i].len != b->args[i].len ||
			memcmp(request_arg(a, a_bytes, i), request_arg(b, b_bytes, i),
				a->args[i].len) != 0)
			abort();
	}
}

static void write_and_read(const struct request_parser *p, const uint8_t *data)
{
	struct request_parser again = {0};
	struct buf out = {0};

	if (!request_write(p, data, &out))
		abort();
	if ((p->argc > 0) != (buf_len(&out) > 0))
		abort();
	if (p->argc > 0) {
		if (request_parse(&again, buf_head(&out), buf_len(&out)) != REQUEST_DONE ||
			again.len != buf_len(&out) || again.is_inline)
			abort();
		same_args(p, data, &again, buf_head(&out));
	}
	request_parser_fini(&again);
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
			if (whole.len == 0 || whole.len > size || grown.len != whole.len)
				abort();
			same_args(&whole, data, &grown, data);
			look_up(&whole, data);
			write_and_read(&whole, data);
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
