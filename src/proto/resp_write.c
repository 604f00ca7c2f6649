#include "proto/resp_write.h"

#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The most bytes of a line with a number. */
#define LINE_MAX_BYTES (NUMBER_DIGITS_MAX + 4)

/* A type, a number and CRLF; returns the length. */
static size_t number_line(uint8_t *to, char type, uint64_t number)
{
	size_t len = 1 + number_write(to + 1, number);

	to[0] = (uint8_t)type;
	to[len++] = '\r';
	to[len++] = '\n';
	return len;
}

static bool write_number(const struct resp_writer *w, char type, uint64_t number)
{
	uint8_t line[LINE_MAX_BYTES];

	return buf_append(w->out, line, number_line(line, type, number));
}

/* A type, a text and CRLF. */
static bool write_line(const struct resp_writer *w, char type, const char *text, size_t len)
{
	uint8_t *to = buf_reserve(w->out, len + 3);

	if (!to)
		return false;
	to[0] = (uint8_t)type;
	memcpy(to + 1, text, len);
	memcpy(to + 1 + len, "\r\n", 2);
	buf_commit(w->out, len + 3);
	return true;
}

/* A string that begins with a prefix of prefix_len bytes. */
static bool write_string(const struct resp_writer *w, char type, const char *prefix,
	size_t prefix_len, const void *bytes, size_t len)
{
	uint8_t *to = buf_reserve(w->out, LINE_MAX_BYTES + prefix_len + len + 2);
	size_t n;

	if (!to)
		return false;
	n = number_line(to, type, prefix_len + len);
	memcpy(to + n, prefix, prefix_len);
	n += prefix_len;
	if (len)
		memcpy(to + n, bytes, len);
	n += len;
	memcpy(to + n, "\r\n", 2);
	buf_commit(w->out, n + 2);
	return true;
}

bool resp_write_status(const struct resp_writer *w, const char *text)
{
	return write_line(w, '+', text, strlen(text));
}

size_t resp_write_error_line_v(
	char line[RESP_ERROR_MAX], const char *kind, const char *fmt, va_list args)
{
	size_t len = (size_t)snprintf(line, RESP_ERROR_MAX - 2, "-%s", kind);

	vsnprintf(line + len, RESP_ERROR_MAX - 2 - len, fmt, args);
	for (len = 0; line[len]; len++)
		if (iscntrl((unsigned char)line[len]))
			line[len] = ' ';
	memcpy(line + len, "\r\n", 2);
	return len + 2;
}

size_t resp_write_error_line(char line[RESP_ERROR_MAX], const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = resp_write_error_line_v(line, "", fmt, args);
	va_end(args);
	return len;
}

bool resp_write_error(const struct resp_writer *w, const char *fmt, ...)
{
	char line[RESP_ERROR_MAX];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = resp_write_error_line_v(line, "", fmt, args);
	va_end(args);
	return buf_append(w->out, line, len);
}

bool resp_write_integer(const struct resp_writer *w, int64_t value)
{
	uint8_t line[LINE_MAX_BYTES] = ":-";
	size_t len;

	if (value >= 0)
		return write_number(w, ':', (uint64_t)value);
	len = 2 + number_write(line + 2, 0 - (uint64_t)value);
	memcpy(line + len, "\r\n", 2);
	return buf_append(w->out, line, len + 2);
}

bool resp_write_bulk(const struct resp_writer *w, const void *bytes, size_t len)
{
	return write_string(w, '$', "", 0, bytes, len);
}

bool resp_write_text(const struct resp_writer *w, const char *text)
{
	return resp_write_bulk(w, text, strlen(text));
}

bool resp_write_null(const struct resp_writer *w)
{
	return w->version == RESP_3 ? buf_append(w->out, "_\r\n", 3)
				    : buf_append(w->out, "$-1\r\n", 5);
}

bool resp_write_null_array(const struct resp_writer *w)
{
	return w->version == RESP_3 ? buf_append(w->out, "_\r\n", 3)
				    : buf_append(w->out, "*-1\r\n", 5);
}

bool resp_write_array(const struct resp_writer *w, size_t n)
{
	return write_number(w, '*', n);
}

bool resp_write_map(const struct resp_writer *w, size_t n)
{
	return w->version == RESP_3 ? write_number(w, '%', n) : write_number(w, '*', 2 * n);
}

bool resp_write_set(const struct resp_writer *w, size_t n)
{
	return write_number(w, w->version == RESP_3 ? '~' : '*', n);
}

bool resp_write_push(const struct resp_writer *w, size_t n)
{
	return write_number(w, w->version == RESP_3 ? '>' : '*', n);
}

bool resp_write_double(const struct resp_writer *w, double value)
{
	char text[32];
	int len = 0;

	if (isnan(value))
		len = snprintf(text, sizeof(text), "nan");
	else if (isinf(value))
		len = snprintf(text, sizeof(text), "%s", value > 0 ? "inf" : "-inf");
	else
		for (int digits = 15; digits <= 17; digits++) {
			len = snprintf(text, sizeof(text), "%.*g", digits, value);
			if (memcmp(&(double){strtod(text, NULL)}, &value, sizeof(value)) == 0)
				break;
		}
	return w->version == RESP_3 ? write_line(w, ',', text, (size_t)len)
				    : resp_write_bulk(w, text, (size_t)len);
}

bool resp_write_boolean(const struct resp_writer *w, bool value)
{
	return w->version == RESP_3 ? write_line(w, '#', value ? "t" : "f", 1)
				    : write_number(w, ':', value);
}

bool resp_write_big_number(const struct resp_writer *w, const char *digits)
{
	return w->version == RESP_3 ? write_line(w, '(', digits, strlen(digits))
				    : resp_write_text(w, digits);
}

bool resp_write_verbatim(
	const struct resp_writer *w, const char format[4], const void *bytes, size_t len)
{
	char prefix[4];

	if (w->version != RESP_3)
		return resp_write_bulk(w, bytes, len);
	memcpy(prefix, format, 3);
	prefix[3] = ':';
	return write_string(w, '=', prefix, sizeof(prefix), bytes, len);
}
