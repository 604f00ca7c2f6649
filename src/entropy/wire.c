#include "entropy/wire.h"

#include "entropy/error.h"
#include "entropy/pages.h"
#include "entropy/wire_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LEN_SIZE    4                    /* the length before each payload */
#define PIECE_BYTES ((size_t)256 * 1024) /* what wire_out_next aims at */
#define LANE_GAP    64                   /* keeps lanes of 2^n bytes from sharing cache sets */

/* ---- Outbound ---- */

struct wire_out {
	struct wire_out_options options;
	size_t lanes;        /* chunks made at a time */
	size_t plain_stride; /* bytes from one chunk's plaintext to the next in plain */
	uint8_t *plain;      /* plain_cap bytes; NULL for plaintext, which is read into place */
	size_t plain_cap;
	uint8_t *wire; /* what wire_out_next gives */
	size_t wire_cap, wire_len;
	struct dyn_entropy_source *source;
	uint32_t total_len;
	uint32_t done; /* plaintext bytes made into chunks */
	bool headers_sent;
};

static size_t payload_len(const struct wire_out *w, size_t plain_len)
{
	return w->options.cipher ? CIPHER_LEN(plain_len) : plain_len;
}

enum dyn_entropy_status wire_out_new(const struct wire_out_options *options, struct wire_out **out,
	struct dyn_entropy_error *err)
{
	struct wire_out *w = calloc(1, sizeof(*w));
	size_t lanes = PIECE_BYTES / options->buffer_size;

	if (!w)
		return error_no_memory(err);
	w->options = *options;
	w->lanes = lanes < 1 ? 1 : lanes > CIPHER_LANES ? CIPHER_LANES : lanes;
	w->plain_stride = options->buffer_size + LANE_GAP;
	w->plain_cap = w->lanes * w->plain_stride;
	w->plain = options->cipher ? pages_new(w->plain_cap) : NULL;
	/* The headers go with the first chunks; small chunks are collected into one piece. */
	w->wire_cap = WIRE_HEADER_NEGOTIATION_SIZE + options->header_size + PIECE_BYTES +
		      w->lanes * (LEN_SIZE + CIPHER_LEN((size_t)options->buffer_size));
	w->wire = pages_new(w->wire_cap);
	if (!w->wire || (options->cipher && !w->plain)) {
		wire_out_free(w);
		return error_no_memory(err);
	}
	*out = w;
	return DYN_ENTROPY_OK;
}

void wire_out_free(struct wire_out *w)
{
	if (!w)
		return;
	pages_free(w->plain, w->plain_cap);
	pages_free(w->wire, w->wire_cap);
	free(w);
}

void wire_out_begin(struct wire_out *w, struct dyn_entropy_source *source, uint32_t total_len)
{
	w->source = source;
	w->total_len = total_len;
	w->done = 0;
	w->headers_sent = false;
}

uint32_t wire_out_plain_bytes(const struct wire_out *w)
{
	return w->done;
}

static enum dyn_entropy_status put_headers(struct wire_out *w, struct dyn_entropy_error *err)
{
	const struct wire_header_negotiation n = {
		.magic = WIRE_HEADER_MAGIC,
		.command = WIRE_HEADER_COMMAND_SEND,
		.header_size = w->options.header_size,
		.buffer_size = w->options.buffer_size,
		.cipher_size = w->options.buffer_size + DYN_ENTROPY_BLOCK_SIZE,
	};
	const struct wire_header_snapshot h = {
		.total_len = w->total_len,
		.encrypt_flag = w->options.cipher != NULL,
	};

	wire_header_negotiation_encode(&n, w->wire);
	w->wire_len = WIRE_HEADER_NEGOTIATION_SIZE + w->options.header_size;
	w->headers_sent = true;
	return wire_header_snapshot_encode(
		&h, w->wire + WIRE_HEADER_NEGOTIATION_SIZE, w->options.header_size, err);
}

static enum dyn_entropy_status read_full(
	struct wire_out *w, uint8_t *to, size_t len, struct dyn_entropy_error *err)
{
	while (len > 0) {
		size_t n = 0;
		enum dyn_entropy_status status =
			w->source->ops->read(w->source->self, to, len, &n, err);

		if (status != DYN_ENTROPY_OK)
			return status;
		if (n == 0 || n > len)
			return error_set(err, DYN_ENTROPY_ERR_SOURCE,
				"the source announced a snapshot of %" PRIu32
				" bytes and ended before the last of them",
				w->total_len);
		to += n;
		len -= n;
	}
	return DYN_ENTROPY_OK;
}

