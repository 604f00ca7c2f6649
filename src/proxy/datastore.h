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

/* Its version, 0x0602 for 6.2, as it said when it was last connected; 0: it was not connected yet.
 * That of a Redis that does not tell is the highest. */
unsigned datastore_version(const struct replica *r);

#ifdef __cplusplus
}
#endif

#endif
