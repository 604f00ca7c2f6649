/*
 * peer - another node of the ring, as a replica: DNODE.
 *
 * Replies are matched by message id.  The entropy channel heals the writes that a peer missed.
 * Event loop's thread.
 */
#ifndef PROXY_PEER_H
#define PROXY_PEER_H

#include "proto/dnode_crypto.h"
#include "proxy/replica.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * rsa: borrowed; NULL: a plain connection.  A request is sent as a message of leg->type.
 * options->back is also called when a peer that missed requests while it was up takes them again.
 * NULL when out of memory, or the address is not valid.  Release it with replica_free().
 */
struct replica *peer_new(
	const struct replica_options *options, const struct dnode_rsa *rsa, bool same_dc);

/* It answered a write that the local rack carried out with an error of this code: it has missed
 * that. */
void peer_refused(struct replica *r, const char *code);

#ifdef __cplusplus
}
#endif

#endif
