/*
 * route - which replicas a call goes to.
 *
 * A request that is routed is RESP, a read or a write, and without a fault.  Event loop's thread.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include "proto/request.h"
#include "proxy/call.h"

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;

/*
 * Of a client: a write goes to every rack here and to every other datacenter, a read to the local
 * rack, or to as many as its consistency level asks.
 */
void route_client(struct proxy *p, struct call *c, const struct request *r);

/* Of another node, for us alone (DNODE_REQUEST). */
void route_here(struct proxy *p, struct call *c, const struct request *r);

/* Of another datacenter's node (DNODE_REQUEST_FORWARD): for us, and to pass on to this datacenter's
 * other racks. */
void route_forward(struct proxy *p, struct call *c, const struct request *r);

#ifdef __cplusplus
}
#endif

#endif
