/*
 * follow - what the other racks are sent when a write depends on chance or on the clock: the local
 * rack carries it out, and from its reply follows the write that has the same effect.
 *
 *     SPOP key [count]     SREM key member ...
 *     XADD key ... *       the same with the id that the entry got
 *     XAUTOCLAIM           XCLAIM of the entries that were claimed
 *
 * No I/O.  Any thread.
 */
#ifndef PROTO_FOLLOW_H
#define PROTO_FOLLOW_H

#include "base/buf.h"
#include "proto/request_effect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum follow_result {
	FOLLOW_REQUEST, /* the request was appended to out */
	FOLLOW_NOTHING, /* the local rack changed nothing */
	FOLLOW_MISFIT,  /* not a reply of this command */
	FOLLOW_NO_MEMORY,
};

/* Whether the other racks are to follow the local one in this request, which is understood. */
static inline bool follow_applies(const struct request *r)
{
	uint8_t id = r->command->id;

	return id == COMMAND_ID_SPOP || id == COMMAND_ID_XAUTOCLAIM ||
	       (id == COMMAND_ID_XADD && request_xadd_star(r) != 0);
}

/*
 * Append the request that follows from the local rack's reply, a whole one, as RESP.  now_ms is the
 * wall clock.  *n is set for follow_agrees().
 */
enum follow_result follow_request(const struct request *r, const uint8_t *reply, size_t len,
	int64_t now_ms, struct buf *out, uint64_t *n);

/* Whether the reply to such a request, made for r, says that it had the same effect. */
bool follow_agrees(const struct request *r, const uint8_t *reply, size_t len, uint64_t n);

#ifdef __cplusplus
}
#endif

#endif
