#include "proto/dnode.h"

#include "base/number.h"

#include <string.h>

#define MAGIC   "   $2014$ "
#define VERSION 1

/* The longest header: a magic, an id of 20 digits, four numbers of one digit, "*DATA_LEN", the
 * data,
 * "*PAYLOAD_LEN", the blanks between them and CRLF. */
_Static_assert(sizeof(MAGIC) - 1 + 21 + 4 * 2 + 5 + DNODE_DATA_MAX + 1 + 11 + 2 <= DNODE_HEADER_MAX,
	"every header that begins well has ended by DNODE_HEADER_MAX");

struct dnode_reader {
	const uint8_t *bytes;
	size_t len;
	size_t at;
	const char *why;
};

static enum dnode_result bad(struct dnode_reader *c, const char *why)
{
	c->why = why;
	return DNODE_BAD;
}

/* Match text, or as much of it as has arrived. */
static enum dnode_result expect(
	struct dnode_reader *c, const char *text, size_t text_len, const char *why)
{
	size_t n = c->len - c->at < text_len ? c->len - c->at : text_len;

	if (memcmp(c->bytes + c->at, text, n) != 0)
		return bad(c, why);
	c->at += n;
	return n == text_len ? DNODE_DONE : DNODE_MORE;
}

/* Parse a decimal up to max, without leading zeros, and the byte that ends it. */
static enum dnode_result number(
	struct dnode_reader *c, uint64_t max, char end, uint64_t *value, const char *why)
{
	size_t digits = number_read_shortest(c->bytes + c->at, c->len - c->at, max, value);

	if (digits == NUMBER_BAD)
		return bad(c, why);
	c->at += digits;
	if (c->at == c->len)
		return DNODE_MORE;
	if (digits == 0 || c->bytes[c->at] != (uint8_t)end)
		return bad(c, why);
	c->at++;
	return DNODE_DONE;
}

static enum dnode_result read_type(struct dnode_reader *c, struct dnode_header *h)
{
	static const char why[] = "the message type is not 3, 4 or 5";
	uint64_t value = 0;
	enum dnode_result result = number(c, DNODE_RESPONSE, ' ', &value, why);

	if (result == DNODE_DONE && value < DNODE_REQUEST)
		return bad(c, why);
	h->type = (uint8_t)value;
	return result;
}

static enum dnode_result read_version(struct dnode_reader *c)
{
	static const char why[] = "the version is not 1";
	uint64_t value = 0;
	enum dnode_result result = number(c, VERSION, ' ', &value, why);

	return result == DNODE_DONE && value != VERSION ? bad(c, why) : result;
}

static enum dnode_result read_data(struct dnode_reader *c, struct dnode_header *h)
{
	static const char why[] = "the length of data is out of range";
	uint64_t value = 0;
	enum dnode_result result = expect(c, "*", 1, why);

	if (result == DNODE_DONE)
		result = number(c, DNODE_DATA_MAX, ' ', &value, why);
	if (result != DNODE_DONE)
		return result;
	if (value == 0)
		return bad(c, why);
	if (c->len - c->at < value)
		return DNODE_MORE;
	h->data = c->bytes + c->at;
	h->data_len = (size_t)value;
	c->at += (size_t)value;
	return expect(c, " *", 2, "data does not end where its length says");
}

static enum dnode_result read_header(struct dnode_reader *c, struct dnode_header *h)
{
	enum dnode_result result;
	uint64_t flags = 0, same_dc = 0, payload_len = 0;

	result = expect(c, MAGIC, sizeof(MAGIC) - 1, "it does not begin with '   $2014$ '");
	if (result == DNODE_DONE)
		result = number(c, UINT64_MAX, ' ', &h->id, "the message id is not a number");
	if (result == DNODE_DONE)
		result = read_type(c, h);
	if (result == DNODE_DONE)
		result = number(c, DNODE_FLAG_ENCRYPTED, ' ', &flags, "there are unknown flags");
	if (result == DNODE_DONE)
		result = read_version(c);
	if (result == DNODE_DONE)
		result = number(c, 1, ' ', &same_dc, "same-datacenter is neither 0 nor 1");
	if (result == DNODE_DONE)
		result = read_data(c, h);
	if (result == DNODE_DONE)
		result = number(c, DNODE_PAYLOAD_MAX, '\r', &payload_len,
			"the length of the payload is out of range");
	if (result == DNODE_DONE)
		result = expect(c, "\n", 1, "the header does not end with CRLF");
	h->flags = (uint8_t)flags;
	h->same_dc = same_dc != 0;
	h->payload_len = (size_t)payload_len;
	return result;
}

enum dnode_result dnode_decode(
	struct dnode_header *h, const uint8_t *bytes, size_t len, size_t *used, const char **why)
{
	struct dnode_reader c = {bytes, len, 0, NULL};
	enum dnode_result result = read_header(&c, h);

	if (result == DNODE_BAD)
		*why = c.why;
	else if (result == DNODE_DONE)
		*used = c.at;
	return result;
}

static uint8_t *put_number(uint8_t *to, uint64_t n)
{
	return to + number_write(to, n);
}

size_t dnode_encode(const struct dnode_header *h, uint8_t *out)
{
	uint8_t *to = out;

	memcpy(to, MAGIC, sizeof(MAGIC) - 1);
	to = put_number(to + sizeof(MAGIC) - 1, h->id);
	*to++ = ' ';
	to = put_number(to, h->type);
	*to++ = ' ';
	to = put_number(to, h->flags);
	*to++ = ' ';
	to = put_number(to, VERSION);
	*to++ = ' ';
	to = put_number(to, h->same_dc);
	memcpy(to, " *", 2);
	to = put_number(to + 2, h->data_len);
	*to++ = ' ';
	memcpy(to, h->data, h->data_len);
	to += h->data_len;
	memcpy(to, " *", 2);
	to = put_number(to + 2, h->payload_len);
	memcpy(to, "\r\n", 2);
	return (size_t)(to + 2 - out);
}
