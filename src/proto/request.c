#include "proto/request.h"

#include "base/number.h"
#include "proto/resp_write.h"

#include <stdlib.h>
#include <string.h>

/* The most memory for arguments that is kept between requests. */
#define ARGS_SPARE 32
#define TEXT_SPARE 256

#define ARG_LEAST 6 /* bytes of an empty argument: "$0", and twice CRLF */

enum state {
	STATE_START,
	STATE_ARGS,
	STATE_INLINE,
	STATE_DONE,
	STATE_BAD,
};

enum line {
	LINE_OK,
	LINE_MORE,
	LINE_BAD,
};

void request_parser_fini(struct request_parser *p)
{
	free(p->more);
	free(p->text);
	memset(p, 0, sizeof(*p));
}

void request_reset(struct request_parser *p)
{
	p->state = STATE_START;
	p->argc = 0;
	p->expected = 0;
	p->pos = 0;
	p->len = 0;
	p->need = 0;
	p->is_inline = false;
	if (p->more_cap > ARGS_SPARE) {
		free(p->more);
		p->more = NULL;
		p->more_cap = 0;
	}
	if (p->text_cap > TEXT_SPARE) {
		free(p->text);
		p->text = NULL;
		p->text_cap = 0;
	}
}

static enum request_result bad(struct request_parser *p, const char *error)
{
	p->state = STATE_BAD;
	p->error = error;
	return REQUEST_BAD;
}

static enum request_result more(struct request_parser *p, size_t need)
{
	p->need = need;
	return REQUEST_MORE;
}

static enum request_result done(struct request_parser *p, size_t len)
{
	p->state = STATE_DONE;
	p->len = len;
	p->args = p->more ? p->more : p->kept;
	return REQUEST_DONE;
}

/* Parse digits and CRLF at *at: a number up to max, without leading zeros. */
static inline enum line read_number(
	const uint8_t *bytes, size_t len, size_t *at, size_t max, size_t *number)
{
	size_t begin = *at, i;
	uint64_t n = 0;
	size_t digits = number_read_shortest(bytes + begin, len - begin, max, &n);

	if (digits == NUMBER_BAD)
		return LINE_BAD;
	i = begin + digits;
	if (i < len && (digits == 0 || bytes[i] != '\r'))
		return LINE_BAD;
	if (len - i < 2)
		return LINE_MORE;
	if (bytes[i + 1] != '\n')
		return LINE_BAD;
	*at = i + 2;
	*number = n;
	return LINE_OK;
}

static bool grow_args(struct request_parser *p)
{
	uint32_t cap = p->more_cap ? p->more_cap * 2 : 2 * REQUEST_ARGS_KEPT;
	struct request_span *grown = realloc(p->more, cap * sizeof(*grown));

	if (!grown)
		return false;
	if (!p->more)
		memcpy(grown, p->kept, sizeof(p->kept));
	p->more = grown;
	p->more_cap = cap;
	return true;
}

static inline bool add_arg(struct request_parser *p, size_t offset, size_t len)
{
	struct request_span *args = p->more ? p->more : p->kept;

	if (p->argc == (p->more ? p->more_cap : REQUEST_ARGS_KEPT)) {
		if (!grow_args(p))
			return false;
		args = p->more;
	}
	args[p->argc].offset = offset;
	args[p->argc].len = len;
	p->argc++;
	return true;
}

static enum request_result expected_dollar(struct request_parser *p, uint8_t got)
{
	static const char hex[] = "0123456789abcdef";
	char *to = stpcpy(p->error_text, "expected '$', got '");

	if (got >= ' ' && got <= '~') {
		*to++ = (char)got;
	} else {
		to = stpcpy(to, "\\x");
		*to++ = hex[got >> 4];
		*to++ = hex[got & 15];
	}
	stpcpy(to, "'");
	return bad(p, p->error_text);
}

/*
 * Fast path for arguments shorter than 100 bytes that have arrived completely.  Stops before any
 * other, which parse_args() handles.
 */
