/*
 * route - sends a call to its replicas.
 *
 * The request is RESP, valid, and a read or a write.  Event loop's thread.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include "proto/request.h"
#include "proxy/call.h"
#include "proxy/lanes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;

/*
 * From a client: a write goes to every rack of this datacenter and to every other datacenter, a
 * read to the racks that its consistency level needs.
 */
void route_client(struct proxy *p, struct call *c, const struct request *r);

/* The keys of a request as the lanes see them. */
struct lane_keys route_lanes(const struct proxy *p, const struct request *r);

/* The second half of a write that the local rack was sent first: for all other racks. */
void route_others(struct proxy *p, struct call *c, const struct request *r);

/* From another node, for this node only (DNODE_REQUEST). */
void route_here(struct proxy *p, struct call *c, const struct request *r);

/* From a node of another datacenter (DNODE_REQUEST_FORWARD): for this node, and to be passed on to
 * the other racks of this datacenter. */
void route_forward(struct proxy *p, struct call *c, const struct request *r);

#ifdef __cplusplus
}
#endif

#endif
