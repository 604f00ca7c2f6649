/*
 * join - splits a request into parts, and makes one reply of their replies.
 *
 * A request with several keys (MGET, DEL, MSET, ...) is split into one request for each group of
 * keys that have the same owners.  No I/O.  Any thread.
 */
#ifndef PROXY_JOIN_H
#define PROXY_JOIN_H

#include "base/buf.h"
#include "proto/command.h"
#include "proto/request.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Append the request of one part, as RESP: the name, and for each key of the group the key and the
 * arguments that belong to it (by the command's step, such as MSET's value).  keys are indices of
 * arguments.  False when out of memory.
 */
bool join_write_part(struct buf *out, const struct request *r, const uint32_t *keys, size_t n_keys);

/* The reply of a part: one whole RESP reply. */
struct join_part {
	const uint8_t *reply;
	size_t len;
};

/*
 * Append the joined reply to out.  part_of[i] is the part that key i of the request was sent in;
 * keys keep their order within a part.  If parts answered with an error, or with a type that the
 * command does not return, the joined reply is the first error.  COMMAND_LEAST needs no part_of;
 * its first part must have a reply, and others without one (len 0) or with an error are left out.
 * False when out of memory.
 */
bool join_replies(struct buf *out, enum command_join join, const struct join_part *parts,
	size_t n_parts, const uint32_t *part_of, size_t n_keys);

#ifdef __cplusplus
}
#endif

#endif
