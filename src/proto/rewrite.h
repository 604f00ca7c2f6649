/*
 * rewrite - makes times in a request absolute, so that every replica sets the same.
 *
 *     SETEX, PSETEX            SET key value PXAT ms
 *     SET, GETEX with EX, PX   the same with PXAT
 *     EXPIRE, PEXPIRE          PEXPIREAT, with the same options
 *     HEXPIRE, HPEXPIRE        HPEXPIREAT, likewise
 *     RESTORE with a ttl       the same with ABSTTL
 *     XCLAIM                   the same with TIME
 *
 * The reply stays the same.  A request that Redis refuses is left as it is, so that its error names
 * what the client sent; so is what sets no deadline, such as EXPIRE with a number up to 0.  No I/O.
 * Any thread.
 */
#ifndef PROTO_REWRITE_H
#define PROTO_REWRITE_H

#include "base/buf.h"
#include "proto/request.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rewrite_result {
	REWRITE_UNCHANGED, /* nothing was appended */
	REWRITE_DONE,
	REWRITE_NO_MEMORY,
};

/* A quick look: false for most of what rewrite_request() leaves as it is. */
static inline bool rewrite_may_change(const struct request *r)
{
	return r->kind == COMMAND_WRITE && r->command->id != COMMAND_ID_NONE &&
	       (r->command->id != COMMAND_ID_SET || r->argc > 3);
}

/*
 * Append the rewritten request to out, as RESP.  r is RESP and a valid write; now_ms is the wall
 * clock.  redis is the version of the datastores, 0x0602 for 6.2, 0 if unknown: PXAT is used from
 * 6.2 on, an option with PEXPIREAT from 7.0 on.
 */
enum rewrite_result rewrite_request(
	const struct request *r, int64_t now_ms, unsigned redis, struct buf *out);

#ifdef __cplusplus
}
#endif

#endif
