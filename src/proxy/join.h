/*
 * join - one reply out of the replies of a request's parts.
 *
 * A request with several keys (MGET, DEL, MSET, ...) is split into one request for each group of
 * keys that have the same owners; here the answers come together again.  A plain value without I/O.
 * Event loop's thread.
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
 * The request of one part, as RESP: the name, and for each key of the group the key and what
 * belongs to it (the command's step: MSET's value).  keys are indices of arguments.  False when
 * memory is short.
 */
bool join_write_part(struct buf *out, const struct request *r, const uint32_t *keys, size_t n_keys);

/* What a part answered: one whole RESP reply. */
struct join_part {
	const uint8_t *reply;
	size_t len;
};

/*
 * Append the joined reply to out.  part_of[i] says which part key i of the request (in order) went
 * to; within a part the keys keep their order.  If a part answered with an error, or with something
 * the command cannot answer, that error (the first one's) is the joined reply.  Of COMMAND_LEAST,
 * which needs no part_of, the first part must have answered; others that have not (len 0), or with
 * an error, are left out.  False when memory is short.
 */
bool join_replies(struct buf *out, enum command_join join, const struct join_part *parts,
	size_t n_parts, const uint32_t *part_of, size_t n_keys);

#ifdef __cplusplus
}
#endif

#endif
