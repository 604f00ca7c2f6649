#include "entropy/rdb_input.h"

#include "entropy/crc64.h"
#include "entropy/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The two top bits of a length's first byte, and the whole byte of the long forms. */
enum {
	LENGTH_6BIT = 0,
	LENGTH_14BIT = 1,
	LENGTH_LONG = 2
};
enum {
	LENGTH_32BIT = 0x80,
	LENGTH_64BIT = 0x81
};

enum dyn_entropy_status rdb_input_init(struct rdb_input *in, rdb_read_fn read, void *read_arg,
	const char *name, struct dyn_entropy_error *err)
{
	memset(in, 0, sizeof(*in));
	in->read = read;
	in->read_arg = read_arg;
	in->name = name;
	in->data = malloc(RDB_INPUT_BYTES);
	return in->data ? DYN_ENTROPY_OK : error_no_memory(err);
}

void rdb_input_fini(struct rdb_input *in)
{
	free(in->data);
	in->data = NULL;
}

bool rdb_input_fail(struct rdb_input *in, const char *fmt, ...)
{
	char words[DYN_ENTROPY_MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	error_set(&in->error, DYN_ENTROPY_ERR_SOURCE, "%s: at byte %" PRIu64 " of the RDB: %s",
		in->name, in->offset + in->pos, words);
	return false;
}

uint64_t rdb_input_crc(struct rdb_input *in)
{
	in->crc = crc64_update(in->crc, in->data + in->summed, in->pos - in->summed);
	in->summed = in->pos;
	return in->crc;
}

static bool give_to_tee(struct rdb_input *in)
{
	size_t from = in->teed;

	in->teed = in->pos;
	return !in->tee || from == in->pos ||
	       in->tee(in->tee_arg, in->data + from, in->pos - from, &in->error) == DYN_ENTROPY_OK;
}

void rdb_input_tee(struct rdb_input *in, rdb_tee_fn tee, void *arg)
{
	in->tee = tee;
	in->tee_arg = arg;
	in->teed = in->pos;
}

bool rdb_input_untee(struct rdb_input *in)
{
	bool ok = give_to_tee(in);

	in->tee = NULL;
	return ok;
}

/* Drop the consumed bytes and read more.  *more is false at the end. */
static bool pull(struct rdb_input *in, bool *more)
{
	size_t kept = in->end - in->pos;
	size_t len = 0;

	rdb_input_crc(in);
	if (!give_to_tee(in))
		return false;
	memmove(in->data, in->data + in->pos, kept);
	in->offset += in->pos;
	in->pos = in->summed = in->teed = 0;
	in->end = kept;
	if (in->read(in->read_arg, in->data + in->end, RDB_INPUT_BYTES - in->end, &len,
		    &in->error) != DYN_ENTROPY_OK)
		return false;
	in->end += len;
	*more = len > 0;
	return true;
}

bool rdb_input_fill(struct rdb_input *in, size_t n)
{
	bool more;

	while (in->end - in->pos < n) {
		if (!pull(in, &more))
			return false;
		if (!more)
			return rdb_input_fail(in,
				"it ends there, before its end mark: it was cut short, so what "
				"follows is missing; dump it again");
	}
	return true;
}

bool rdb_input_rest(struct rdb_input *in, void *buf, size_t cap, size_t *len)
{
	bool more = true;

	while (more && in->end - in->pos < cap)
		if (!pull(in, &more))
			return false;
	*len = in->end - in->pos < cap ? in->end - in->pos : cap;
	memcpy(buf, in->data + in->pos, *len);
	in->pos += *len;
	return true;
}

bool rdb_input_skip(struct rdb_input *in, uint64_t n)
{
	while (n > in->end - in->pos) {
		n -= in->end - in->pos;
		in->pos = in->end;
		if (!rdb_input_fill(in, 1))
			return false;
	}
	in->pos += (size_t)n;
	return true;
}

bool rdb_input_byte(struct rdb_input *in, uint8_t *out)
{
	if (!rdb_input_need(in, 1))
		return false;
	*out = in->data[in->pos++];
	return true;
}

bool rdb_input_little(struct rdb_input *in, size_t n, uint64_t *out)
{
	uint64_t value = 0;

	if (!rdb_input_need(in, n))
		return false;
	for (size_t i = n; i > 0; i--)
		value = value << 8 | in->data[in->pos + i - 1];
	in->pos += n;
	*out = value;
	return true;
}

/* The long forms are big-endian. */
static bool read_long_length(struct rdb_input *in, uint8_t first, uint64_t *length)
{
	size_t n = first == LENGTH_32BIT ? 4 : 8;
	uint64_t value = 0;

	if (first != LENGTH_32BIT && first != LENGTH_64BIT)
		return rdb_input_fail(in, "0x%02x does not begin a length: damaged", first);
	if (!rdb_input_need(in, n))
		return false;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | in->data[in->pos + i];
	in->pos += n;
	*length = value;
	return true;
}

bool rdb_input_length_or_encoding(struct rdb_input *in, uint64_t *length, int *encoding)
{
	uint8_t first, second;

	*encoding = -1;
	if (!rdb_input_byte(in, &first))
		return false;
	switch (first >> 6) {
	case LENGTH_6BIT:
		*length = first;
		return true;
	case LENGTH_14BIT:
		if (!rdb_input_byte(in, &second))
			return false;
		*length = (uint64_t)(first & 0x3f) << 8 | second;
		return true;
	case LENGTH_LONG:
		return read_long_length(in, first, length);
	default:
		*encoding = first & 0x3f;
		*length = 0;
		if (*encoding > RDB_ENCODING_LZF)
			return rdb_input_fail(
				in, "unknown encoding %d of a string: damaged", *encoding);
		return true;
	}
}

bool rdb_input_length(struct rdb_input *in, uint64_t *length)
{
	int encoding;

	if (!rdb_input_length_or_encoding(in, length, &encoding))
		return false;
	if (encoding >= 0)
		return rdb_input_fail(in, "an encoded string where a length belongs: damaged");
	return true;
}
