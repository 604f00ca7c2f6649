#include "base/json.h"

#include <inttypes.h>
#include <math.h>

/* The length of the UTF-8 character at c, or 0 when it is not valid. */
static size_t utf8_len(const unsigned char *c)
{
	size_t len = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

	if (c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, a surrogate, or above U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))
		return 0;
	return len;
}

static void quote(FILE *to, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	fputc('"', to);
	while (*c != '\0') {
		size_t len = utf8_len(c);

		if (len == 0)
			fputs("\\ufffd", to);
		else if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			fprintf(to, "\\u%04x", *c);
		else
			fwrite(c, 1, len, to);
		c += len > 0 ? len : 1;
	}
	fputc('"', to);
}

/* Write what precedes a value: comma and name. */
static void lead(struct json *j, const char *name)
{
	if (j->comma)
		fputc(',', j->to);
	j->comma = true;
	if (name != NULL) {
		quote(j->to, name);
		fputc(':', j->to);
	}
}

void json_init(struct json *j, FILE *to)
{
	j->to = to;
	j->comma = false;
}

static void open_with(struct json *j, const char *name, char bracket)
{
	lead(j, name);
	fputc(bracket, j->to);
	j->comma = false;
}

static void close_with(struct json *j, char bracket)
{
	fputc(bracket, j->to);
	j->comma = true;
}

void json_open_object(struct json *j, const char *name)
{
	open_with(j, name, '{');
}

void json_close_object(struct json *j)
{
	close_with(j, '}');
}

void json_open_array(struct json *j, const char *name)
{
	open_with(j, name, '[');
}

void json_close_array(struct json *j)
{
	close_with(j, ']');
}

void json_text(struct json *j, const char *name, const char *text)
{
	lead(j, name);
	if (text != NULL)
		quote(j->to, text);
	else
		fputs("null", j->to);
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	lead(j, name);
	fprintf(j->to, "%" PRIu64, value);
}

void json_real(struct json *j, const char *name, double value)
{
	lead(j, name);
	if (isfinite(value))
		fprintf(j->to, "%.3f", value);
	else
		fputs("null", j->to);
}

void json_bool(struct json *j, const char *name, bool value)
{
	lead(j, name);
	fputs(value ? "true" : "false", j->to);
}

void json_raw(struct json *j, const char *name, const char *text, size_t len)
{
	lead(j, name);
	for (size_t i = 0; i < len; i++)
		fputc(text[i] == '\n' || text[i] == '\r' ? ' ' : text[i], j->to);
}

void json_begin(struct json *j, FILE *to, const char *event)
{
	json_init(j, to);
	json_open_object(j, NULL);
	json_text(j, "event", event);
}

void json_end(struct json *j)
{
	json_close_object(j);
	fputc('\n', j->to);
	fflush(j->to);
}
