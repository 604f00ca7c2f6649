#include "proto/request_effect.h"

#include <string.h>

static bool same_key(const struct request *r, uint32_t i, uint32_t j)
{
	uint32_t a = request_key(r, i), b = request_key(r, j);
	size_t len = r->args[a].len;

	return len == r->args[b].len &&
	       (len == 0 || memcmp(request_arg(r, a), request_arg(r, b), len) == 0);
}

/* Whether the i-th key stands among the others as well. */
static bool is_repeated(const struct request *r, uint32_t i)
{
	for (uint32_t j = 0; j < r->n_keys; j++)
		if (j != i && same_key(r, i, j))
			return true;
	return false;
}

/* XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] n [LIMIT n]] id ...: what is no such option is the
 * id. */
uint32_t request_xadd_star(const struct request *r)
{
	uint32_t i = 2;

	for (; i < r->argc; i++) {
		if (request_arg_is(r, i, "MAXLEN") || request_arg_is(r, i, "MINID")) {
			i += i + 1 < r->argc &&
			     (request_arg_is(r, i + 1, "=") || request_arg_is(r, i + 1, "~"));
			i++;
		} else if (request_arg_is(r, i, "LIMIT")) {
			i++;
		} else if (!request_arg_is(r, i, "NOMKSTREAM")) {
			break;
		}
	}
	return i < r->argc && request_arg_is(r, i, "*") ? i : 0;
}

/* ---- Effects that depend on the options ---- */

/* Whether an argument from the i-th on is this word. */
static bool has_word(const struct request *r, uint32_t i, const char *word)
{
	while (i < r->argc && !request_arg_is(r, i, word))
		i++;
	return i < r->argc;
}

static enum request_effect set_effect(const struct request *r, bool *doubtful)
{
	enum request_effect effect = REQUEST_OVERWRITES;

	for (uint32_t i = 3; i < r->argc; i++) {
		if (request_arg_is(r, i, "EX") || request_arg_is(r, i, "PX")) {
			*doubtful = true;
			i++;
		} else if (request_arg_is(r, i, "EXAT") || request_arg_is(r, i, "PXAT")) {
			i++;
		} else if (!request_arg_is(r, i, "GET")) {
			effect = REQUEST_UPDATES; /* a condition, or KEEPTTL */
		}
	}
	/* The reply does not say then whether the condition held. */
	if (effect == REQUEST_UPDATES && has_word(r, 3, "GET"))
		*doubtful = true;
	return effect;
}

static enum request_effect getex_effect(const struct request *r, bool *doubtful)
{
	*doubtful = r->argc > 2 && (request_arg_is(r, 2, "EX") || request_arg_is(r, 2, "PX"));
	return REQUEST_UPDATES;
}

/* EXPIRE and the like: with a number up to 0 the key is removed, whatever the time is. */
static enum request_effect expire_effect(const struct request *r, bool *doubtful)
{
	uint8_t first = r->args[2].len > 0 ? request_arg(r, 2)[0] : '-';

	*doubtful = first != '-' && first != '0';
	return REQUEST_UPDATES;
}

static enum request_effect restore_effect(const struct request *r, bool *doubtful)
{
	enum request_effect effect = REQUEST_UPDATES;

	*doubtful = r->args[2].len != 1 || request_arg(r, 2)[0] != '0';
	for (uint32_t i = 4; i < r->argc; i++) {
		if (request_arg_is(r, i, "REPLACE"))
			effect = REQUEST_OVERWRITES;
		else if (request_arg_is(r, i, "ABSTTL"))
			*doubtful = false;
		else
			i++; /* IDLETIME, FREQ */
	}
	return effect;
}

/* A minimal idle time is compared with each replica's clock.  The entries get their time from it,
 * unless TIME says otherwise. */
static bool xclaim_reads_clock(const struct request *r)
{
	bool has_time = false;

	if (r->args[4].len != 1 || request_arg(r, 4)[0] != '0')
		return true;
	for (uint32_t i = 6; i < r->argc; i++) {
		if (request_arg_is(r, i, "IDLE"))
			return true;
		has_time = has_time || request_arg_is(r, i, "TIME");
	}
	return !has_time;
}