/* Append n chunks of len plaintext bytes each to w->wire. */
static enum dyn_entropy_status put_chunks(
	struct wire_out *w, size_t n, size_t len, struct dyn_entropy_error *err)
{
	size_t payload = payload_len(w, len);
	uint8_t *first = w->wire + w->wire_len + LEN_SIZE;
	const struct cipher_chunks chunks = {
		.plain = w->plain,
		.plain_stride = w->plain_stride,
		.out = first,
		.out_stride = LEN_SIZE + payload,
		.len = len,
		.n = n,
	};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (size_t i = 0; i < n && status == DYN_ENTROPY_OK; i++) {
		uint8_t *out = first + i * chunks.out_stride;

		wire_header_put_u32(out - LEN_SIZE, (uint32_t)payload);
		status = read_full(w, w->plain ? w->plain + i * w->plain_stride : out, len, err);
	}
	if (status == DYN_ENTROPY_OK && w->options.cipher)
		status = cipher_encrypt(w->options.cipher, &chunks, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	w->wire_len += n * chunks.out_stride;
	w->done += (uint32_t)(n * len);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status wire_out_next(
	struct wire_out *w, const uint8_t **bytes, size_t *len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	w->wire_len = 0;
	if (!w->headers_sent)
		status = put_headers(w, err);
	while (status == DYN_ENTROPY_OK && w->done < w->total_len && w->wire_len < PIECE_BYTES) {
		uint32_t left = w->total_len - w->done;
		size_t whole = left / w->options.buffer_size;

		if (whole > 0)
			status = put_chunks(w, whole < w->lanes ? whole : w->lanes,
				w->options.buffer_size, err);
		else
			status = put_chunks(w, 1, left, err);
	}
	*bytes = w->wire;
	*len = w->wire_len;
	return status;
}

/* ---- Inbound ---- */

enum in_state {
	IN_NEGOTIATION,
	IN_HEADER,
	IN_CHUNK_LEN,
	IN_PAYLOAD,
	IN_END,
};

struct wire_in {
	struct wire_in_options options;
	enum in_state state;
	size_t need; /* bytes of the unit that state expects */
	struct wire_header_negotiation negotiation;
	struct wire_header_snapshot header;
	uint32_t delivered;
	/* A partly received unit: it grows with the bytes received, not with the announced length.
	 */
	struct pages unit;
	size_t unit_len;
	struct pages plain; /* scratch to decrypt into */
};

enum dyn_entropy_status wire_in_new(
	const struct wire_in_options *options, struct wire_in **out, struct dyn_entropy_error *err)
{
	struct wire_in *w = calloc(1, sizeof(*w));

	if (!w)
		return error_no_memory(err);
	w->options = *options;
	w->state = IN_NEGOTIATION;
	w->need = WIRE_HEADER_NEGOTIATION_SIZE;
	*out = w;
	return DYN_ENTROPY_OK;
}

void wire_in_free(struct wire_in *w)
{
	if (!w)
		return;
	pages_fini(&w->unit);
	pages_fini(&w->plain);
	free(w);
}

static void expect(struct wire_in *w, enum in_state state, size_t need)
{
	w->state = state;
	w->need = need;
}

static void expect_chunk_or_end(struct wire_in *w)
{
	if (w->delivered == w->header.total_len)
		expect(w, IN_END, 0);
	else
		expect(w, IN_CHUNK_LEN, LEN_SIZE);
}

static enum dyn_entropy_status take_header(
	struct wire_in *w, const uint8_t *unit, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status =
		wire_header_snapshot_decode(&w->header, unit, w->need, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	if (w->options.cipher && !w->header.encrypt_flag)
		return error_by_setting(err, "encrypt",
			error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
				"a plaintext snapshot, but this receiver is configured to "
				"encrypt"));
	if (!w->options.cipher && w->header.encrypt_flag)
		return error_by_setting(err, "encrypt",
			error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
				"an encrypted snapshot, but this receiver is configured for "
				"plaintext"));
	if (w->header.total_len > w->options.max_snapshot_bytes)
		return error_by_setting(err, "max_snapshot_bytes",
			error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
				"a snapshot of %" PRIu32 " bytes, but this receiver takes %" PRIu64
				" at the most",
				w->header.total_len, w->options.max_snapshot_bytes));
	expect_chunk_or_end(w);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_chunk_len(
	struct wire_in *w, const uint8_t *unit, struct dyn_entropy_error *err)
{
	uint32_t len = wire_header_get_u32(unit);

