/*
 * figures - what the proxy counts, in the structs that are shown, and the tables of what each field
 * means.  All fields are uint64_t.  Plain values: any thread.
 */
#ifndef PROXY_FIGURES_H
#define PROXY_FIGURES_H

#include "base/figure.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Its clients, the nodes that ask it, and the nodes that it asks, taken together. */
struct proxy_figures {
	uint64_t client_connections, client_connections_accepted; /* now, and since the start */
	uint64_t client_connections_refused;                      /* no room, or no descriptor */
	uint64_t client_requests, client_read_requests, client_write_requests, client_errors;
	uint64_t client_request_bytes, client_response_bytes;
	/* Of clients and nodes: whose replicas have not all answered, not answered in time. */
	uint64_t requests_under_way, timedout_requests;
	uint64_t dnode_client_connections, dnode_client_connections_accepted;
	uint64_t dnode_client_connections_refused;
	uint64_t dnode_client_requests, dnode_client_responses;
	uint64_t peers, peers_up;
	uint64_t peer_requests, peer_request_bytes, peer_responses, peer_response_bytes;
	uint64_t peer_failed_requests, peer_missed_writes, peer_queue;
};

/* Of the datastore, or of a peer. */
struct replica_figures {
	uint64_t up; /* 1 while a connection is */
	uint64_t connects, requests, request_bytes, responses, response_bytes;
	uint64_t failed_requests; /* without an answer */
	uint64_t missed_writes;   /* of them, writes: what this replica may not have */
	uint64_t queue;           /* under way now */
};

extern const struct figure_table proxy_figures_pool;      /* of struct proxy_figures */
extern const struct figure_table proxy_figures_datastore; /* of struct replica_figures */
extern const struct figure_table proxy_figures_peer;      /* the same, for a peer */

#ifdef __cplusplus
}
#endif

#endif
