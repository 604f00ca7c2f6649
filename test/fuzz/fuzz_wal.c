/* The items of a log of writes: what is read is written back, and read the same again. */
#include "journal/wal.h"
#include "journal/wal_item.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read the item again from the bytes it is written as; those are canonical. */
static void check(const struct wal_item *it)
{
	struct buf first = {0}, second = {0};
	struct wal_reader reader = {0};
	struct wal_item again;
	bool bad;

	if (!wal_item_write(&first, it))
		abort();
	reader.at = buf_head(&first);
	reader.end = reader.at + buf_len(&first);
	if (!wal_item_read(&reader, &again, &bad) || reader.at != reader.end)
		abort();
	if (again.type != it->type || again.r.len != it->r.len ||
		again.r.n_entries != it->r.n_entries || !wal_item_write(&second, &again) ||
		buf_len(&first) != buf_len(&second) ||
		memcmp(buf_head(&first), buf_head(&second), buf_len(&first)) != 0)
		abort();
	wal_reader_fini(&reader);
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wal_reader reader = {.at = data, .end = data + size};
	uint64_t lanes[WAL_LANES_MAX];
	struct wal_item it;
	size_t body;
	bool bad;

	while (wal_item_read(&reader, &it, &bad)) {
		check(&it);
		if (it.bytes)
			wal_lanes_read(it.bytes, it.len, lanes);
	}
	wal_reader_fini(&reader);
	wal_batch_check(data, size, 1, 1, &body);
	return 0;
}