	if (len == 0)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL, "a chunk of zero bytes");
	if (len > w->negotiation.cipher_size)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"a chunk of %" PRIu32 " bytes, more than the cipher_size %" PRIu32
			" of its session",
			len, w->negotiation.cipher_size);
	if (w->options.cipher && len % DYN_ENTROPY_BLOCK_SIZE)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"an encrypted chunk of %" PRIu32
			" bytes: must be a positive multiple of %d",
			len, DYN_ENTROPY_BLOCK_SIZE);
	if (!w->options.cipher && len > w->header.total_len - w->delivered)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"a chunk goes beyond the snapshot's %" PRIu32 " bytes",
			w->header.total_len);
	expect(w, IN_PAYLOAD, len);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_payload(
	struct wire_in *w, const uint8_t *unit, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	const uint8_t *plain = unit;
	size_t len = w->need;

	if (w->options.cipher) {
		if (!pages_reserve(&w->plain, len))
			return error_no_memory(err);
		status =
			cipher_decrypt(w->options.cipher, unit, w->need, w->plain.bytes, &len, err);
		plain = w->plain.bytes;
	}
	if (status != DYN_ENTROPY_OK)
		return status;
	if (len > w->header.total_len - w->delivered)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"a chunk goes beyond the snapshot's %" PRIu32 " bytes",
			w->header.total_len);
	if (w->options.deliver)
		status = w->options.deliver(w->options.deliver_arg, plain, len, err);
	w->delivered += (uint32_t)len;
	expect_chunk_or_end(w);
	return status;
}

static enum dyn_entropy_status take_unit(
	struct wire_in *w, const uint8_t *unit, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	switch (w->state) {
	case IN_NEGOTIATION:
		status = wire_header_negotiation_decode(&w->negotiation, unit, err);
		if (status == DYN_ENTROPY_OK)
			expect(w, IN_HEADER, w->negotiation.header_size);
		return status;
	case IN_HEADER:
		return take_header(w, unit, err);
	case IN_CHUNK_LEN:
		return take_chunk_len(w, unit, err);
	case IN_PAYLOAD:
		return take_payload(w, unit, err);
	case IN_END:
		break;
	}
	return error_set(err, DYN_ENTROPY_ERR_PROTOCOL, "bytes after the end of the snapshot");
}

enum dyn_entropy_status wire_in_feed(
	struct wire_in *w, const uint8_t *bytes, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	while (len > 0 && status == DYN_ENTROPY_OK) {
		size_t n = w->need - w->unit_len;

		if (w->unit_len == 0 && len >= w->need) {
			/* The usual case, and the only one in IN_END: the whole unit is here. */
			n = w->need;
			status = take_unit(w, bytes, err);
		} else {
			if (n > len)
				n = len;
			if (!pages_reserve(&w->unit, w->unit_len + n))
				return error_no_memory(err);
			memcpy(w->unit.bytes + w->unit_len, bytes, n);
			w->unit_len += n;
			if (w->unit_len == w->need) {
				status = take_unit(w, w->unit.bytes, err);
				w->unit_len = 0;
			}
		}
		bytes += n;
		len -= n;
	}
	return status;
}

enum dyn_entropy_status wire_in_finish(const struct wire_in *w, struct dyn_entropy_error *err)
{
	if (w->state == IN_END)
		return DYN_ENTROPY_OK;
	if (!wire_in_has_headers(w))
		return error_set(
			err, DYN_ENTROPY_ERR_PROTOCOL, "the stream ended within the headers");
	return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
		"the stream ended after %" PRIu32 " of the snapshot's %" PRIu32 " bytes",
		w->delivered, w->header.total_len);
}

bool wire_in_has_headers(const struct wire_in *w)
{
	return w->state > IN_HEADER;
}

uint32_t wire_in_total_len(const struct wire_in *w)
{
	return wire_in_has_headers(w) ? w->header.total_len : 0;
}

uint32_t wire_in_delivered(const struct wire_in *w)
{
	return w->delivered;
}
