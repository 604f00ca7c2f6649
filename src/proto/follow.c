#include "proto/follow.h"

#include "base/number.h"
#include "proto/reply.h"
#include "proto/resp_write.h"

#include <string.h>

/* A request that is being made. */
struct following {
	struct buf args; /* as RESP, without the header */
	size_t argc;
	uint64_t n; /* of the members or entries in it that are there */
	bool is_needed;
	bool out_of_memory;
};

/* What is left of a reply. */
struct cursor {
	const uint8_t *at;
	size_t len;
};

static void add(struct following *f, const void *bytes, size_t len)
{
	const struct resp_writer w = resp_writer_2(&f->args);

	f->out_of_memory = f->out_of_memory || !resp_write_bulk(&w, bytes, len);
	f->argc++;
}

static void add_text(struct following *f, const char *text)
{
	add(f, text, strlen(text));
}

static void add_arg(struct following *f, const struct request *r, uint32_t i)
{
	add(f, request_arg(r, i), r->args[i].len);
}

static void move(struct cursor *c, size_t used)
{
	c->at += used;
	c->len -= used;
}

/* The elements of the array there.  False when there is none. */
static bool enter(struct cursor *c, uint64_t *n)
{
	size_t used;

	if (!reply_array(c->at, c->len, n, &used))
		return false;
	move(c, used);
	return true;
}

/* Go past a string. */
static bool read_string(struct cursor *c, const uint8_t **value, size_t *len)
{
	size_t used;

	if (!reply_string(c->at, c->len, value, len, &used))
		return false;
	move(c, used);
	return true;
}

/* Go past anything. */
static bool pass(struct cursor *c)
{
	struct reply_scanner scanner = {0};
	size_t used;

	if (reply_scan(&scanner, c->at, c->len, &used) != REPLY_DONE)
		return false;
	move(c, used);
	return true;
}

/* Add n strings, which are there one after the other. */
static bool add_strings(struct following *f, struct cursor *c, uint64_t n)
{
	const uint8_t *value;
	size_t len;

	for (uint64_t i = 0; i < n; i++) {
		if (!read_string(c, &value, &len) || !value)
			return false;
		add(f, value, len);
	}
	return true;
}

/* ---- Commands ---- */

static bool follow_spop(struct following *f, const struct request *r, struct cursor reply)
{
	const uint8_t *value;
	size_t len;

	add_text(f, "SREM");
	add_arg(f, r, 1);
	if (enter(&reply, &f->n)) {
		f->is_needed = f->n > 0;
		return add_strings(f, &reply, f->n);
	}
	if (!read_string(&reply, &value, &len))
		return false;
	f->is_needed = value != NULL;
	f->n = 1;
	if (value)
		add(f, value, len);
	return true;
}

static bool follow_xadd(struct following *f, const struct request *r, struct cursor reply)
{
	uint32_t star = request_xadd_star(r);
	const uint8_t *id;
	size_t len;

	if (!read_string(&reply, &id, &len))
		return false;
	f->is_needed = id != NULL; /* with NOMKSTREAM there may be none */
	for (uint32_t i = 0; i < r->argc; i++)
		if (i == star)
			add(f, id, len);
		else
			add_arg(f, r, i);
	return true;
}

/* The entries of an XAUTOCLAIM: each is its id, or an array that begins with that; null if Redis
 * before 7.0 has found that it was deleted. */
static bool add_entries(struct following *f, struct cursor *c)
{
	uint64_t all, fields;

	if (!enter(c, &all))
		return false;
	for (uint64_t i = 0; i < all; i++) {
		if (c->len > 0 && c->at[0] == '$') {
			if (!add_strings(f, c, 1))
				return false;
		} else if (enter(c, &fields)) {
			if (fields != 2 || !add_strings(f, c, 1) || !pass(c))
				return false;
		} else if (pass(c)) {
			continue;
		} else {
			return false;
		}
		f->n++;
	}
	return true;
}

/* XAUTOCLAIM key group consumer idle start [COUNT n] [JUSTID]: XCLAIM key group consumer 0 id ...
 * TIME now [JUSTID].  The deleted entries, which come last, are claimed as well, so that they go.
 */
static bool follow_xautoclaim(
	struct following *f, const struct request *r, struct cursor reply, int64_t now_ms)
{
	uint64_t parts, deleted = 0;
	uint8_t digits[NUMBER_DIGITS_MAX];

	add_text(f, "XCLAIM");
	for (uint32_t i = 1; i <= 3; i++)
		add_arg(f, r, i);
	add_text(f, "0");
	if (!enter(&reply, &parts) || parts < 2 || !pass(&reply) || !add_entries(f, &reply))
		return false;
	if (parts > 2 && (!enter(&reply, &deleted) || !add_strings(f, &reply, deleted)))
		return false;
	f->is_needed = f->n + deleted > 0;
	add_text(f, "TIME");
	add(f, digits, number_write(digits, (uint64_t)now_ms));
	for (uint32_t i = 6; i < r->argc; i++)
		if (request_arg_is(r, i, "JUSTID"))
			add_text(f, "JUSTID");
	return true;
}

/* ---- All ---- */

enum follow_result follow_request(const struct request *r, const uint8_t *reply, size_t len,
	int64_t now_ms, struct buf *out, uint64_t *n)
{
	const struct resp_writer w = resp_writer_2(out);
	const struct cursor c = {.at = reply, .len = len};
	enum follow_result result = FOLLOW_REQUEST;
	struct following f = {0};
	size_t had = buf_len(out);
	bool fits = false;

	if (r->command->id == COMMAND_ID_SPOP)
		fits = follow_spop(&f, r, c);
	else if (r->command->id == COMMAND_ID_XADD)
		fits = follow_xadd(&f, r, c);
	else if (r->command->id == COMMAND_ID_XAUTOCLAIM)
		fits = follow_xautoclaim(&f, r, c, now_ms);
	if (!fits)
		result = FOLLOW_MISFIT;
	else if (!f.is_needed)
		result = FOLLOW_NOTHING;
	else if (f.out_of_memory || !resp_write_array(&w, f.argc) ||
		 !buf_append(out, buf_head(&f.args), buf_len(&f.args)))
		result = FOLLOW_NO_MEMORY;
	*n = f.n;
	if (result == FOLLOW_NO_MEMORY)
		out->end = out->pos + had;
	buf_fini(&f.args);
	return result;
}

bool follow_agrees(const struct request *r, const uint8_t *reply, size_t len, uint64_t n)
{
	const uint8_t *id;
	size_t used, id_len;
	uint64_t elements;
	int64_t removed;

	switch ((enum command_id)r->command->id) {
	case COMMAND_ID_SPOP:
		return reply_integer(reply, len, &removed) && (uint64_t)removed == n;
	case COMMAND_ID_XADD:
		return reply_string(reply, len, &id, &id_len, &used) && id;
	case COMMAND_ID_XAUTOCLAIM:
		return reply_array(reply, len, &elements, &used) && elements == n;
	default:
		return false;
	}
}