static enum request_effect options_effect(const struct request *r, bool *doubtful)
{
	switch ((enum command_id)r->command->id) {
	case COMMAND_ID_SET:
		return set_effect(r, doubtful);
	case COMMAND_ID_GETEX:
		return getex_effect(r, doubtful);
	case COMMAND_ID_EXPIRE:
	case COMMAND_ID_HEXPIRE:
	case COMMAND_ID_HPEXPIRE:
	case COMMAND_ID_PEXPIRE:
		return expire_effect(r, doubtful);
	case COMMAND_ID_RESTORE:
		return restore_effect(r, doubtful);
	case COMMAND_ID_XADD:
		*doubtful = request_xadd_star(r) != 0;
		return REQUEST_UPDATES;
	case COMMAND_ID_XCLAIM:
		*doubtful = xclaim_reads_clock(r);
		return REQUEST_UPDATES;
	default:
		*doubtful = true;
		return REQUEST_UPDATES;
	}
}

/* ---- All effects ---- */

enum request_effect request_effect(const struct request *r, uint32_t i, bool *doubtful)
{
	*doubtful = false;
	switch ((enum command_effect)r->command->effect) {
	case COMMAND_UPDATES:
		return REQUEST_UPDATES;
	case COMMAND_OVERWRITES:
		return REQUEST_OVERWRITES;
	case COMMAND_OVERWRITES_UNTIL:
		*doubtful = true;
		return REQUEST_OVERWRITES;
	case COMMAND_DELETES:
		return REQUEST_DELETES;
	case COMMAND_STORES:
		*doubtful = true;
		return is_repeated(r, i) ? REQUEST_UPDATES : REQUEST_OVERWRITES;
	case COMMAND_UPDATES_TOGETHER:
		*doubtful = r->n_keys > 1;
		return REQUEST_UPDATES;
	case COMMAND_MOVES:
		*doubtful = i > 0;
		return REQUEST_UPDATES;
	case COMMAND_RENAMES:
		*doubtful = i > 0;
		if (is_repeated(r, i))
			return REQUEST_UPDATES;
		return i > 0 ? REQUEST_OVERWRITES : REQUEST_DELETES;
	case COMMAND_VARIES:
		*doubtful = true;
		return REQUEST_UPDATES;
	case COMMAND_AS_OPTIONS_SAY:
		return options_effect(r, doubtful);
	}
	*doubtful = true;
	return REQUEST_UPDATES;
}

/* ---- Replies ---- */

/* Those whose reply of 0 means that nothing was changed. */
static const char *const idle_at_zero[] = {
	"COPY",
	"EXPIRE",
	"EXPIREAT",
	"HDEL",
	"HSETNX",
	"LINSERT",
	"LPUSHX",
	"LREM",
	"MSETNX",
	"PERSIST",
	"PEXPIRE",
	"PEXPIREAT",
	"PFADD",
	"RENAMENX",
	"RPUSHX",
	"SADD",
	"SETNX",
	"SMOVE",
	"SREM",
	"XACK",
	"XDEL",
	"XTRIM",
	"ZREM",
	"ZREMRANGEBYLEX",
	"ZREMRANGEBYRANK",
	"ZREMRANGEBYSCORE",
};

static bool is_text(const uint8_t *reply, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(reply, text, len) == 0;
}

bool request_left_unchanged(const struct command *c, const uint8_t *reply, size_t len)
{
	if (is_text(reply, len, "$-1\r\n") || is_text(reply, len, "*-1\r\n"))
		return true;
	if (!is_text(reply, len, ":0\r\n"))
		return false;
	for (size_t i = 0; i < sizeof(idle_at_zero) / sizeof(idle_at_zero[0]); i++)
		if (strcmp(c->name, idle_at_zero[i]) == 0)
			return true;
	return false;
}