static inline void parse_short_args(struct request_parser *p, const uint8_t *bytes, size_t len)
{
	struct request_span *args = p->more ? p->more : p->kept;
	uint32_t cap = p->more ? p->more_cap : REQUEST_ARGS_KEPT, argc = p->argc;
	const uint8_t *at = bytes + p->pos, *end = bytes + len;

	if (cap > p->expected)
		cap = p->expected;
	while (argc < cap && end - at >= ARG_LEAST && at[0] == '$') {
		unsigned n = (unsigned)at[1] - '0';
		const uint8_t *line_end = at + 2;

		if (n > 9)
			break;
		if (*line_end != '\r') {
			unsigned digit = (unsigned)*line_end++ - '0';

			if (n == 0 || digit > 9 || *line_end != '\r')
				break;
			n = n * 10 + digit;
		}
		if (line_end[1] != '\n' || end - line_end < (ptrdiff_t)n + 4 ||
			line_end[n + 2] != '\r' || line_end[n + 3] != '\n')
			break;
		args[argc].offset = (size_t)(line_end + 2 - bytes);
		args[argc].len = n;
		argc++;
		at = line_end + n + 4;
	}
	p->argc = argc;
	p->pos = (size_t)(at - bytes);
}

/* Parse the arguments from p->pos on, where one begins or the request ends. */
static enum request_result parse_args(struct request_parser *p, const uint8_t *bytes, size_t len)
{
	size_t pos, arg_len = 0;

	parse_short_args(p, bytes, len);
	pos = p->pos;
	while (p->argc < p->expected) {
		size_t at = pos + 1;

		if (pos >= len)
			return more(p, pos + (p->expected - p->argc) * (size_t)ARG_LEAST);
		if (bytes[pos] != '$')
			return expected_dollar(p, bytes[pos]);
		switch (read_number(bytes, len, &at, REQUEST_ARG_MAX, &arg_len)) {
		case LINE_OK:
			break;
		case LINE_MORE:
			return more(p, pos + (p->expected - p->argc) * (size_t)ARG_LEAST);
		case LINE_BAD:
			return bad(p, "invalid bulk length");
		}
		if (len - at < arg_len + 2)
			return more(p,
				at + arg_len + 2 + (p->expected - p->argc - 1) * (size_t)ARG_LEAST);
		if (bytes[at + arg_len] != '\r' || bytes[at + arg_len + 1] != '\n')
			return bad(p, "expected CRLF behind an argument");
		if (!add_arg(p, at, arg_len))
			return REQUEST_NO_MEMORY;
		pos = at + arg_len + 2;
		p->pos = pos;
	}
	return done(p, pos);
}

/* "*-1" is a request of nothing, as "*0" is. */
static enum line read_negative(const uint8_t *bytes, size_t len, size_t *at)
{
	size_t max = (size_t)INT64_MAX, number = 0;

	(*at)++;
	if (*at < len && bytes[*at] == '0')
		return LINE_BAD;
	return read_number(bytes, len, at, max, &number);
}

static enum request_result parse_count(struct request_parser *p, const uint8_t *bytes, size_t len)
{
	size_t at = 1, count = 0;
	enum line line;

	if (len > at && bytes[at] == '-')
		line = read_negative(bytes, len, &at);
	else
		line = read_number(bytes, len, &at, REQUEST_ARGS_MAX, &count);
	if (line == LINE_MORE)
		return more(p, len + 1);
	if (line == LINE_BAD)
		return bad(p, "invalid multibulk length");
	p->expected = (uint32_t)count;
	p->pos = at;
	p->state = STATE_ARGS;
	return parse_args(p, bytes, len);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode the escape at line[*at], a backslash and what follows; *at moves past it. */
static uint8_t unescape(const uint8_t *line, size_t len, size_t *at)
{
	uint8_t c = line[*at + 1];

	if (c == 'x' && len - *at >= 4) {
		int high = hex_digit(line[*at + 2]), low = hex_digit(line[*at + 3]);

		if (high >= 0 && low >= 0) {
			*at += 4;
			return (uint8_t)(high << 4 | low);
		}
	}
	*at += 2;
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case 'a':
		return '\a';
	default:
		return c;
	}
}

/* Copy the text between the quotes, the first of which is at line[*at]; *at moves past the second.
 * False when that is missing, or not followed by a blank. */
