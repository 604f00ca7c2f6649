#include "base/clock.h"
#include "base/process.h"
#include "control/internal.h"

void control_gather_node(const struct control *c, struct figures_node *s)
{
	s->uptime = (uint64_t)(clock_monotonic_ms() - c->started_ms) / 1000;
	s->resident_bytes = process_resident_bytes();
	s->stats_count = c->requests;
}

/* ---- The proxy ---- */

static void add_peers(const struct control *c, struct figures_pool *s)
{
	s->peers = c->ring->n_nodes - 1;
	for (size_t i = 1; i < c->ring->n_nodes; i++) {
		struct figures_peer one;

		control_gather_peer(c, i, &one);
		s->peers_up += one.up;
		s->peer_requests += one.requests;
		s->peer_request_bytes += one.request_bytes;
		s->peer_responses += one.responses;
		s->peer_response_bytes += one.response_bytes;
		s->peer_failed_requests += one.failed_requests;
		s->peer_missed_writes += one.missed_writes;
		s->peer_queue += one.queue;
	}
}

void control_gather_pool(const struct control *c, struct figures_pool *s)
{
	struct proxy_counters of;

	proxy_count(c->proxy, &of);
	*s = (struct figures_pool){
		.client_connections = of.clients,
		.client_connections_accepted = of.client_connections,
		.client_connections_refused = of.client_turned_away,
		.client_requests = of.client_requests,
		.client_read_requests = of.client_reads,
		.client_write_requests = of.client_writes,
		.client_errors = of.client_errors,
		.client_request_bytes = of.client_bytes_in,
		.client_response_bytes = of.client_bytes_out,
		.requests_under_way = of.requests_under_way,
		.timedout_requests = of.timeouts,
		.dnode_client_connections = of.links,
		.dnode_client_connections_accepted = of.peer_connections,
		.dnode_client_connections_refused = of.peer_turned_away,
		.dnode_client_requests = of.peer_requests,
		.dnode_client_responses = of.peer_responses,
	};
	add_peers(c, s);
}

void control_gather_store(const struct control *c, struct figures_store *s)
{
	struct replica_counters of = {0};

	proxy_count_replica(c->proxy, 0, &of);
	*s = (struct figures_store){
		.up = of.up,
		.connects = of.connects,
		.requests = of.requests,
		.request_bytes = of.bytes_out,
		.responses = of.replies,
		.response_bytes = of.bytes_in,
		.failed_requests = of.failures,
		.queue = of.queued,
	};
}

void control_gather_peer(const struct control *c, size_t node, struct figures_peer *s)
{
	struct replica_counters of = {0};

	proxy_count_replica(c->proxy, node, &of);
	*s = (struct figures_peer){
		.up = of.up,
		.connects = of.connects,
		.requests = of.requests,
		.request_bytes = of.bytes_out,
		.responses = of.replies,
		.response_bytes = of.bytes_in,
		.failed_requests = of.failures,
		.missed_writes = of.missed,
		.queue = of.queued,
	};
}
