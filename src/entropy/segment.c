#include "entropy/segment.h"

#include "base/number.h"

#include <string.h>

#define COMMAND_HEAD "*5\r\n$7\r\nRESTORE\r\n$"
#define COMMAND_TAIL "\r\n$6\r\nABSTTL\r\n"
#define TEXT_MAX     128  /* a command without its key and payload */
#define SMALL_MAX    4096 /* a command up to this size is appended in one piece */

enum dyn_entropy_status segment_init(struct segment *s,
	const struct dyn_entropy_source_options *options, const struct watch *watch,
	struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	memset(s, 0, sizeof(*s));
	s->limit =
		options->segment_bytes ? options->segment_bytes : DYN_ENTROPY_DEFAULT_SEGMENT_BYTES;
	if (s->limit > DYN_ENTROPY_SNAPSHOT_MAX)
		s->limit = DYN_ENTROPY_SNAPSHOT_MAX;
	status = spool_new(options->spool_dir, SPOOL_MEMORY_BYTES, &s->spool, err);
	if (status == DYN_ENTROPY_OK)
		spool_watch(s->spool, watch);
	return status;
}

void segment_fini(struct segment *s)
{
	spool_free(s->spool);
	memset(s, 0, sizeof(*s));
}

void segment_clear(struct segment *s)
{
	spool_clear(s->spool);
	s->keys = 0;
}

void segment_read_at(struct segment *s, int64_t read_us)
{
	if (s->keys == 0 || read_us < s->since_us)
		s->since_us = read_us;
}

bool segment_is_due(const struct segment *s, int64_t now_us)
{
	return s->keys > 0 && now_us - s->since_us >= SEGMENT_AGE_MAX_US;
}

bool segment_fits(const struct segment *s, size_t key_len, uint64_t payload_len)
{
	uint64_t used = spool_len(s->spool);

	if (used == 0)
		return true;
	if (used > s->limit || payload_len > s->limit || key_len > s->limit)
		return false;
	return used + TEXT_MAX + key_len + payload_len <= s->limit;
}

/* Write the decimal digits of n; returns their end.  snprintf would take longer than all the rest.
 */
static char *put_number(char *to, uint64_t n)
{
	return to + number_write(to, n);
}

static char *put_bytes(char *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

#define put_text(to, literal) put_bytes(to, literal, sizeof(literal) - 1)

/* The part before the key. */
static char *put_head(char *to, size_t key_len)
{
	to = put_text(to, COMMAND_HEAD);
	to = put_number(to, key_len);
	return put_text(to, "\r\n");
}

/* The part between the key and the payload. */
static char *put_middle(char *to, int64_t deadline_ms, uint64_t payload_len)
{
	char digits[NUMBER_DIGITS_MAX];
	size_t n = number_write(digits, (uint64_t)deadline_ms);

	to = put_text(to, "\r\n$");
	to = put_number(to, n);
	to = put_text(to, "\r\n");
	to = put_bytes(to, digits, n);
	to = put_text(to, "\r\n$");
	to = put_number(to, payload_len);
	return put_text(to, "\r\n");
}

/* A command up to its payload, whatever its size. */
static enum dyn_entropy_status append_front(struct segment *s, const void *key, size_t key_len,
	int64_t deadline_ms, uint64_t payload_len, struct dyn_entropy_error *err)
{
	char text[TEXT_MAX];
	enum dyn_entropy_status status;

	status = spool_append(s->spool, text, (size_t)(put_head(text, key_len) - text), err);
	if (status == DYN_ENTROPY_OK)
		status = spool_append(s->spool, key, key_len, err);
	if (status == DYN_ENTROPY_OK)
		status = spool_append(s->spool, text,
			(size_t)(put_middle(text, deadline_ms, payload_len) - text), err);
	return status;
}

static enum dyn_entropy_status append_tail(struct segment *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status =
		spool_append(s->spool, COMMAND_TAIL, sizeof(COMMAND_TAIL) - 1, err);

	if (status == DYN_ENTROPY_OK)
		s->keys++;
	return status;
}

static bool is_small(size_t key_len, uint64_t payload_len)
{
	return key_len < SMALL_MAX - TEXT_MAX && payload_len < SMALL_MAX - TEXT_MAX - key_len;
}

enum dyn_entropy_status segment_add(struct segment *s, const void *key, size_t key_len,
	int64_t deadline_ms, const void *payload, size_t payload_len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	if (is_small(key_len, payload_len)) {
		char command[SMALL_MAX];
		char *to = put_head(command, key_len);

		to = put_bytes(to, key, key_len);
		to = put_middle(to, deadline_ms, payload_len);
		to = put_bytes(to, payload, payload_len);
		to = put_text(to, COMMAND_TAIL);
		status = spool_append(s->spool, command, (size_t)(to - command), err);
		if (status == DYN_ENTROPY_OK)
			s->keys++;
		return status;
	}
	status = append_front(s, key, key_len, deadline_ms, payload_len, err);
	if (status == DYN_ENTROPY_OK)
		status = spool_append(s->spool, payload, payload_len, err);
	return status == DYN_ENTROPY_OK ? append_tail(s, err) : status;
}

static enum dyn_entropy_status read_small(
	struct spool *from, char *to, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	size_t n;

	while (status == DYN_ENTROPY_OK && len > 0) {
		status = spool_read(from, to, len, &n, err);
		to += n;
		len -= n;
	}
	return status;
}

enum dyn_entropy_status segment_add_spool(struct segment *s, const void *key, size_t key_len,
	int64_t deadline_ms, struct spool *payload, uint64_t payload_len,
	struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	if (is_small(key_len, payload_len)) {
		char bytes[SMALL_MAX];

		status = read_small(payload, bytes, (size_t)payload_len, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		return segment_add(s, key, key_len, deadline_ms, bytes, (size_t)payload_len, err);
	}
	status = append_front(s, key, key_len, deadline_ms, payload_len, err);
	if (status == DYN_ENTROPY_OK)
		status = spool_append_spool(s->spool, payload, payload_len, err);
	return status == DYN_ENTROPY_OK ? append_tail(s, err) : status;
}