static bool unquote(const uint8_t *line, size_t len, size_t *at, uint8_t **to)
{
	uint8_t quote = line[(*at)++];

	while (*at < len) {
		uint8_t c = line[*at];

		if (c == quote) {
			(*at)++;
			return *at == len || is_blank(line[*at]);
		}
		if (c == '\\' && *at + 1 < len && quote == '"') {
			*(*to)++ = unescape(line, len, at);
		} else if (c == '\\' && *at + 1 < len && line[*at + 1] == '\'') {
			*(*to)++ = '\'';
			*at += 2;
		} else {
			*(*to)++ = c;
			(*at)++;
		}
	}
	return false;
}

static enum request_result split_line(struct request_parser *p, const uint8_t *line, size_t len)
{
	uint8_t *to = p->text;
	size_t at = 0;

	for (;;) {
		uint8_t *begin = to;

		while (at < len && is_blank(line[at]))
			at++;
		if (at == len)
			return REQUEST_DONE;
		while (at < len && line[at] != ' ' && line[at] != '\t' && line[at] != '\r') {
			if (line[at] != '"' && line[at] != '\'') {
				*to++ = line[at++];
				continue;
			}
			if (!unquote(line, len, &at, &to))
				return bad(p, "unbalanced quotes in request");
			break; /* a blank of any kind follows */
		}
		if (!add_arg(p, (size_t)(begin - p->text), (size_t)(to - begin)))
			return REQUEST_NO_MEMORY;
	}
}

static enum request_result parse_inline(struct request_parser *p, const uint8_t *bytes, size_t len)
{
	size_t seen = len < REQUEST_INLINE_MAX ? len : REQUEST_INLINE_MAX;
	const uint8_t *end = memchr(bytes + p->pos, '\n', seen - p->pos);
	enum request_result result;
	size_t line_len;

	p->state = STATE_INLINE;
	p->is_inline = true;
	if (!end && seen == REQUEST_INLINE_MAX)
		return bad(p, "too big inline request");
	if (!end) {
		p->pos = seen;
		return more(p, 0);
	}
	line_len = (size_t)(end - bytes);
	if (memchr(bytes, '\0', line_len))
		return bad(p, "NUL in an inline request");
	/* Decoding never makes it longer. */
	if (p->text_cap < line_len || !p->text) {
		free(p->text);
		p->text_cap = line_len < TEXT_SPARE ? TEXT_SPARE : line_len;
		p->text = malloc(p->text_cap);
		if (!p->text) {
			p->text_cap = 0;
			return REQUEST_NO_MEMORY;
		}
	}
	p->argc = 0;
	result = split_line(p, bytes, line_len > 0 && end[-1] == '\r' ? line_len - 1 : line_len);
	return result == REQUEST_DONE ? done(p, line_len + 1) : result;
}

enum request_result request_parse(struct request_parser *p, const uint8_t *bytes, size_t len)
{
	if (p->state == STATE_DONE)
		request_reset(p);
	switch ((enum state)p->state) {
	case STATE_START:
		if (len == 0)
			return more(p, 1);
		return bytes[0] == '*' ? parse_count(p, bytes, len) : parse_inline(p, bytes, len);
	case STATE_ARGS:
		return parse_args(p, bytes, len);
	case STATE_INLINE:
		return parse_inline(p, bytes, len);
	case STATE_DONE:
	case STATE_BAD:
		break;
	}
	return REQUEST_BAD;
}

bool request_arg_is(const struct request *r, uint32_t i, const char *word)
{
	const uint8_t *arg = request_arg(r, i);
	size_t len = r->args[i].len, at;

	for (at = 0; at < len && word[at]; at++) {
		uint8_t c = arg[at];

		if (c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (c != (uint8_t)word[at])
			return false;
	}
	return at == len && !word[at];
}

bool request_write(const struct request *r, struct buf *out)
{
	const struct resp_writer w = resp_writer_2(out);
	size_t before = buf_len(out);
	bool ok;

	if (r->argc == 0)
		return true;
	if (r->text == r->bytes)
		return buf_append(out, r->bytes, r->len);
	ok = resp_write_array(&w, r->argc);
	for (uint32_t i = 0; ok && i < r->argc; i++)
		ok = resp_write_bulk(&w, request_arg(r, i), r->args[i].len);
	if (!ok)
		out->end = out->pos + before;
	return ok;
}
