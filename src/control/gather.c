#include "base/clock.h"
#include "base/process.h"
#include "control/internal.h"

#include <math.h>

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

/* ---- The entropy channel ---- */

void control_gather_schedule(const struct control *c, struct figures_schedule *s)
{
	int64_t next_ms = healer_next_round_ms(c->healer);

	s->running = healer_is_running(c->healer);
	s->next_round = next_ms < 0 ? (double)NAN : (double)next_ms / 1e3;
}

void control_gather_push(const struct heal_ledger_target *p, struct figures_push *s)
{
	bool ever = p->ended_ms > 0;

	*s = (struct figures_push){
		.rounds = p->rounds,
		.rounds_failed = p->rounds_failed,
		.snapshots_sent = p->snapshots,
		.keys_sent = p->keys,
		.bytes_sent = p->bytes,
		.last_ok = ever && p->last.status == DYN_ENTROPY_OK,
		.last_keys = p->last.last.keys,
		.last_bytes = p->last.last.bytes,
		.last_seconds = ever ? p->last.last.seconds : (double)NAN,
		.last_round = ever ? (double)p->ended_ms / 1e3 : (double)NAN,
	};
}

void control_gather_sender(const struct heal_ledger_sender *p, struct figures_sender *s)
{
	*s = (struct figures_sender){
		.snapshots_committed = p->snapshots,
		.connections_failed = p->failed,
		.bytes_received = p->bytes,
		.commands = p->commands,
		.applied = p->applied,
		.kept = p->kept,
		.failed = p->commands_failed,
		.last_seconds = p->seconds,
		.last_connection = (double)p->ended_ms / 1e3,
	};
}
