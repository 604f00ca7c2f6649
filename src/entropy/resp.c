#include "entropy/resp.h"

#include <ctype.h>
#include <string.h>

enum resp_state {
	STATE_COMMAND, /* between commands: '*' or the end */
	STATE_ARGC,
	STATE_ARGC_LF,
	STATE_ARG, /* '$' */
	STATE_LEN,
	STATE_LEN_LF,
	STATE_BYTES,
	STATE_BYTES_CR,
	STATE_BYTES_LF,
};

void resp_scanner_init(struct resp_scanner *s, resp_command_fn command_fn, void *command_arg)
{
	memset(s, 0, sizeof(*s));
	s->command_fn = command_fn;
	s->command_arg = command_arg;
	s->state = STATE_COMMAND;
}

static bool wrong(struct resp_scanner *s, const char *why)
{
	s->why = why;
	return false;
}

static void begin_number(struct resp_scanner *s, enum resp_state state)
{
	s->number = 0;
	s->digits = 0;
	s->state = (int)state;
}

/* A byte of a decimal number that ends at CR; then is the next state. */
static bool number_byte(struct resp_scanner *s, uint8_t c, uint32_t max, enum resp_state then,
	const char *too_large)
{
	if (c == '\r') {
		if (s->digits == 0)
			return wrong(s, "a length without digits");
		s->state = (int)then;
		return true;
	}
	if (c < '0' || c > '9')
		return wrong(s, "a length with something in it that is no digit");
	if (s->digits > 0 && s->number == 0)
		return wrong(s, "a length with a leading zero");
	s->number = s->number * 10 + (uint64_t)(c - '0');
	s->digits++;
	if (s->number > max)
		return wrong(s, too_large);
	return true;
}

static bool begin_command(struct resp_scanner *s, uint8_t c)
{
	s->command.number++;
	s->command.argc = 0;
	s->index = 0;
	if (c != '*')
		return wrong(s, "a command that is not an array of bulk strings ('*')");
	begin_number(s, STATE_ARGC);
	return true;
}

static bool end_argc(struct resp_scanner *s)
{
	if (s->number == 0)
		return wrong(s, "an empty command");
	s->command.argc = (uint32_t)s->number;
	s->state = STATE_ARG;
	return true;
}

static bool begin_arg(struct resp_scanner *s, uint8_t c)
{
	if (c != '$')
		return wrong(s, "an argument that is not a bulk string ('$')");
	begin_number(s, STATE_LEN);
	return true;
}

static void end_len(struct resp_scanner *s)
{
	if (s->index < RESP_ARGS_KEPT)
		s->command.argv[s->index].len = (uint32_t)s->number;
	s->arg_len = (uint32_t)s->number;
	s->left = (uint32_t)s->number;
	s->state = s->left > 0 ? STATE_BYTES : STATE_BYTES_CR;
}

/* Skip bytes of an argument, keeping its head.  Returns how many. */
static size_t arg_bytes(struct resp_scanner *s, const uint8_t *bytes, size_t len)
{
	size_t take = len < s->left ? len : s->left;

	if (s->index < RESP_ARGS_KEPT) {
		struct resp_arg *a = &s->command.argv[s->index];
		size_t at = a->len - s->left;
		size_t room = at < RESP_ARG_HEAD ? RESP_ARG_HEAD - at : 0;

		if (room > 0)
			memcpy(a->head + at, bytes, take < room ? take : room);
	}
	s->left -= (uint32_t)take;
	if (s->left == 0)
		s->state = STATE_BYTES_CR;
	return take;
}

static bool end_arg(struct resp_scanner *s)
{
	s->index++;
	s->state = STATE_ARG;
	if (s->index < s->command.argc)
		return true;
	s->state = STATE_COMMAND;
	s->stopped = s->command_fn && !s->command_fn(s->command_arg, &s->command);
	return !s->stopped;
}

static bool one_byte(struct resp_scanner *s, uint8_t c)
{
	static const char no_lf[] = "a carriage return without a line feed";

	switch ((enum resp_state)s->state) {
	case STATE_COMMAND:
		return begin_command(s, c);
	case STATE_ARGC:
		return number_byte(
			s, c, RESP_ARGS_MAX, STATE_ARGC_LF, "more than 1048576 arguments");
	case STATE_ARGC_LF:
		return c == '\n' ? end_argc(s) : wrong(s, no_lf);
	case STATE_ARG:
		return begin_arg(s, c);
	case STATE_LEN:
		return number_byte(s, c, RESP_BULK_MAX, STATE_LEN_LF, "an argument beyond 512 MiB");
	case STATE_LEN_LF:
		if (c != '\n')
			return wrong(s, no_lf);
		end_len(s);
		return true;
	case STATE_BYTES:
		break; /* resp_scan skips these in runs */
	case STATE_BYTES_CR:
		if (c != '\r')
			return wrong(s, "an argument longer than its length says");
		s->state = STATE_BYTES_LF;
		return true;
	case STATE_BYTES_LF:
		return c == '\n' ? end_arg(s) : wrong(s, no_lf);
	}
	return wrong(s, "a scanner in no state");
}

size_t resp_step(struct resp_scanner *s, const void *bytes, size_t len, enum resp_event *event)
{
	const uint8_t *at = bytes;
	size_t done = 0;

	*event = RESP_NOTHING;
	while (done < len) {
		bool at_end = s->state == STATE_BYTES_LF;
		size_t taken = 1;

		if (s->state == STATE_BYTES)
			taken = arg_bytes(s, at + done, len - done);
		else if (!one_byte(s, at[done]))
			break;
		done += taken;
		s->offset += taken;
		if (at_end) {
			*event = s->state == STATE_COMMAND ? RESP_COMMAND_END : RESP_ARG_END;
			break;
		}
	}
	return done;
}

uint32_t resp_ended_arg(const struct resp_scanner *s)
{
	return s->index - 1;
}

bool resp_scan(struct resp_scanner *s, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	enum resp_event event;
	size_t done = 0;

	while (done < len && !s->why && !s->stopped)
		done += resp_step(s, at + done, len - done, &event);
	return !s->why && !s->stopped;
}

bool resp_finish(struct resp_scanner *s)
{
	if (s->why || s->stopped)
		return false;
	if (s->state != STATE_COMMAND)
		return wrong(s, "the snapshot ends in the middle of a command");
	return true;
}

bool resp_arg_is(const struct resp_arg *a, const char *word)
{
	uint32_t i;

	for (i = 0; i < a->len && i < RESP_ARG_HEAD && word[i]; i++) {
		if (toupper(a->head[i]) != word[i])
			return false;
	}
	return i == a->len && word[i] == '\0';
}

bool resp_arg_is_number(const struct resp_arg *a)
{
	if (a->len < 1 || a->len > 19)
		return false;
	for (uint32_t i = 0; i < a->len; i++) {
		if (a->head[i] < '0' || a->head[i] > '9')
			return false;
	}
	return true;
}
