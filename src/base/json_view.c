#include "base/json_view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- Skipping ----
 *
 * Each function takes where something should begin and returns the position after it, or NULL when
 * something else is there.
 */

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

static const char *skip_word(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

static const char *skip_hex4(const char *at, const char *end)
{
	if (end - at < 4)
		return NULL;
	for (int i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)at[i]))
			return NULL;
	return at + 4;
}

static const char *skip_text(const char *at, const char *end)
{
	at++; /* the quote */
	while (at && at < end && *at != '"') {
		if ((unsigned char)*at < 0x20)
			return NULL;
		if (*at++ != '\\')
			continue;
		if (at >= end)
			return NULL;
		if (*at == 'u')
			at = skip_hex4(at + 1, end);
		else if (strchr("\"\\/bfnrt", *at) && *at)
			at++;
		else
			return NULL;
	}
	return at && at < end ? at + 1 : NULL;
}

static const char *skip_digits(const char *at, const char *end)
{
	const char *begin = at;

	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at > begin ? at : NULL;
}

static const char *skip_number(const char *at, const char *end)
{
	if (at < end && *at == '-')
		at++;
	if (at < end && *at == '0')
		at++;
	else
		at = skip_digits(at, end);
	if (at && at < end && *at == '.')
		at = skip_digits(at + 1, end);
	if (at && at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		at = skip_digits(at, end);
	}
	return at;
}

static const char *skip_value(const char *at, const char *end, int depth);

/* Skip an object's name and its colon. */
static const char *skip_name(const char *at, const char *end)
{
	at = at < end && *at == '"' ? skip_text(at, end) : NULL;
	if (!at)
		return NULL;
	at = skip_space(at, end);
	return at < end && *at == ':' ? skip_space(at + 1, end) : NULL;
}

/* Skip an object or an array, at its bracket. */
static const char *skip_many(const char *at, const char *end, int depth)
{
	bool is_object = *at == '{';
	char closing = is_object ? '}' : ']';

	if (depth >= JSON_VIEW_DEPTH_MAX)
		return NULL;
	at = skip_space(at + 1, end);
	if (at < end && *at == closing)
		return at + 1;
	for (;;) {
		if (is_object)
			at = skip_name(at, end);
		at = at ? skip_value(at, end, depth + 1) : NULL;
		if (!at)
			return NULL;
		at = skip_space(at, end);
		if (at < end && *at == closing)
			return at + 1;
		if (at >= end || *at != ',')
			return NULL;
		at = skip_space(at + 1, end);
	}
}

static const char *skip_value(const char *at, const char *end, int depth)
{
	if (at >= end)
		return NULL;
	switch (*at) {
	case '{':
	case '[':
		return skip_many(at, end, depth);
	case '"':
		return skip_text(at, end);
	case 't':
		return skip_word(at, end, "true");
	case 'f':
		return skip_word(at, end, "false");
	case 'n':
		return skip_word(at, end, "null");
	default:
		return skip_number(at, end);
	}
}

/* ---- Views ---- */

bool json_view_init(struct json_view *v, const char *text, size_t len)
{
	const char *end = text + len;
	const char *behind;

	v->at = skip_space(text, end);
	v->end = end;
	behind = skip_value(v->at, end, 0);
	return behind && skip_space(behind, end) == end;
}

bool json_view_member(const struct json_view *v, const char *name, struct json_view *out)
{
	size_t len = strlen(name);
	const char *at = v->at;

	if (*at != '{')
		return false;
	at = skip_space(at + 1, v->end);
	while (*at != '}') {
		const char *value = skip_name(at, v->end);
		bool found = (size_t)(value - at) > len + 2 && memcmp(at + 1, name, len) == 0 &&
			     at[len + 1] == '"';

		if (found) {
			*out = (struct json_view){value, v->end};
			return true;
		}
		at = skip_space(skip_value(value, v->end, 0), v->end);
		if (*at == ',')
			at = skip_space(at + 1, v->end);
	}
	return false;
}

bool json_view_first(const struct json_view *v, struct json_view *out)
{
	if (*v->at != '[')
		return false;
	*out = (struct json_view){skip_space(v->at + 1, v->end), v->end};
	return *out->at != ']';
}

bool json_view_next(struct json_view *element)
{
	const char *at = skip_space(skip_value(element->at, element->end, 0), element->end);

	if (*at != ',')
		return false;
	element->at = skip_space(at + 1, element->end);
	return true;
}

double json_view_number(const struct json_view *v, double otherwise)
{
	const char *behind = skip_number(v->at, v->end);
	char text[64];
	size_t len;

	if (!behind)
		return otherwise;
	len = (size_t)(behind - v->at);
	if (len >= sizeof(text))
		return otherwise;
	memcpy(text, v->at, len);
	text[len] = '\0';
	return strtod(text, NULL);
}

bool json_view_is_true(const struct json_view *v)
{
	return *v->at == 't';
}

/* ---- Texts ---- */

/* Decode the escape after a backslash to UTF-8 (at most 3 bytes); returns the position after it. */
static const char *unescape(const char *at, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *known = strchr(from, *at);
	char digits[5] = "";
	unsigned long c;

	memset(out, 0, 4);
	if (*at != 'u') {
		out[0] = known ? to[known - from] : *at;
		return at + 1;
	}
	memcpy(digits, at + 1, 4);
	c = strtoul(digits, NULL, 16);
	if (c < 0x80) {
		out[0] = (char)c;
	} else if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
	} else if (c >= 0xd800 && c < 0xe000) {
		out[0] = '?';
	} else {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
	}
	return at + 5;
}

bool json_view_text(const struct json_view *v, char *out, size_t cap)
{
	const char *at = v->at;
	size_t len = 0;

	out[0] = '\0';
	if (*at != '"')
		return false;
	for (at++; *at != '"';) {
		char piece[4] = {*at};
		size_t n;

		at = *at == '\\' ? unescape(at + 1, piece) : at + 1;
		if ((unsigned char)piece[0] < 0x20 || piece[0] == 0x7f)
			piece[0] = '?';
		n = strlen(piece);
		if (len + n >= cap)
			break;
		memcpy(out + len, piece, n);
		len += n;
	}
	out[len] = '\0';
	return true;
}
