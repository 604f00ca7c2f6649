/*
 * wire_header - the two headers of a session, version 1 of the wire protocol, as values and as
 * bytes.
 *
 * All fields are unsigned 32-bit big-endian on the wire.  Decoding refuses what is out of range
 * with DYN_ENTROPY_ERR_PROTOCOL, naming the field and its value.  Any thread.
 */
#ifndef ENTROPY_WIRE_HEADER_H
#define ENTROPY_WIRE_HEADER_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WIRE_HEADER_MAGIC            UINT32_C(0x64640001) /* the last hex digit is the version */
#define WIRE_HEADER_COMMAND_SEND     UINT32_C(1)          /* data flows from the connecting side */
#define WIRE_HEADER_NEGOTIATION_SIZE 20                   /* bytes of the negotiation header */

struct wire_header_negotiation {
	uint32_t magic;
	uint32_t command;
	uint32_t header_size; /* bytes of the snapshot header that follows */
	uint32_t buffer_size; /* maximum plaintext bytes per chunk */
	uint32_t cipher_size; /* maximum payload bytes per chunk */
};

struct wire_header_snapshot {
	uint32_t total_len;    /* plaintext bytes of the snapshot */
	uint32_t encrypt_flag; /* 0 or 1 */
};

/* Decoding refuses values that no session can have, and names them. */
void wire_header_negotiation_encode(
	const struct wire_header_negotiation *n, uint8_t out[WIRE_HEADER_NEGOTIATION_SIZE]);
enum dyn_entropy_status wire_header_negotiation_decode(struct wire_header_negotiation *n,
	const uint8_t in[WIRE_HEADER_NEGOTIATION_SIZE], struct dyn_entropy_error *err);

/* out and in are header_size bytes long; encoding zeroes the padding, decoding ignores it. */
enum dyn_entropy_status wire_header_snapshot_encode(const struct wire_header_snapshot *h,
	uint8_t *out, size_t header_size, struct dyn_entropy_error *err);
enum dyn_entropy_status wire_header_snapshot_decode(struct wire_header_snapshot *h,
	const uint8_t *in, size_t header_size, struct dyn_entropy_error *err);

/* A number on the wire, also the length before a chunk's payload. */
static inline void wire_header_put_u32(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 24);
	to[1] = (uint8_t)(v >> 16);
	to[2] = (uint8_t)(v >> 8);
	to[3] = (uint8_t)v;
}

static inline uint32_t wire_header_get_u32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

#ifdef __cplusplus
}
#endif

#endif
