/*
 * datastore - the Redis behind this node, as a replica.
 *
 * Redis answers in order, so the oldest leg of a connection owns the next reply.  Event loop's
 * thread.
 */
#ifndef PROXY_DATASTORE_H
#define PROXY_DATASTORE_H

#include "proxy/replica.h"

#ifdef __cplusplus
extern "C" {
#endif

/* password: of Redis; NULL: none; borrowed.  NULL when memory is short, or the address is none. */
struct replica *datastore_new(const struct replica_options *options, const char *password);

#ifdef __cplusplus
}
#endif

#endif
