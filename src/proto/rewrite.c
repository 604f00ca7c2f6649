#include "proto/rewrite.h"

#include "base/number.h"
#include "proto/resp_write.h"

#define REDIS_PXAT    0x0602
#define REDIS_OPTIONS 0x0700

#define ADDED_MAX 128 /* bytes that a rewritten request may have more */

/* ---- Deadlines ---- */

/* The latest deadline that is set, in the year 3084.  Fields of hashes have a limit, at which Redis
 * refuses in the words of the command, that is not much further away. */
#define DEADLINE_MAX_MS (INT64_C(1) << 45)

/*
 * The deadline that the number in argument i means, in ms.  False where there is none to set: Redis
 * takes no number with a leading zero, and one up to 0 is an error or removes the key.
 */
static bool deadline_of(
	const struct request *r, uint32_t i, int64_t unit_ms, int64_t now_ms, int64_t *deadline_ms)
{
	const uint8_t *text = request_arg(r, i);
	int64_t n;

	return number_read_signed(text, r->args[i].len, &n) == NUMBER_OK && n > 0 &&
	       text[0] != '0' && !__builtin_mul_overflow(n, unit_ms, &n) &&
	       !__builtin_add_overflow(n, now_ms, deadline_ms) && *deadline_ms <= DEADLINE_MAX_MS;
}

/* ---- Writing ---- */

/* Copy the arguments from first (not the name) up to end as they are. */
static bool copy_args(struct buf *out, const struct request *r, uint32_t first, uint32_t end)
{
	size_t from = r->args[first - 1].offset + r->args[first - 1].len + 2;
	size_t to = r->args[end - 1].offset + r->args[end - 1].len + 2;

	return first == end || buf_append(out, r->text + from, to - from);
}

static bool write_number(const struct resp_writer *w, int64_t n)
{
	uint8_t digits[NUMBER_DIGITS_MAX];

	return resp_write_bulk(w, digits, number_write(digits, (uint64_t)n));
}

/* Undo what was appended when the request is not complete. */
static enum rewrite_result written(struct buf *out, size_t had, bool ok)
{
	if (ok)
		return REWRITE_DONE;
	out->end = out->pos + had;
	return REWRITE_NO_MEMORY;
}

/* In one piece, so that a large value is copied once. */
static bool begin(const struct resp_writer *w, const struct request *r, size_t argc)
{
	return buf_reserve(w->out, r->len + ADDED_MAX) && resp_write_array(w, argc);
}

/* ---- Commands ---- */

/* SETEX key n value: SET key value PXAT deadline. */
static enum rewrite_result rewrite_setex(
	const struct request *r, int64_t unit_ms, int64_t now_ms, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);
	int64_t deadline_ms;

	if (!deadline_of(r, 2, unit_ms, now_ms, &deadline_ms))
		return REWRITE_UNCHANGED;
	return written(out, had,
		begin(&w, r, 5) && resp_write_text(&w, "SET") && copy_args(out, r, 1, 2) &&
			copy_args(out, r, 3, 4) && resp_write_text(&w, "PXAT") &&
			write_number(&w, deadline_ms));
}

/* EX or PX among the options of SET or GETEX, which begin at argument i: PXAT instead. */
static enum rewrite_result rewrite_option(
	const struct request *r, uint32_t i, int64_t now_ms, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);
	int64_t deadline_ms;
	bool is_s = false;

	for (; i < r->argc; i++) {
		is_s = request_arg_is(r, i, "EX");
		if (is_s || request_arg_is(r, i, "PX"))
			break;
		/* Behind any other word may stand a value that looks like an option. */
		if (!request_arg_is(r, i, "NX") && !request_arg_is(r, i, "XX") &&
			!request_arg_is(r, i, "GET"))
			return REWRITE_UNCHANGED;
	}
	if (i + 1 >= r->argc || !deadline_of(r, i + 1, is_s ? 1000 : 1, now_ms, &deadline_ms))
		return REWRITE_UNCHANGED;
	return written(out, had,
		begin(&w, r, r->argc) && resp_write_bulk(&w, request_arg(r, 0), r->args[0].len) &&
			copy_args(out, r, 1, i) && resp_write_text(&w, "PXAT") &&
			write_number(&w, deadline_ms) && copy_args(out, r, i + 2, r->argc));
}

