/*
 * figures - every figure that the node reports: one table of names, units and meanings, from which
 * -D, the pages of control and the last line of the log are made.
 *
 * The figures are gathered by whoever has them into the structs below; here they only get their
 * names.  Any thread.
 */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

#include "base/json.h"
#include "heal/figures.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a figure describes: each scope has its struct. */
enum figures_scope {
	FIGURES_IDENTITY, /* struct figures_identity */
	FIGURES_NODE,     /* struct figures_node */
	FIGURES_POOL,     /* struct figures_pool */
	FIGURES_STORE,    /* struct figures_store */
	FIGURES_PEER,     /* struct figures_peer, for each other node of the ring */
	FIGURES_ENTROPY,  /* struct heal_figures */
	FIGURES_SCHEDULE, /* struct heal_schedule_figures */
	FIGURES_TARGET,   /* struct heal_target_figures, for each target of the entropy channel */
	FIGURES_SENDER,   /* struct heal_sender_figures, for each address that pushed to us */
	FIGURES_N_SCOPES,
};

/* Always 1: the labels identify the node. */
struct figures_identity {
	uint64_t info;
};

/* The process. */
struct figures_node {
	uint64_t uptime, resident_bytes, stats_count;
};

/* The proxy: its clients, incoming links, and all peers together. */
struct figures_pool {
	uint64_t client_connections, client_connections_accepted, client_connections_refused;
	uint64_t client_requests, client_read_requests, client_write_requests, client_errors;
	uint64_t client_request_bytes, client_response_bytes;
	uint64_t requests_under_way, timedout_requests;
	uint64_t dnode_client_connections, dnode_client_connections_accepted;
	uint64_t dnode_client_connections_refused;
	uint64_t dnode_client_requests, dnode_client_responses;
	uint64_t peers, peers_up;
	uint64_t peer_requests, peer_request_bytes, peer_responses, peer_response_bytes;
	uint64_t peer_failed_requests, peer_missed_writes, peer_queue;
};

/* The datastore behind the node. */
struct figures_store {
	uint64_t up, connects, requests, request_bytes, responses, response_bytes;
	uint64_t failed_requests, queue;
};

/* Another node of the ring, as this one reaches it. */
struct figures_peer {
	uint64_t up, connects, requests, request_bytes, responses, response_bytes;
	uint64_t failed_requests, missed_writes, queue;
};

/* For -D: write every figure with its unit and meaning. */
void control_figures_describe(FILE *to);

/* "name value, name value, ..." of all counters; cut to cap.  Returns text. */
const char *control_figures_format(const struct heal_figures *f, char *text, size_t cap);

/* Write the figures of a scope into the open object; values is the scope's struct. */
void control_figures_write_json(struct json *j, enum figures_scope scope, const void *values);

struct figures_label {
	const char *name, *value;
};

/* The figures of one instance of a scope (a peer, say), and the labels that identify it. */
struct figures_sample {
	const struct figures_label *labels;
	size_t n_labels;
	const void *values; /* the scope's struct */
};

/* Write the figures of n instances of a scope in the Prometheus text format, with HELP and TYPE. */
void control_figures_write_metrics(
	FILE *to, enum figures_scope scope, const struct figures_sample *samples, size_t n);

#ifdef __cplusplus
}
#endif

#endif
