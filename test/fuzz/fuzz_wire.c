/*
 * The inbound half of the wire: headers, chunks and their ciphers.  The first byte says whether it
 * is to be encrypted and in what pieces the rest, a session, is fed.
 */
#include "entropy/material.h"
#include "entropy/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAKES_AT_MOST 100000

/* What came of a session. */
struct outcome {
	enum dyn_entropy_status status;
	uint64_t delivered;
	uint32_t sum; /* of the bytes delivered */
};

static enum dyn_entropy_status deliver(
	void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	struct outcome *o = arg;
	const uint8_t *from = bytes;

	(void)err;
	if (len == 0)
		abort();
	o->delivered += len;
	for (size_t i = 0; i < len; i++)
		o->sum = o->sum * 31 + from[i];
	return DYN_ENTROPY_OK;
}

static struct cipher *sample_cipher(void)
{
	static struct cipher *cipher;
	struct dyn_entropy_material m;

	if (!cipher) {
		memcpy(m.key, "0123456789012345", sizeof(m.key));
		memcpy(m.iv, "0123456789012345", sizeof(m.iv));
		if (cipher_new(&m, &cipher, NULL) != DYN_ENTROPY_OK)
			abort();
	}
	return cipher;
}

static struct outcome feed(const uint8_t *data, size_t size, bool encrypt, size_t piece)
{
	struct outcome o = {0};
	const struct wire_in_options options = {
		.cipher = encrypt ? sample_cipher() : NULL,
		.max_snapshot_bytes = TAKES_AT_MOST,
		.deliver = deliver,
		.deliver_arg = &o,
	};
	struct dyn_entropy_error err = {0};
	struct wire_in *w = NULL;

	if (wire_in_new(&options, &w, &err) != DYN_ENTROPY_OK)
		abort();
	while (size > 0 && o.status == DYN_ENTROPY_OK) {
		size_t n = size < piece ? size : piece;

		o.status = wire_in_feed(w, data, n, &err);
		data += n;
		size -= n;
	}
	if (o.status == DYN_ENTROPY_OK)
		o.status = wire_in_finish(w, &err);
	if (o.delivered > wire_in_total_len(w) || o.delivered > TAKES_AT_MOST)
		abort();
	if (o.status == DYN_ENTROPY_OK && o.delivered != wire_in_total_len(w))
		abort();
	if (o.status != DYN_ENTROPY_OK && (err.status != o.status || !err.message[0]))
		abort();
	wire_in_free(w);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	bool encrypt;
	size_t piece;

	if (size == 0)
		return 0;
	encrypt = data[0] & 1;
	piece = 1 + (data[0] >> 1);
	whole = feed(data + 1, size - 1, encrypt, SIZE_MAX);
	pieces = feed(data + 1, size - 1, encrypt, piece);
	/* How it was cut on its way must not matter. */
	if (whole.status != pieces.status || whole.delivered != pieces.delivered ||
		whole.sum != pieces.sum)
		abort();
	return 0;
}
