/* The RDB walker: the first byte says in what pieces the rest, an RDB, is given to it. */
#include "entropy/rdb.h"
#include "entropy/spool.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
	size_t piece;
};

static enum dyn_entropy_status give(
	void *arg, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct input *in = arg;
	size_t n = in->size < in->piece ? in->size : in->piece;

	(void)err;
	*len = n < cap ? n : cap;
	memcpy(buf, in->data, *len);
	in->data += *len;
	in->size -= *len;
	return DYN_ENTROPY_OK;
}

static bool owns_most(void *arg, const void *key, size_t len)
{
	(void)arg;
	return len == 0 || *(const char *)key != 'x';
}

/* What an entry must be, whatever came in. */
static void check(const struct rdb_entry *e)
{
	if (e->payload_len < 11 || !e->payload != (e->spool != NULL) || e->key_len > RDB_KEY_MAX ||
		e->deadline_ms < 0 || (e->spool && spool_len(e->spool) != e->payload_len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct rdb_options options = {
		.read = give,
		.read_arg = &in,
		.name = "fuzz",
		.owns = owns_most,
		.payload_max = 100000,
	};
	struct dyn_entropy_source_totals totals;
	enum dyn_entropy_status status;
	struct dyn_entropy_error err;
	struct rdb_entry entry;
	struct rdb *r;
	uint8_t rest[40];
	size_t len;

	if (size < 1 || data[0] == 0)
		return 0;
	in.data = data + 1;
	in.size = size - 1;
	in.piece = data[0];
	if (rdb_new(&options, &r, &err) != DYN_ENTROPY_OK)
		return 0;
	while ((status = rdb_next(r, &entry, &err)) == DYN_ENTROPY_OK)
		check(&entry);
	if (status != DYN_ENTROPY_END && status != DYN_ENTROPY_ERR_SOURCE)
		abort();
	rdb_totals(r, &totals);
	if (status == DYN_ENTROPY_END && rdb_rest(r, rest, sizeof(rest), &len, &err) != 0)
		abort();
	rdb_free(r);
	return 0;
}
