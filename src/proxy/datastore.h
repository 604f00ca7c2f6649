/*
 * datastore - the Redis behind this node, as a replica.
 *
 * Redis answers in order, so the next reply is for the oldest leg of the connection.  Event loop's
 * thread.
 */
#ifndef PROXY_DATASTORE_H
#define PROXY_DATASTORE_H

#include "proxy/replica.h"

#ifdef __cplusplus
extern "C" {
#endif

/* password is that of Redis, NULL for none; borrowed.  NULL when out of memory, or the address is
 * not valid.  Release it with replica_free(). */
struct replica *datastore_new(const struct replica_options *options, const char *password);

#ifdef __cplusplus
}
#endif

#endif
