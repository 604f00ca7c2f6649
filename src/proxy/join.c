#include "proxy/join.h"

#include "proto/reply.h"
#include "proto/resp_write.h"

#include <stdlib.h>
#include <string.h>

/* ---- Requests ---- */

bool join_write_part(struct buf *out, const struct request *r, const uint32_t *keys, size_t n_keys)
{
	uint32_t step = r->command->step > 0 ? (uint32_t)r->command->step : 1;
	const struct resp_writer w = resp_writer_2(out);
	size_t argc = 1, had = buf_len(out);
	bool ok;

	for (size_t i = 0; i < n_keys; i++)
		argc += step < r->argc - keys[i] ? step : r->argc - keys[i];
	ok = resp_write_array(&w, argc) && resp_write_bulk(&w, request_arg(r, 0), r->args[0].len);
	for (size_t i = 0; ok && i < n_keys; i++)
		for (uint32_t a = keys[i]; ok && a < r->argc && a - keys[i] < step; a++)
			ok = resp_write_bulk(&w, request_arg(r, a), r->args[a].len);
	if (!ok)
		out->end = out->pos + had;
	return ok;
}

/* ---- Replies ---- */

/* The result of joining; after a failure join_replies() removes what was appended. */
enum joined {
	JOINED,
	JOINED_MISFIT, /* a part's reply has a type that the command does not return */
	JOINED_NO_MEMORY,
};

/* The position of the next element in a part's array. */
struct cursor {
	const uint8_t *at, *end;
	uint64_t left; /* elements */
};

static enum joined written(bool ok)
{
	return ok ? JOINED : JOINED_NO_MEMORY;
}

static bool cursor_init(struct cursor *c, const struct join_part *part)
{
	size_t used;

	if (!reply_array(part->reply, part->len, &c->left, &used))
		return false;
	c->at = part->reply + used;
	c->end = part->reply + part->len;
	return true;
}

/* Go past an element of this type ('$', which may be null, or ':').  False when there is none. */
static bool cursor_next(
	struct cursor *c, struct reply_scanner *s, char type, const uint8_t **value, size_t *len)
{
	size_t used;

	if (c->left == 0 || c->at == c->end || *c->at != type ||
		reply_scan(s, c->at, (size_t)(c->end - c->at), &used) != REPLY_DONE)
		return false;
	*value = c->at;
	*len = used;
	c->at += used;
	c->left--;
	return true;
}

static enum joined join_values(struct buf *out, struct cursor *cursors, size_t n_parts,
	const uint32_t *part_of, size_t n_keys)
{
	const struct resp_writer w = resp_writer_2(out);
	struct reply_scanner scanner = {0};

	if (!resp_write_array(&w, n_keys))
		return JOINED_NO_MEMORY;
	for (size_t i = 0; i < n_keys; i++) {
		const uint8_t *value;
		size_t len;

		if (part_of[i] >= n_parts ||
			!cursor_next(&cursors[part_of[i]], &scanner, '$', &value, &len))
			return JOINED_MISFIT;
		if (!buf_append(out, value, len))
			return JOINED_NO_MEMORY;
	}
	for (size_t p = 0; p < n_parts; p++)
		if (cursors[p].left > 0 || cursors[p].at != cursors[p].end)
			return JOINED_MISFIT;
	return JOINED;
}

static enum joined begin_values(struct buf *out, const struct join_part *parts, size_t n_parts,
	const uint32_t *part_of, size_t n_keys)
{
	struct cursor *cursors = calloc(n_parts, sizeof(*cursors));
	enum joined result = JOINED;

	if (!cursors)
		return JOINED_NO_MEMORY;
	for (size_t p = 0; result == JOINED && p < n_parts; p++)
		if (!cursor_init(&cursors[p], &parts[p]))
			result = JOINED_MISFIT;
	if (result == JOINED)
		result = join_values(out, cursors, n_parts, part_of, n_keys);
	free(cursors);
	return result;
}

static enum joined join_sum(struct buf *out, const struct join_part *parts, size_t n_parts)
{
	const struct resp_writer w = resp_writer_2(out);
	int64_t sum = 0;

