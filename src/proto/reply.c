#include "proto/reply.h"

#include "base/number.h"

#include <string.h>

#define DIGITS_MAX 19 /* of an integer of 64 bits */

#define NUMBER_LINE_MAX (1 + NUMBER_DIGITS_MAX + 1) /* up to its CR */

enum state {
	STATE_TYPE,
	STATE_SIGN, /* of a number, or its first digit */
	STATE_DIGITS,
	STATE_NUMBER_LF,
	STATE_LINE,
	STATE_LINE_LF,
	STATE_STRING,
	STATE_STRING_CR,
	STATE_STRING_LF,
	STATE_BAD,
};

/* The result of a step of the scanner. */
enum step {
	STEP_ON,   /* the item goes on */
	STEP_ITEM, /* an item has ended */
	STEP_BAD,
};

/*
 * Fast path for a status, an error, a number or a string that has arrived completely.  Returns its
 * length, or 0 to use the steps below.
 */
static size_t whole_item(const uint8_t *bytes, size_t len)
{
	size_t at = 1, n = 0;

	if (len < 4)
		return 0;
	if (bytes[0] == '$') {
		while (at < len && at < 10 && bytes[at] >= '0' && bytes[at] <= '9')
			n = n * 10 + (size_t)(bytes[at++] - '0');
		if (at == 1 || n > REPLY_BULK_MAX || len - at < n + 4 || bytes[at] != '\r' ||
			bytes[at + 1] != '\n' || bytes[at + n + 2] != '\r' ||
			bytes[at + n + 3] != '\n')
			return 0;
		return at + n + 4;
	}
	if (bytes[0] == ':') {
		at += bytes[1] == '-';
		n = at;
		while (at < len && at < n + DIGITS_MAX && bytes[at] >= '0' && bytes[at] <= '9')
			at++;
		if (at == n)
			return 0;
	} else if (bytes[0] == '+') {
		while (at < len && at < REPLY_LINE_MAX && bytes[at] > '\r')
			at++;
	} else {
		return 0;
	}
	return len - at >= 2 && bytes[at] == '\r' && bytes[at + 1] == '\n' ? at + 2 : 0;
}

static enum step begin_item(struct reply_scanner *s, char type)
{
	s->item = type;
	s->number = 0;
	s->digits = 0;
	s->negative = false;
	s->left = REPLY_BULK_MAX;
	switch (type) {
	case '+':
	case '-':
		s->state = STATE_LINE;
		return STEP_ON;
	case ':':
	case '$':
	case '*':
		s->state = STATE_SIGN;
		return STEP_ON;
	default:
		return STEP_BAD;
	}
}

static enum step take_digit(struct reply_scanner *s, uint8_t c)
{
	if (c < '0' || c > '9') {
		if (c != '\r' || s->digits == 0)
			return STEP_BAD;
		s->state = STATE_NUMBER_LF;
		return STEP_ON;
	}
	if (s->digits == DIGITS_MAX)
		return STEP_BAD;
	s->digits++;
	s->number = s->number * 10 + (uint64_t)(c - '0');
	s->state = STATE_DIGITS;
	return STEP_ON;
}

static enum step number_ended(struct reply_scanner *s)
{
	s->state = STATE_TYPE;
	if (s->item == ':')
		return STEP_ITEM;
	if (s->negative)
		return s->number == 1 ? STEP_ITEM : STEP_BAD; /* the null string or array */
	if (s->item == '$') {
		if (s->number > REPLY_BULK_MAX)
			return STEP_BAD;
		s->left = s->number;
		s->state = s->left ? STATE_STRING : STATE_STRING_CR;
		return STEP_ON;
	}
	if (s->number > REPLY_ITEMS_MAX)
		return STEP_BAD;
	/* An array ends with its last element, so a count is enough at any depth of
	 * nesting. */
	if (s->items > UINT64_MAX - s->number)
		return STEP_BAD;
	s->items += s->number;
	return STEP_ITEM;
}

/* Skip what has arrived of a line, up to its CR, which must be followed by LF. */
static enum step pass_line(struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *at)
{
	const uint8_t *from = bytes + *at;
	const uint8_t *end = memchr(from, '\r', len - *at);
	size_t n = end ? (size_t)(end - from) : len - *at;

