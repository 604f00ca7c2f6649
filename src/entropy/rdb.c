#include "entropy/rdb.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/number.h"
#include "entropy/error.h"
#include "entropy/lzf.h"
#include "entropy/rdb_body.h"
#include "entropy/rdb_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LEN       9 /* "REDIS" and four digits */
#define CHECKSUM_LEN     8
#define VERSION_CHECKSUM 5 /* the first with a checksum at its end */
#define KEY_PIECE_BYTES  ((size_t)64 * 1024)
#define MODULE_NAMES_MAX 3

enum opcode {
	OPCODE_SLOT_INFO = 244,
	OPCODE_FUNCTION2 = 245,
	OPCODE_FUNCTION_PRE_GA = 246,
	OPCODE_MODULE_AUX = 247,
	OPCODE_IDLE = 248,
	OPCODE_FREQ = 249,
	OPCODE_AUX = 250,
	OPCODE_RESIZEDB = 251,
	OPCODE_EXPIRETIME_MS = 252,
	OPCODE_EXPIRETIME = 253,
	OPCODE_SELECTDB = 254,
	OPCODE_EOF = 255,
};

/* What the channel cannot carry, in the order of the message. */
enum kind {
	KIND_FUNCTION,
	KIND_MODULE_AUX,
	KIND_MODULE_KEY,
	KIND_OTHER_DB,
	KIND_LARGE_VALUE,
	KIND_LONG_KEY,
	KIND_EMPTY,
	KINDS,
};

static const char *const kind_words[KINDS][2] = {
	[KIND_FUNCTION] = {"function library", "function libraries"},
	[KIND_MODULE_AUX] = {"set of module data", "sets of module data"},
	[KIND_MODULE_KEY] = {"module key", "module keys"},
	[KIND_OTHER_DB] = {"key of another database", "keys of other databases"},
	[KIND_LARGE_VALUE] = {"value too large to restore", "values too large to restore"},
	[KIND_LONG_KEY] = {"key name above 16 MiB", "key names above 16 MiB"},
	[KIND_EMPTY] = {"empty key", "empty keys"},
};

struct rdb {
	struct rdb_input in;
	bool (*owns)(void *arg, const void *key, size_t len);
	void *owns_arg;
	enum dyn_entropy_status status; /* OK while there may be more */
	unsigned version;               /* 0: header not read yet */
	uint64_t db;
	bool has_deadline; /* the next key */
	int64_t deadline_ms;
	struct buf key;
	struct buf packed; /* a key before it is expanded */
	struct rdb_body body;
	uint64_t keys_expected;
	uint64_t not_owned;
	uint64_t not_carried[KINDS];
	char module_names[MODULE_NAMES_MAX][RDB_MODULE_NAME_LEN + 1];
	unsigned n_module_names;
	bool more_module_names;
};

enum dyn_entropy_status rdb_new(
	const struct rdb_options *options, struct rdb **out, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	struct rdb *r = calloc(1, sizeof(*r));

	if (!r)
		return error_no_memory(err);
	r->owns = options->owns;
	r->owns_arg = options->owns_arg;
	status = rdb_input_init(&r->in, options->read, options->read_arg, options->name, err);
	if (status == DYN_ENTROPY_OK)
		status = rdb_body_init(&r->body, options->payload_max, options->spool_dir, err);
	if (status != DYN_ENTROPY_OK)
		rdb_free(r);
	else
		*out = r;
	return status;
}