/* EXPIRE key n [option ...]: PEXPIREAT key deadline [option ...]; name is that or HPEXPIREAT. */
static enum rewrite_result rewrite_expire(
	const struct request *r, const char *name, int64_t unit_ms, int64_t now_ms, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);
	int64_t deadline_ms;

	if (!deadline_of(r, 2, unit_ms, now_ms, &deadline_ms))
		return REWRITE_UNCHANGED;
	return written(out, had,
		begin(&w, r, r->argc) && resp_write_text(&w, name) && copy_args(out, r, 1, 2) &&
			write_number(&w, deadline_ms) && copy_args(out, r, 3, r->argc));
}

/* Whether RESTORE has ABSTTL, or an option that is not known. */
static bool has_absttl(const struct request *r)
{
	for (uint32_t i = 4; i < r->argc; i++) {
		if (request_arg_is(r, i, "IDLETIME") || request_arg_is(r, i, "FREQ"))
			i++;
		else if (!request_arg_is(r, i, "REPLACE"))
			return true;
	}
	return false;
}

/* RESTORE key n payload [option ...]: RESTORE key deadline payload [option ...] ABSTTL. */
static enum rewrite_result rewrite_restore(const struct request *r, int64_t now_ms, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);
	int64_t deadline_ms;

	if (has_absttl(r) || !deadline_of(r, 2, 1, now_ms, &deadline_ms))
		return REWRITE_UNCHANGED;
	return written(out, had,
		begin(&w, r, r->argc + 1) && resp_write_text(&w, "RESTORE") &&
			copy_args(out, r, 1, 2) && write_number(&w, deadline_ms) &&
			copy_args(out, r, 3, r->argc) && resp_write_text(&w, "ABSTTL"));
}

/* XCLAIM without IDLE and TIME: with the TIME of now, which it means. */
static enum rewrite_result rewrite_xclaim(const struct request *r, int64_t now_ms, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t had = buf_len(out);

	for (uint32_t i = 6; i < r->argc; i++)
		if (request_arg_is(r, i, "IDLE") || request_arg_is(r, i, "TIME"))
			return REWRITE_UNCHANGED;
	return written(out, had,
		begin(&w, r, r->argc + 2) && resp_write_text(&w, "XCLAIM") &&
			copy_args(out, r, 1, r->argc) && resp_write_text(&w, "TIME") &&
			write_number(&w, now_ms));
}

enum rewrite_result rewrite_request(
	const struct request *r, int64_t now_ms, unsigned redis, struct buf *out)
{
	bool knows_pxat = redis >= REDIS_PXAT;
	bool may_expire = r->argc <= 3 || redis >= REDIS_OPTIONS;

	switch ((enum command_id)r->command->id) {
	case COMMAND_ID_SETEX:
		return knows_pxat ? rewrite_setex(r, 1000, now_ms, out) : REWRITE_UNCHANGED;
	case COMMAND_ID_PSETEX:
		return knows_pxat ? rewrite_setex(r, 1, now_ms, out) : REWRITE_UNCHANGED;
	case COMMAND_ID_SET:
		return knows_pxat ? rewrite_option(r, 3, now_ms, out) : REWRITE_UNCHANGED;
	case COMMAND_ID_GETEX:
		return knows_pxat ? rewrite_option(r, 2, now_ms, out) : REWRITE_UNCHANGED;
	case COMMAND_ID_EXPIRE:
		return may_expire ? rewrite_expire(r, "PEXPIREAT", 1000, now_ms, out)
				  : REWRITE_UNCHANGED;
	case COMMAND_ID_PEXPIRE:
		return may_expire ? rewrite_expire(r, "PEXPIREAT", 1, now_ms, out)
				  : REWRITE_UNCHANGED;
	case COMMAND_ID_HEXPIRE:
		return rewrite_expire(r, "HPEXPIREAT", 1000, now_ms, out);
	case COMMAND_ID_HPEXPIRE:
		return rewrite_expire(r, "HPEXPIREAT", 1, now_ms, out);
	case COMMAND_ID_RESTORE:
		return rewrite_restore(r, now_ms, out);
	case COMMAND_ID_XCLAIM:
		return rewrite_xclaim(r, now_ms, out);
	default:
		return REWRITE_UNCHANGED;
	}
}
