#include "entropy/wire_header.h"

#include "entropy/error.h"

#include <inttypes.h>
#include <string.h>

void wire_header_negotiation_encode(
	const struct wire_header_negotiation *n, uint8_t out[WIRE_HEADER_NEGOTIATION_SIZE])
{
	wire_header_put_u32(out, n->magic);
	wire_header_put_u32(out + 4, n->command);
	wire_header_put_u32(out + 8, n->header_size);
	wire_header_put_u32(out + 12, n->buffer_size);
	wire_header_put_u32(out + 16, n->cipher_size);
}

static enum dyn_entropy_status check_range(const char *field, uint32_t value, uint32_t min,
	uint32_t max, struct dyn_entropy_error *err)
{
	if (value >= min && value <= max)
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
		"negotiation header: %s %" PRIu32 " is out of range (%" PRIu32 "..%" PRIu32 ")",
		field, value, min, max);
}

enum dyn_entropy_status wire_header_negotiation_decode(struct wire_header_negotiation *n,
	const uint8_t in[WIRE_HEADER_NEGOTIATION_SIZE], struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	n->magic = wire_header_get_u32(in);
	n->command = wire_header_get_u32(in + 4);
	n->header_size = wire_header_get_u32(in + 8);
	n->buffer_size = wire_header_get_u32(in + 12);
	n->cipher_size = wire_header_get_u32(in + 16);
	if (n->magic != WIRE_HEADER_MAGIC)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"negotiation header: bad magic 0x%08" PRIx32 ", expected 0x%08" PRIx32
			": not an entropy sender, or of another version",
			n->magic, WIRE_HEADER_MAGIC);
	if (n->command != WIRE_HEADER_COMMAND_SEND)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"negotiation header: unknown command %" PRIu32, n->command);
	status = check_range("header_size", n->header_size, DYN_ENTROPY_HEADER_SIZE_MIN,
		DYN_ENTROPY_HEADER_SIZE_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_range(
			"buffer_size", n->buffer_size, 1, DYN_ENTROPY_BUFFER_SIZE_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_range(
			"cipher_size", n->cipher_size, 1, DYN_ENTROPY_CIPHER_SIZE_MAX, err);
	return status;
}

enum dyn_entropy_status wire_header_snapshot_encode(const struct wire_header_snapshot *h,
	uint8_t *out, size_t header_size, struct dyn_entropy_error *err)
{
	if (header_size < DYN_ENTROPY_HEADER_SIZE_MIN)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"header_size %zu is smaller than the %" PRIu32
			" bytes that the header needs",
			header_size, DYN_ENTROPY_HEADER_SIZE_MIN);
	memset(out, 0, header_size);
	wire_header_put_u32(out, h->total_len);
	wire_header_put_u32(out + 4, h->encrypt_flag);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status wire_header_snapshot_decode(struct wire_header_snapshot *h,
	const uint8_t *in, size_t header_size, struct dyn_entropy_error *err)
{
	if (header_size < DYN_ENTROPY_HEADER_SIZE_MIN)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"snapshot header: %zu bytes are too few, it has %" PRIu32 " at least",
			header_size, DYN_ENTROPY_HEADER_SIZE_MIN);
	h->total_len = wire_header_get_u32(in);
	h->encrypt_flag = wire_header_get_u32(in + 4);
	if (h->encrypt_flag > 1)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"snapshot header: unknown encrypt_flag %" PRIu32 ", must be 0 or 1",
			h->encrypt_flag);
	if (h->total_len > DYN_ENTROPY_SNAPSHOT_MAX)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"snapshot header: total_len 0xFFFFFFFF is not a length");
	return DYN_ENTROPY_OK;
}
