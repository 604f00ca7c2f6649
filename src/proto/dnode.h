/*
 * dnode - the framing of messages between nodes, as in Dynomite.
 *
 *     "   $2014$ ID TYPE FLAGS 1 SAME_DC *DATA_LEN DATA *PAYLOAD_LEN\r\n" PAYLOAD
 *
 * The payload is a Redis request or reply, encrypted when flags say so.  No I/O.  Any thread.
 */
#ifndef PROTO_DNODE_H
#define PROTO_DNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DNODE_DATA_MAX    512 /* an RSA block of 4096 bits */
#define DNODE_PAYLOAD_MAX ((size_t)1024 * 1024 * 1024)
#define DNODE_HEADER_MAX  (96 + DNODE_DATA_MAX) /* bytes from the three spaces to CRLF */

enum dnode_type {
	DNODE_REQUEST = 3,
	DNODE_REQUEST_FORWARD =
		4, /* the receiver forwards it to the other racks of its datacenter */
	DNODE_RESPONSE = 5,
};

#define DNODE_FLAG_ENCRYPTED 1u

/* The data of a message without any, and of a write whose id is its stamp.  Nodes that know no
 * stamps pass over both. */
#define DNODE_DATA_NONE  "d"
#define DNODE_DATA_STAMP "s"

struct dnode_header {
	uint64_t id;
	uint8_t type; /* enum dnode_type */
	uint8_t flags;
	bool same_dc;
	const uint8_t *data; /* borrowed: points into the decoded bytes, or to bytes to encode */
	size_t data_len;     /* 1..DNODE_DATA_MAX; a single byte when there is no data */
	size_t payload_len;
};

enum dnode_result {
	DNODE_MORE,
	DNODE_DONE, /* the payload starts at *used */
	DNODE_BAD,
};

/* Decode a header at the start of bytes; unknown types, versions, flags and lengths out of range
 * are DNODE_BAD. */
enum dnode_result dnode_decode(
	struct dnode_header *h, const uint8_t *bytes, size_t len, size_t *used, const char **why);

/* Encode into out, which has DNODE_HEADER_MAX bytes; returns the length. */
size_t dnode_encode(const struct dnode_header *h, uint8_t *out);

#ifdef __cplusplus
}
#endif

#endif
