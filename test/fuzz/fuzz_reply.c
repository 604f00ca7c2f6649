/*
 * Fuzz target: what a datastore sends.  However the bytes are cut, the replies in them end at the
 * same places.
 */
#include "proto/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One reply from pieces of this size, each in memory of its own. */
static enum reply_result scan_pieces(
	struct reply_scanner *s, const uint8_t *data, size_t size, size_t piece, size_t *end)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece, used = 0;
		enum reply_result result;
		uint8_t *copy = malloc(n);

		if (!copy)
			abort();
		memcpy(copy, data + at, n);
		result = reply_scan(s, copy, n, &used);
		free(copy);
		if (used > n || (result == REPLY_MORE && used != n))
			abort();
		*end = at + used;
		if (result != REPLY_MORE)
			return result;
	}
	return REPLY_MORE;
}

static void look_inside(const uint8_t *data, size_t len)
{
	int64_t value;
	uint64_t n;
	size_t used;

	if (reply_integer(data, len, &value) && data[0] != ':')
		abort();
	if (reply_array(data, len, &n, &used) && (data[0] != '*' || used > len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 3, 7, 64};
	struct reply_scanner whole = {0};
	size_t end = 0;

	for (size_t n = 0; size > 0; n++) {
		enum reply_result result = reply_scan(&whole, data, size, &end);
		struct reply_scanner cut = {0};
		size_t cut_end = 0;

		if (scan_pieces(&cut, data, size, pieces[n % 5], &cut_end) != result ||
			(result == REPLY_DONE && cut_end != end) || cut.type != whole.type)
			abort();
		if (result != REPLY_DONE)
			break;
		if (end == 0 || whole.type != (char)data[0])
			abort();
		look_inside(data, end);
		data += end;
		size -= end;
	}
	return 0;
}