	if (n > s->left || memchr(from, '\n', n))
		return STEP_BAD;
	s->left -= n;
	*at += n + (end != NULL);
	if (end)
		s->state = STATE_LINE_LF;
	return STEP_ON;
}

static enum step pass_string(struct reply_scanner *s, size_t len, size_t *at)
{
	size_t n = len - *at;

	if (n > s->left)
		n = (size_t)s->left;
	s->left -= n;
	*at += n;
	if (s->left == 0)
		s->state = STATE_STRING_CR;
	return STEP_ON;
}

/* Consume at least one of the bytes from *at to len. */
static enum step step(struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *at)
{
	uint8_t c = bytes[*at];

	if (s->state == STATE_LINE)
		return pass_line(s, bytes, len, at);
	if (s->state == STATE_STRING)
		return pass_string(s, len, at);
	(*at)++;
	switch ((enum state)s->state) {
	case STATE_TYPE:
		return begin_item(s, (char)c);
	case STATE_SIGN:
		if (c != '-')
			return take_digit(s, c);
		s->negative = true;
		s->state = STATE_DIGITS;
		return STEP_ON;
	case STATE_DIGITS:
		return take_digit(s, c);
	case STATE_NUMBER_LF:
		return c == '\n' ? number_ended(s) : STEP_BAD;
	case STATE_STRING_CR:
		s->state = STATE_STRING_LF;
		return c == '\r' ? STEP_ON : STEP_BAD;
	case STATE_LINE_LF:
	case STATE_STRING_LF:
		s->state = STATE_TYPE;
		return c == '\n' ? STEP_ITEM : STEP_BAD;
	case STATE_LINE:
	case STATE_STRING:
	case STATE_BAD:
		break;
	}
	return STEP_BAD;
}

enum reply_result reply_scan(
	struct reply_scanner *s, const uint8_t *bytes, size_t len, size_t *used)
{
	size_t at = 0;

	while (at < len) {
		size_t whole = s->state == STATE_TYPE ? whole_item(bytes + at, len - at) : 0;
		enum step result = STEP_ITEM;

		if (!s->within)
			s->type = (char)bytes[at];
		s->within = true;
		if (whole) {
			at += whole;
		} else {
			result = step(s, bytes, len, &at);
		}
		if (result == STEP_BAD) {
			s->state = STATE_BAD;
			*used = at;
			return REPLY_BAD;
		}
		if (result == STEP_ITEM && s->items == 0) {
			s->within = false;
			*used = at;
			return REPLY_DONE;
		}
		s->items -= result == STEP_ITEM;
	}
	*used = len;
	return s->state == STATE_BAD ? REPLY_BAD : REPLY_MORE;
}

/* The number in a line "TYPE [-]DIGITS CRLF"; *used is where the line ends. */
static bool number_line(const uint8_t *bytes, size_t len, char type, int64_t *value, size_t *used)
{
	const uint8_t *end;
	size_t at;

	if (len < 4 || bytes[0] != (uint8_t)type)
		return false;
	end = memchr(bytes, '\r', len < NUMBER_LINE_MAX ? len : NUMBER_LINE_MAX);
	if (!end)
		return false;
	at = (size_t)(end - bytes);
	if (len - at < 2 || end[1] != '\n' ||
		number_read_signed(bytes + 1, at - 1, value) != NUMBER_OK)
		return false;
	*used = at + 2;
	return true;
}

bool reply_integer(const uint8_t *bytes, size_t len, int64_t *value)
{
	size_t used;

	return number_line(bytes, len, ':', value, &used) && used == len;
}

bool reply_array(const uint8_t *bytes, size_t len, uint64_t *n, size_t *used)
{
	int64_t value;

	if (!number_line(bytes, len, '*', &value, used) || value < 0 ||
		(uint64_t)value > REPLY_ITEMS_MAX)
		return false;
	*n = (uint64_t)value;
	return true;
}

bool reply_string(
	const uint8_t *bytes, size_t len, const uint8_t **value, size_t *value_len, size_t *used)
{
	int64_t n;

	if (!number_line(bytes, len, '$', &n, used) || n < -1)
		return false;
	*value = NULL;
	*value_len = 0;
	if (n < 0)
		return true;
	if (len - *used < 2 || (uint64_t)n > len - *used - 2)
		return false;
	*value = bytes + *used;
	*value_len = (size_t)n;
	*used += (size_t)n + 2;
	return true;
}
