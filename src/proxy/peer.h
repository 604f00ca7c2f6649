/*
 * peer - another node of the ring, as a replica: DNODE.
 *
 * Answers are matched by message id.  What a peer misses is what the entropy channel heals.  Event
 * loop's thread.
 */
#ifndef PROXY_PEER_H
#define PROXY_PEER_H

#include "proto/dnode_crypto.h"
#include "proxy/replica.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * rsa: borrowed; NULL: a plain connection.  A request is sent as a message of leg->type; the peer
 * is back (options->back) also when it missed requests while it was up, and takes them again.  NULL
 * when memory is short, or the address is none.
 */
struct replica *peer_new(
	const struct replica_options *options, const struct dnode_rsa *rsa, bool same_dc);

#ifdef __cplusplus
}
#endif

#endif