	for (size_t p = 0; p < n_parts; p++) {
		int64_t value;

		if (!reply_integer(parts[p].reply, parts[p].len, &value) ||
			__builtin_add_overflow(sum, value, &sum))
			return JOINED_MISFIT;
	}
	return written(resp_write_integer(&w, sum));
}

static enum joined join_status(struct buf *out, const struct join_part *parts, size_t n_parts)
{
	static const char ok[] = "+OK\r\n";

	for (size_t p = 0; p < n_parts; p++)
		if (parts[p].len != sizeof(ok) - 1 || memcmp(parts[p].reply, ok, sizeof(ok) - 1))
			return JOINED_MISFIT;
	return written(buf_append(out, parts[0].reply, parts[0].len));
}

/* The minimum of the next numbers in the parts' arrays. */
static bool next_least(struct cursor *cursors, size_t n_parts, int64_t *least)
{
	struct reply_scanner scanner = {0};
	const uint8_t *text;
	int64_t value;
	size_t len;

	*least = INT64_MAX;
	for (size_t p = 0; p < n_parts; p++) {
		if (!cursors[p].at)
			continue;
		if (!cursor_next(&cursors[p], &scanner, ':', &text, &len) ||
			!reply_integer(text, len, &value))
			return false;
		*least = value < *least ? value : *least;
	}
	return true;
}

static enum joined join_least(struct buf *out, const struct join_part *parts, size_t n_parts)
{
	const struct resp_writer w = resp_writer_2(out);
	struct cursor *cursors = calloc(n_parts, sizeof(*cursors));
	enum joined result = JOINED;
	uint64_t n = 0;
	int64_t least;

	if (!cursors)
		return JOINED_NO_MEMORY;
	for (size_t p = 0; result == JOINED && p < n_parts; p++) {
		bool left_out = p > 0 && (parts[p].len == 0 || parts[p].reply[0] == '-');

		if (!left_out && !cursor_init(&cursors[p], &parts[p]))
			result = JOINED_MISFIT;
		n = cursors[p].left > n ? cursors[p].left : n;
	}
	if (result == JOINED)
		result = written(resp_write_array(&w, n));
	for (uint64_t i = 0; result == JOINED && i < n; i++) {
		if (!next_least(cursors, n_parts, &least))
			result = JOINED_MISFIT;
		else
			result = written(resp_write_integer(&w, least));
	}
	free(cursors);
	return result;
}

/* Whether a part's reply is one whole error; anything else would shift all later replies. */
static bool is_error(const struct join_part *part)
{
	struct reply_scanner scanner = {0};
	size_t used;

	return part->len > 0 && part->reply[0] == '-' &&
	       reply_scan(&scanner, part->reply, part->len, &used) == REPLY_DONE &&
	       used == part->len;
}

static enum joined join_by(struct buf *out, enum command_join join, const struct join_part *parts,
	size_t n_parts, const uint32_t *part_of, size_t n_keys)
{
	switch (join) {
	case COMMAND_VALUES:
		return begin_values(out, parts, n_parts, part_of, n_keys);
	case COMMAND_SUM:
		return join_sum(out, parts, n_parts);
	case COMMAND_STATUS:
		return join_status(out, parts, n_parts);
	case COMMAND_LEAST:
		return join_least(out, parts, n_parts);
	case COMMAND_WHOLE:
	case COMMAND_ALL_NODES:
		break; /* never split */
	}
	return JOINED_MISFIT;
}

bool join_replies(struct buf *out, enum command_join join, const struct join_part *parts,
	size_t n_parts, const uint32_t *part_of, size_t n_keys)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);
	enum joined result;

	for (size_t p = 0; p < n_parts; p++)
		if (is_error(&parts[p]) && (p == 0 || join != COMMAND_LEAST))
			return buf_append(out, parts[p].reply, parts[p].len);
	result = join_by(out, join, parts, n_parts, part_of, n_keys);
	if (result == JOINED)
		return true;
	out->end = out->pos + had;
	return result == JOINED_MISFIT &&
	       resp_write_error(&w, "ERR dynomite: a node's reply does not fit the command");
}
