#include "base/shown.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *replace(
	const void *bytes, size_t len, unsigned char least, char *out, size_t cap)
{
	const unsigned char *from = bytes;
	size_t n = len < cap ? len : cap - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = from[i] >= least && from[i] < 0x7f ? (char)from[i] : '?';
	out[n] = '\0';
	return out;
}

const char *shown_ascii(const void *bytes, size_t len, char *out, size_t cap)
{
	return replace(bytes, len, ' ', out, cap);
}

const char *shown_word(const void *bytes, size_t len, char *out, size_t cap)
{
	return replace(bytes, len, ' ' + 1, out, cap);
}

/* Write c escaped, if needed; returns the number of bytes. */
static size_t escape(unsigned char c, char text[SHOWN_ESCAPE + 1])
{
	static const char special[] =
		"\\\\\"\"n\nr\rt\t"; /* pairs: the letter of the escape, the character */

	for (size_t s = 1; s < sizeof(special) - 1; s += 2)
		if (special[s] == (char)c)
			return (size_t)snprintf(text, SHOWN_ESCAPE + 1, "\\%c", special[s - 1]);
	return (size_t)snprintf(text, SHOWN_ESCAPE + 1, c >= ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
}

const char *shown_escaped(const void *bytes, size_t len, char *out, size_t cap)
{
	const unsigned char *from = bytes;
	char text[SHOWN_ESCAPE + 1];
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		size_t n = escape(from[i], text);

		if (at + n >= cap)
			break;
		memcpy(out + at, text, n);
		at += n;
	}
	out[at] = '\0';
	return out;
}

size_t shown_control_len(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	return (c[0] && c[0] < ' ') || c[0] == 0x7f;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

#define QUOTED_TAIL 5 /* dots, closing quote and NUL */

const char *shown_quoted(const char *text, char out[SHOWN_QUOTED_MAX])
{
	size_t len = 0;

	out[len++] = '"';
	for (; *text && len + SHOWN_ESCAPE + QUOTED_TAIL <= SHOWN_QUOTED_MAX; text++) {
		size_t control = shown_control_len(text);

		if (control) {
			text += control - 1;
			len += (size_t)snprintf(
				out + len, SHOWN_ESCAPE + 1, "\\x%02x", (unsigned char)*text);
		} else {
			out[len++] = *text;
		}
	}
	if (*text) {
		/* Do not cut a UTF-8 character in half. */
		while (len > 1 && is_continuation(*text) && text[-1] == out[len - 1]) {
			text--;
			len--;
		}
		memcpy(out + len, "...", 3);
		len += 3;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}
