/*
 * Fuzz target: what another node sends.  A header that is taken is the one that would be written;
 * what comes before its end is never taken or refused; and none is waited for without end.
 */
#include "proto/dnode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_parts(const uint8_t *data, size_t end, enum dnode_result whole)
{
	struct dnode_header h;
	const char *why = NULL;
	size_t used;
	bool was_bad = false;

	for (size_t len = 0; len < end; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		enum dnode_result result;

		if (!copy)
			abort();
		memcpy(copy, data, len);
		result = dnode_decode(&h, copy, len, &used, &why);
		free(copy);
		if (result == DNODE_DONE || (result == DNODE_BAD && whole != DNODE_BAD) ||
			(was_bad && result != DNODE_BAD))
			abort();
		was_bad = result == DNODE_BAD;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t head = size < DNODE_HEADER_MAX ? size : DNODE_HEADER_MAX, used = 0;
	uint8_t again[DNODE_HEADER_MAX];
	const char *why = NULL;
	struct dnode_header h;
	enum dnode_result result = dnode_decode(&h, data, size, &used, &why);

	if (result == DNODE_MORE && size >= DNODE_HEADER_MAX)
		abort();
	if (result == DNODE_BAD && !why)
		abort();
	if (result == DNODE_DONE) {
		if (used > head || h.data_len == 0 || h.data_len > DNODE_DATA_MAX ||
			h.payload_len > DNODE_PAYLOAD_MAX)
			abort();
		if (dnode_encode(&h, again) != used || memcmp(again, data, used) != 0)
			abort();
		head = used;
	}
	decode_parts(data, head, result);
	return 0;
}
