/*
 * counters - the figures that the proxy counts.  Plain values.  Any thread.
 */
#ifndef PROXY_COUNTERS_H
#define PROXY_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy_counters {
	size_t clients, links;       /* connections of clients and of other nodes, now */
	uint64_t client_connections; /* accepted */
	uint64_t client_turned_away; /* no room, or no descriptor */
	uint64_t client_requests, client_reads, client_writes, client_errors;
	uint64_t client_bytes_in, client_bytes_out;
	uint64_t peer_connections;              /* accepted */
	uint64_t peer_turned_away;              /* no room, or no descriptor */
	uint64_t peer_requests, peer_responses; /* of other nodes */
	size_t requests_under_way;              /* of both: not answered yet by all replicas */
	uint64_t timeouts;                      /* of both: not answered in time */
};

/* Of a replica: the datastore or a peer. */
struct replica_counters {
	uint64_t requests, replies;
	uint64_t failures; /* requests without an answer */
	uint64_t missed;   /* of those, writes, which this replica may not have */
	uint64_t bytes_out, bytes_in;
	uint64_t connects;
	size_t queued;     /* requests under way now */
	const char *state; /* of the first connection: uplink_state_name() */
	bool up;           /* at least one connection is up */
};

#ifdef __cplusplus
}
#endif

#endif