void rdb_free(struct rdb *r)
{
	if (!r)
		return;
	rdb_input_fini(&r->in);
	buf_fini(&r->key);
	buf_fini(&r->packed);
	rdb_body_fini(&r->body);
	free(r);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static bool no_memory(struct rdb *r)
{
	error_no_memory(&r->in.error);
	return false;
}

/* Read len bytes into b, which grows as they arrive; it has memory even for none. */
static bool read_bytes(struct rdb *r, struct buf *b, size_t len)
{
	buf_clear(b);
	if (!buf_reserve(b, 1))
		return no_memory(r);
	while (len > 0) {
		size_t n = len < KEY_PIECE_BYTES ? len : KEY_PIECE_BYTES;

		if (!rdb_input_need(&r->in, n))
			return false;
		if (!buf_append(b, r->in.data + r->in.pos, n))
			return no_memory(r);
		r->in.pos += n;
		len -= n;
	}
	return true;
}

static bool read_packed_key(struct rdb *r, bool *too_long)
{
	uint64_t packed, expanded;
	uint8_t *to;

	if (!rdb_input_length(&r->in, &packed) || !rdb_input_length(&r->in, &expanded))
		return false;
	*too_long = packed > RDB_KEY_MAX || expanded > RDB_KEY_MAX;
	if (*too_long)
		return rdb_input_skip(&r->in, packed);
	if (!read_bytes(r, &r->packed, (size_t)packed))
		return false;
	if (expanded / LZF_RATIO_MAX > packed)
		return rdb_input_fail(&r->in,
			"a key's compressed bytes cannot give its length of "
			"%" PRIu64 ": damaged",
			expanded);
	buf_clear(&r->key);
	to = buf_reserve(&r->key, (size_t)expanded + 1);
	if (!to)
		return no_memory(r);
	if (!lzf_expand(buf_head(&r->packed), (size_t)packed, to, (size_t)expanded))
		return rdb_input_fail(&r->in, "a compressed key does not expand: damaged");
	buf_commit(&r->key, (size_t)expanded);
	return true;
}

/* A key that was a number: its decimal digits. */
static bool read_number_key(struct rdb *r, int encoding)
{
	size_t n = (size_t)1 << encoding;
	unsigned unused_bits = 64 - 8 * (unsigned)n;
	uint64_t raw;

	if (!rdb_input_little(&r->in, n, &raw))
		return false;
	buf_clear(&r->key);
	/* Sign-extend by shifting up and back. */
	return buf_printf(&r->key, "%" PRId64, (int64_t)(raw << unused_bits) >> unused_bits) ||
	       no_memory(r);
}

static bool read_key(struct rdb *r, bool *too_long)
{
	uint64_t length;
	int encoding;

	*too_long = false;
	if (!rdb_input_length_or_encoding(&r->in, &length, &encoding))
		return false;
	if (encoding == RDB_ENCODING_LZF)
		return read_packed_key(r, too_long);
	if (encoding >= 0)
		return read_number_key(r, encoding);
	*too_long = length > RDB_KEY_MAX;
	return *too_long ? rdb_input_skip(&r->in, length) : read_bytes(r, &r->key, (size_t)length);
}

/* ---- What is not carried --------------------------------------------------------------------- */

static void remember_module(struct rdb *r, uint64_t id)
{
	char name[RDB_MODULE_NAME_LEN + 1];

	rdb_value_module_name(id, name);
	for (unsigned i = 0; i < r->n_module_names; i++)
		if (strcmp(r->module_names[i], name) == 0)
			return;
	if (r->n_module_names == MODULE_NAMES_MAX)
		r->more_module_names = true;
	else
		memcpy(r->module_names[r->n_module_names++], name, sizeof(name));
}

static void print_module_names(const struct rdb *r, struct buf *text)
{
	for (unsigned i = 0; i < r->n_module_names; i++)
		buf_printf(text, "%s%s", i ? ", " : " (", r->module_names[i]);
	if (r->n_module_names)
		buf_printf(text, "%s)", r->more_module_names ? ", ..." : "");
}

void rdb_totals(const struct rdb *r, struct dyn_entropy_source_totals *totals)
{
	struct buf text = {0};

	totals->keys_expected = r->keys_expected;
	totals->not_owned = r->not_owned;
	totals->not_carried = 0;
	for (int kind = 0; kind < KINDS; kind++) {
		uint64_t n = r->not_carried[kind];

		if (n == 0)
			continue;
		totals->not_carried += n;
		buf_printf(&text, "%s%" PRIu64 " %s", buf_len(&text) ? ", " : "", n,
			kind_words[kind][n > 1]);
		if (kind == KIND_MODULE_KEY)
			print_module_names(r, &text);
	}
	snprintf(totals->not_carried_what, sizeof(totals->not_carried_what), "%.*s",
		(int)buf_len(&text), buf_len(&text) ? (const char *)buf_head(&text) : "");
	buf_fini(&text);
}

/* ---- Walking --------------------------------------------------------------------------------- */

static bool read_header(struct rdb *r)
{
	const uint8_t *header;
	uint64_t version;

	if (!rdb_input_need(&r->in, HEADER_LEN))
		return false;
	header = r->in.data;
	if (memcmp(header, "REDIS", 5) != 0)
		return rdb_input_fail(&r->in, "it does not begin with REDIS: no RDB of Redis");
	if (number_read(header + 5, HEADER_LEN - 5, UINT32_MAX, &version) != NUMBER_OK)
		return rdb_input_fail(&r->in, "no version behind REDIS: damaged");
	r->version = (unsigned)version;
	if (r->version < 1 || r->version > RDB_VERSION_MAX)
		return rdb_input_fail(&r->in,
			"RDB version %u; this program knows 1 to %d: use the scan source, or a "
			"newer release",
			r->version, RDB_VERSION_MAX);
	r->in.pos += HEADER_LEN;
	return true;
}

static bool read_deadline(struct rdb *r, uint8_t opcode)
{
	uint64_t raw;

	r->has_deadline = true;
	if (opcode == OPCODE_EXPIRETIME_MS) {
		if (!rdb_input_little(&r->in, 8, &raw))
			return false;
		r->deadline_ms = (int64_t)raw;
		return true;
	}
	if (!rdb_input_little(&r->in, 4, &raw))
		return false;
	r->deadline_ms = (int64_t)(int32_t)raw * 1000;
	return true;
}

static bool skip_function(struct rdb *r, uint8_t opcode)
{
	uint64_t has_description = 0;

	r->not_carried[KIND_FUNCTION]++;
	/* The release candidates of 7.0 wrote name, engine and description separately. */
	if (opcode == OPCODE_FUNCTION_PRE_GA &&
		(!rdb_value_skip_string(&r->in) || !rdb_value_skip_string(&r->in) ||
			!rdb_input_length(&r->in, &has_description)))
		return false;
	if (has_description && !rdb_value_skip_string(&r->in))
		return false;
	return rdb_value_skip_string(&r->in);
}

static bool skip_module_aux(struct rdb *r)
{
	uint64_t id, number;

	r->not_carried[KIND_MODULE_AUX]++;
	/* When it is to be loaded: a number after its item code. */
	return rdb_input_length(&r->in, &id) && rdb_input_length(&r->in, &number) &&
	       rdb_input_length(&r->in, &number) && rdb_value_skip_module(&r->in);
}

static bool read_resizedb(struct rdb *r)
{
	uint64_t keys, deadlines;

	if (!rdb_input_length(&r->in, &keys) || !rdb_input_length(&r->in, &deadlines))
		return false;
	if (r->db == 0)
		r->keys_expected = keys;
	return true;
}

static bool read_end(struct rdb *r)
{
	uint64_t sum = rdb_input_crc(&r->in);
	uint64_t claimed;

	if (r->version >= VERSION_CHECKSUM) {
		if (!rdb_input_little(&r->in, CHECKSUM_LEN, &claimed))
			return false;
		if (claimed != 0 && claimed != sum)
			return rdb_input_fail(&r->in,
				"the checksum is wrong: damaged on the way or on disk; dump it "
				"again");
	}
	r->status = DYN_ENTROPY_END;
	return true;
}

static bool read_opcode(struct rdb *r, uint8_t opcode)
{
	struct rdb_input *in = &r->in;
	uint64_t number;

	switch (opcode) {
	case OPCODE_EXPIRETIME:
	case OPCODE_EXPIRETIME_MS:
		return read_deadline(r, opcode);
	case OPCODE_SELECTDB:
		return rdb_input_length(in, &r->db);
	case OPCODE_RESIZEDB:
		return read_resizedb(r);
	case OPCODE_AUX:
		return rdb_value_skip_string(in) && rdb_value_skip_string(in);
	case OPCODE_FREQ:
		return rdb_input_skip(in, 1);
	case OPCODE_IDLE:
		return rdb_input_length(in, &number);
	case OPCODE_SLOT_INFO:
		return rdb_input_length(in, &number) && rdb_input_length(in, &number) &&
		       rdb_input_length(in, &number);
	case OPCODE_FUNCTION2:
	case OPCODE_FUNCTION_PRE_GA:
		return skip_function(r, opcode);
	case OPCODE_MODULE_AUX:
		return skip_module_aux(r);
	case OPCODE_EOF:
		return read_end(r);
	default:
		return rdb_input_fail(in,
			"type or opcode %u is not known to RDB version %d: use the scan source, "
			"or a newer release",
			opcode, RDB_VERSION_MAX);
	}
}

/* Skip a value that is left out. */
static bool pass_over(struct rdb *r, uint8_t type)
{
	uint64_t id;
	bool empty;

	if (type != RDB_TYPE_MODULE_2)
		return rdb_value_skip(&r->in, type, &empty);
	return rdb_input_length(&r->in, &id) && rdb_value_skip_module(&r->in);
}

static bool pass_over_module(struct rdb *r)
{
	uint64_t id;

	if (!rdb_input_length(&r->in, &id))
		return false;
	r->not_carried[KIND_MODULE_KEY]++;
	remember_module(r, id);
	return rdb_value_skip_module(&r->in);
}

/* The value of the key that was just read, as a payload.  *given is false when it was left out. */
static bool read_value(struct rdb *r, uint8_t type, struct rdb_entry *entry, bool *given)
{
	struct rdb_body *b = &r->body;
	bool empty;

	rdb_body_begin(b);
	if (rdb_body_add(b, &type, 1, &r->in.error) != DYN_ENTROPY_OK)
		return false;
	rdb_input_tee(&r->in, rdb_body_add, b);
	if (!rdb_value_skip(&r->in, type, &empty) || !rdb_input_untee(&r->in))
		return false;
	if (empty || b->too_large) {
		r->not_carried[empty ? KIND_EMPTY : KIND_LARGE_VALUE]++;
		return true;
	}
	if (rdb_body_finish(b, r->version, &r->in.error) != DYN_ENTROPY_OK)
		return false;
	entry->key = buf_head(&r->key);
	entry->key_len = buf_len(&r->key);
	entry->deadline_ms = r->has_deadline ? r->deadline_ms : 0;
	entry->payload = b->spooled ? NULL : buf_head(&b->mem);
	entry->payload_len = b->len;
	entry->spool = b->spooled ? b->spool : NULL;
	*given = true;
	return true;
}

static bool read_entry(struct rdb *r, uint8_t type, struct rdb_entry *entry, bool *given)
{
	bool too_long;

	if (r->has_deadline && r->deadline_ms <= clock_wall_ms())
		return rdb_value_skip_string(&r->in) && pass_over(r, type);
	if (!read_key(r, &too_long))
		return false;
	if (r->db != 0) {
		/* Not those that would not be wanted either if they were in database 0. */
		r->not_carried[KIND_OTHER_DB] +=
			too_long || !r->owns ||
			r->owns(r->owns_arg, buf_head(&r->key), buf_len(&r->key));
		return pass_over(r, type);
	}
	if (too_long) {
		r->not_carried[KIND_LONG_KEY]++;
		return pass_over(r, type);
	}
	if (r->owns && !r->owns(r->owns_arg, buf_head(&r->key), buf_len(&r->key))) {
		r->not_owned++;
		return pass_over(r, type);
	}
	return type == RDB_TYPE_MODULE_2 ? pass_over_module(r) : read_value(r, type, entry, given);
}

static bool read_one(struct rdb *r, struct rdb_entry *entry, bool *given)
{
	uint8_t type;

	if (r->version == 0 && !read_header(r))
		return false;
	if (!rdb_input_byte(&r->in, &type))
		return false;
	if (!rdb_value_known(type))
		return read_opcode(r, type);
	if (!read_entry(r, type, entry, given))
		return false;
	r->has_deadline = false;
	return true;
}

enum dyn_entropy_status rdb_next(
	struct rdb *r, struct rdb_entry *entry, struct dyn_entropy_error *err)
{
	bool given = false;

	while (!given && r->status == DYN_ENTROPY_OK)
		if (!read_one(r, entry, &given))
			r->status = r->in.error.status;
	if (given || r->status == DYN_ENTROPY_END)
		return r->status;
	return error_set(err, r->status, "%s", r->in.error.message);
}

enum dyn_entropy_status rdb_rest(
	struct rdb *r, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	if (rdb_input_rest(&r->in, buf, cap, len))
		return DYN_ENTROPY_OK;
	r->status = r->in.error.status;
	return error_set(err, r->status, "%s", r->in.error.message);
}
