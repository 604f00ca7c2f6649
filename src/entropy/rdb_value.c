#include "entropy/rdb_value.h"

/*
 * The layout of a value, one letter per item:
 *   s   a string
 *   l   a length, or a number written as one
 *   8   eight bytes: a time in milliseconds or a binary double
 *   d   a double as text after a byte with its length
 *   i   a stream id of 16 bytes
 *   { } a count, and that many times what is between the braces
 */
struct layout {
	const char *items; /* NULL: no type, or one that cannot be skipped by its layout */
	bool never_empty;  /* begins (after an 8) with a count that is not zero */
};

/* The parts of streams: pending entries, and consumers with theirs. */
#define PENDING         "{i8l}"
#define CONSUMERS       "{s8{i}}"
#define CONSUMERS_TIMED "{s88{i}}"

static const struct layout layouts[] = {
	[0] = {"s", false},                                              /* string */
	[1] = {"{s}", true},                                             /* list */
	[2] = {"{s}", true},                                             /* set */
	[3] = {"{sd}", true},                                            /* sorted set */
	[4] = {"{ss}", true},                                            /* hash */
	[5] = {"{s8}", true},                                            /* sorted set, binary */
	[9] = {"s", false},                                              /* hash, zipmap */
	[10] = {"s", false},                                             /* list, ziplist */
	[11] = {"s", false},                                             /* set, intset */
	[12] = {"s", false},                                             /* sorted set, ziplist */
	[13] = {"s", false},                                             /* hash, ziplist */
	[14] = {"{s}", true},                                            /* list, quicklist */
	[15] = {"{ss}lll{sll" PENDING CONSUMERS "}", false},             /* stream */
	[16] = {"s", false},                                             /* hash, listpack */
	[17] = {"s", false},                                             /* sorted set, listpack */
	[18] = {"{ls}", true},                                           /* list, quicklist 2 */
	[19] = {"{ss}llllllll{slll" PENDING CONSUMERS "}", false},       /* stream 2 */
	[20] = {"s", false},                                             /* set, listpack */
	[21] = {"{ss}llllllll{slll" PENDING CONSUMERS_TIMED "}", false}, /* stream 3 */
	[22] = {"{lss}", true},  /* hash with field deadlines, release candidate */
	[23] = {"s", false},     /* the same, listpack */
	[24] = {"8{lss}", true}, /* hash with field deadlines */
	[25] = {"8s", false},    /* the same, listpack */
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* The items of module data. */
enum {
	MODULE_EOF = 0,
	MODULE_SINT,
	MODULE_UINT,
	MODULE_FLOAT,
	MODULE_DOUBLE,
	MODULE_STRING
};

bool rdb_value_known(uint8_t type)
{
	return type == RDB_TYPE_MODULE_2 || (type < LAYOUTS && layouts[type].items);
}

bool rdb_value_skip_string(struct rdb_input *in)
{
	uint64_t length, expanded;
	int encoding;

	if (!rdb_input_length_or_encoding(in, &length, &encoding))
		return false;
	if (encoding == RDB_ENCODING_LZF) {
		if (!rdb_input_length(in, &length) || !rdb_input_length(in, &expanded))
			return false;
	} else if (encoding >= 0) {
		length = UINT64_C(1) << encoding;
	}
	return rdb_input_skip(in, length);
}

/* 253 to 255 mean NaN and the infinities. */
static bool skip_text_double(struct rdb_input *in)
{
	uint8_t length;

	return rdb_input_byte(in, &length) && (length >= 253 || rdb_input_skip(in, length));
}

/* After the brace that closes the group whose first item is at items. */
static const char *behind_group(const char *items)
{
	for (int depth = 1; depth > 0; items++)
		depth += (*items == '{') - (*items == '}');
	return items;
}

static bool skip_items(struct rdb_input *in, const char *items);

static bool skip_group(struct rdb_input *in, const char *items)
{
	uint64_t count;

	if (!rdb_input_length(in, &count))
		return false;
	for (; count > 0; count--)
		if (!skip_items(in, items))
			return false;
	return true;
}

static bool skip_items(struct rdb_input *in, const char *items)
{
	uint64_t number;
	bool ok = true;

	while (ok && *items && *items != '}') {
		switch (*items++) {
		case 's':
			ok = rdb_value_skip_string(in);
			break;
		case 'l':
			ok = rdb_input_length(in, &number);
			break;
		case '8':
			ok = rdb_input_skip(in, 8);
			break;
		case 'd':
			ok = skip_text_double(in);
			break;
		case 'i':
			ok = rdb_input_skip(in, 16);
			break;
		case '{':
			ok = skip_group(in, items);
			items = behind_group(items);
			break;
		}
	}
	return ok;
}

bool rdb_value_skip(struct rdb_input *in, uint8_t type, bool *empty)
{
	const char *items = layouts[type].items;

	*empty = false;
	if (!layouts[type].never_empty)
		return skip_items(in, items);
	if (*items == '8') {
		if (!rdb_input_skip(in, 8))
			return false;
		items++;
	}
	/* Redis writes a count of zero as one byte, in no other form. */
	if (!rdb_input_need(in, 1))
		return false;
	*empty = in->data[in->pos] == 0;
	return skip_items(in, items);
}

bool rdb_value_skip_module(struct rdb_input *in)
{
	uint64_t item, number;
	bool ok = true;

	while (ok) {
		if (!rdb_input_length(in, &item))
			return false;
		switch (item) {
		case MODULE_EOF:
			return true;
		case MODULE_SINT:
		case MODULE_UINT:
			ok = rdb_input_length(in, &number);
			break;
		case MODULE_FLOAT:
			ok = rdb_input_skip(in, 4);
			break;
		case MODULE_DOUBLE:
			ok = rdb_input_skip(in, 8);
			break;
		case MODULE_STRING:
			ok = rdb_value_skip_string(in);
			break;
		default:
			ok = rdb_input_fail(in, "unknown item in the data of a module: damaged");
		}
	}
	return false;
}

void rdb_value_module_name(uint64_t id, char name[RDB_MODULE_NAME_LEN + 1])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	/* Nine letters of 6 bits above 10 bits for the version of the encoding. */
	for (int i = RDB_MODULE_NAME_LEN - 1; i >= 0; i--)
		name[i] = letters[id >> (10 + 6 * (RDB_MODULE_NAME_LEN - 1 - i)) & 0x3f];
	name[RDB_MODULE_NAME_LEN] = '\0';
}
