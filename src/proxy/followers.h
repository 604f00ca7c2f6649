/*
 * followers - the racks that follow the local one in a write that depends on chance or on the
 * clock.
 *
 * The local rack is sent the write alone.  When it has carried it out, the others are sent what has
 * the same effect (proto/follow.h), with the same stamp, before the client gets its answer.
 * Event loop's thread.
 */
#ifndef PROXY_FOLLOWERS_H
#define PROXY_FOLLOWERS_H

#include "proto/request.h"
#include "proxy/call.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;
struct followers;

/* The others are to follow in this request; call->followers is set.  False when out of memory. */
bool followers_begin(struct proxy *p, struct call *c, const struct request *r);

/*
 * The local rack's leg of a call with followers has ended: send the others what follows from its
 * reply.  Where nothing follows, because it changed nothing, refused, or failed (NULL), they are
 * sent the request itself if a quorum needs their answers.  Does nothing the second time.
 */
void followers_send(struct call *c, const struct reply *reply);

/* The reply of another rack for the quorum: if it says the same as the local one's, that. */
void followers_translate(const struct call *c, struct reply *reply);

/* NULL is harmless. */
void followers_free(struct followers *f);

#ifdef __cplusplus
}
#endif

#endif
