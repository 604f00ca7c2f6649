#include "control/figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum figure_type {
	COUNTER, /* uint64_t, only ever grows */
	GAUGE,   /* uint64_t */
	FLAG,    /* uint64_t, 0 or 1 */
	SECONDS, /* double gauge; NaN: no value */
};

struct figure {
	enum figures_scope scope;
	enum figure_type type;
	const char *name;   /* in JSON, -D and the log */
	const char *metric; /* in /metrics, after dynomite_; NULL: it is the sum of others there */
	const char *unit;
	const char *help;
	size_t offset;
};

static const char *const titles[FIGURES_N_SCOPES] = {
	[FIGURES_IDENTITY] = "The node",
	[FIGURES_NODE] = "The process",
	[FIGURES_POOL] = "The proxy",
	[FIGURES_STORE] = "The datastore",
	[FIGURES_PEER] = "Each other node of the ring",
	[FIGURES_ENTROPY] = "The entropy channel",
	[FIGURES_SCHEDULE] = "The rounds of the entropy channel",
	[FIGURES_TARGET] = "Each target of the entropy channel",
	[FIGURES_SENDER] = "Each address that pushed to the entropy channel",
};

/* ---- The table ---- */

#define ROW(SCOPE, of, type, name, metric, unit, help)                                             \
	{                                                                                          \
		FIGURES_##SCOPE, type, #name, metric, unit, help, offsetof(struct of, name)        \
	}

static const struct figure entries[] = {
	ROW(IDENTITY, figures_identity, FLAG, info, "info", "boolean",
		"always 1; the labels give version, datacenter, rack and state"),

	ROW(NODE, figures_node, GAUGE, uptime, "uptime_seconds", "seconds",
		"since the node was started"),
	ROW(NODE, figures_node, GAUGE, resident_bytes, "resident_memory_bytes", "bytes",
		"of memory in use"),
	ROW(NODE, figures_node, COUNTER, stats_count, "stats_requests_total", "requests",
		"for statistics and controls"),

	ROW(POOL, proxy_figures, GAUGE, client_connections, "client_connections", "connections",
		"of clients, now"),
	ROW(POOL, proxy_figures, COUNTER, client_connections_accepted,
		"client_connections_accepted_total", "connections",
		"of clients, that were accepted"),
	ROW(POOL, proxy_figures, COUNTER, client_connections_refused,
		"client_connections_refused_total", "connections",
		"of clients, for which there was no room or no descriptor"),
	ROW(POOL, proxy_figures, COUNTER, client_requests, "client_requests_total", "requests",
		"of clients"),
	ROW(POOL, proxy_figures, COUNTER, client_read_requests, "client_read_requests_total",
		"requests", "of clients, that read"),
	ROW(POOL, proxy_figures, COUNTER, client_write_requests, "client_write_requests_total",
		"requests", "of clients, that write"),
	ROW(POOL, proxy_figures, COUNTER, client_errors, "client_error_replies_total", "replies",
		"to clients, that are an error, the datastore's included"),
	ROW(POOL, proxy_figures, COUNTER, client_request_bytes, "client_received_bytes_total",
		"bytes", "received from clients"),
	ROW(POOL, proxy_figures, COUNTER, client_response_bytes, "client_sent_bytes_total", "bytes",
		"sent to clients"),
	ROW(POOL, proxy_figures, GAUGE, requests_under_way, "requests_under_way", "requests",
		"of clients and nodes, whose replicas have not all answered yet"),
	ROW(POOL, proxy_figures, COUNTER, timedout_requests, "requests_timed_out_total", "requests",
		"of clients and nodes, that were not answered within timeout"),
	ROW(POOL, proxy_figures, GAUGE, dnode_client_connections, "node_connections", "connections",
		"of other nodes to this one, now"),
	ROW(POOL, proxy_figures, COUNTER, dnode_client_connections_accepted,
		"node_connections_accepted_total", "connections",
		"of other nodes to this one, that were accepted"),
	ROW(POOL, proxy_figures, COUNTER, dnode_client_connections_refused,
		"node_connections_refused_total", "connections",
		"of other nodes to this one, for which there was no room"),
	ROW(POOL, proxy_figures, COUNTER, dnode_client_requests, "node_requests_total", "requests",
		"of other nodes to this one"),
	ROW(POOL, proxy_figures, COUNTER, dnode_client_responses, "node_responses_total",
		"responses", "of this node to other nodes"),
	ROW(POOL, proxy_figures, GAUGE, peers, "peers", "nodes", "of the ring, without this one"),
	ROW(POOL, proxy_figures, GAUGE, peers_up, "peers_up", "nodes",
		"of the ring, that this one is connected to"),
	ROW(POOL, proxy_figures, COUNTER, peer_requests, NULL, "requests", "to all other nodes"),
	ROW(POOL, proxy_figures, COUNTER, peer_request_bytes, NULL, "bytes",
		"of requests to all other nodes"),
	ROW(POOL, proxy_figures, COUNTER, peer_responses, NULL, "responses",
		"from all other nodes"),
	ROW(POOL, proxy_figures, COUNTER, peer_response_bytes, NULL, "bytes",
		"of responses from all other nodes"),
	ROW(POOL, proxy_figures, COUNTER, peer_failed_requests, NULL, "requests",
		"to all other nodes, that got no answer"),
	ROW(POOL, proxy_figures, COUNTER, peer_missed_writes, NULL, "writes",
		"that other nodes may not have: what the entropy channel heals"),
	ROW(POOL, proxy_figures, GAUGE, peer_queue, NULL, "requests",
		"that other nodes have not answered yet"),

	ROW(STORE, replica_figures, FLAG, up, "datastore_up", "boolean", "1 while it is connected"),
	ROW(STORE, replica_figures, COUNTER, connects, "datastore_connects_total", "connections",
		"that were made to it"),
	ROW(STORE, replica_figures, COUNTER, requests, "datastore_requests_total", "requests",
		"to it"),
	ROW(STORE, replica_figures, COUNTER, request_bytes, "datastore_sent_bytes_total", "bytes",
		"sent to it"),
	ROW(STORE, replica_figures, COUNTER, responses, "datastore_responses_total", "responses",
		"from it"),
	ROW(STORE, replica_figures, COUNTER, response_bytes, "datastore_received_bytes_total",
		"bytes", "received from it"),
	ROW(STORE, replica_figures, COUNTER, failed_requests, "datastore_failed_requests_total",
		"requests", "to it, that got no answer"),
	ROW(STORE, replica_figures, GAUGE, queue, "datastore_queue", "requests",
		"that it has not answered yet"),

	ROW(PEER, replica_figures, FLAG, up, "peer_up", "boolean", "1 while it is connected"),
	ROW(PEER, replica_figures, COUNTER, connects, "peer_connects_total", "connections",
		"that were made to it"),
	ROW(PEER, replica_figures, COUNTER, requests, "peer_requests_total", "requests", "to it"),
	ROW(PEER, replica_figures, COUNTER, request_bytes, "peer_sent_bytes_total", "bytes",
		"of requests to it"),
	ROW(PEER, replica_figures, COUNTER, responses, "peer_responses_total", "responses",
		"from it"),
	ROW(PEER, replica_figures, COUNTER, response_bytes, "peer_received_bytes_total", "bytes",
		"of responses from it"),
	ROW(PEER, replica_figures, COUNTER, failed_requests, "peer_failed_requests_total",
		"requests", "to it, that got no answer, or found its datastore down"),
	ROW(PEER, replica_figures, COUNTER, missed_writes, "peer_missed_writes_total", "writes",
		"that it may not have: what the entropy channel heals"),
	ROW(PEER, replica_figures, GAUGE, queue, "peer_queue", "requests",
		"that it has not answered yet"),

	ROW(ENTROPY, heal_figures, COUNTER, rounds, "entropy_rounds_total", "rounds", "that ended"),
	ROW(ENTROPY, heal_figures, COUNTER, rounds_skipped, "entropy_rounds_skipped_total",
		"rounds", "not started because the previous one was still running"),
	ROW(ENTROPY, heal_figures, COUNTER, peers_attempted, "entropy_pushes_total", "pushes",
		"to a target, one for each target and round"),
	ROW(ENTROPY, heal_figures, COUNTER, peers_exchanged, "entropy_pushes_exchanged_total",
		"pushes", "to a target, with every snapshot closed in good order"),
	ROW(ENTROPY, heal_figures, COUNTER, peers_failed, "entropy_pushes_failed_total", "pushes",
		"to a target, that failed"),
	ROW(ENTROPY, heal_figures, COUNTER, snapshots_sent, "entropy_sent_snapshots_total",
		"snapshots", "sent whole to a target"),
	ROW(ENTROPY, heal_figures, COUNTER, keys_sent, "entropy_sent_keys_total", "keys",
		"in the snapshots that were sent whole"),
	ROW(ENTROPY, heal_figures, COUNTER, bytes_sent, "entropy_sent_bytes_total", "bytes",
		"of plaintext sent"),
	ROW(ENTROPY, heal_figures, COUNTER, connections, "entropy_connections_total", "connections",
		"that the receiver accepted"),
	ROW(ENTROPY, heal_figures, COUNTER, snapshots_committed, "entropy_received_snapshots_total",
		"snapshots", "received, checked and applied whole"),
	ROW(ENTROPY, heal_figures, COUNTER, connections_failed, "entropy_connections_failed_total",
		"connections", "that the receiver accepted, but did not apply whole"),
	ROW(ENTROPY, heal_figures, COUNTER, connections_turned_away,
		"entropy_connections_turned_away_total", "connections",
		"that the receiver refused: unknown address, or no worker free"),
	ROW(ENTROPY, heal_figures, COUNTER, bytes_received, "entropy_received_bytes_total", "bytes",
		"of plaintext in the snapshots applied whole"),
	ROW(ENTROPY, heal_figures, COUNTER, commands, "entropy_received_commands_total", "commands",
		"of received snapshots, handed to Redis"),
	ROW(ENTROPY, heal_figures, COUNTER, keys_applied, "entropy_applied_commands_total",
		"commands", "of received snapshots, that Redis carried out"),
	ROW(ENTROPY, heal_figures, COUNTER, keys_kept, "entropy_kept_commands_total", "commands",
		"of received snapshots, whose key was there and stayed as it is"),
	ROW(ENTROPY, heal_figures, COUNTER, keys_left_alone, "entropy_left_alone_commands_total",
		"commands", "of received snapshots, left out: clients wrote the key meanwhile"),

	ROW(SCHEDULE, heal_schedule_figures, FLAG, running, "entropy_round_running", "boolean",
		"1 while a round runs"),
	ROW(SCHEDULE, heal_schedule_figures, SECONDS, next_round, "entropy_next_round_seconds",
		"seconds", "until the timer starts the next round"),

	ROW(TARGET, heal_target_figures, COUNTER, rounds, "entropy_peer_rounds_total", "rounds",
		"that pushed to it"),
	ROW(TARGET, heal_target_figures, COUNTER, rounds_failed, "entropy_peer_rounds_failed_total",
		"rounds", "in which a snapshot to it was not closed in good order"),
	ROW(TARGET, heal_target_figures, COUNTER, snapshots_sent,
		"entropy_peer_sent_snapshots_total", "snapshots", "sent whole to it"),
	ROW(TARGET, heal_target_figures, COUNTER, keys_sent, "entropy_peer_sent_keys_total", "keys",
		"in the snapshots that were sent whole to it"),
	ROW(TARGET, heal_target_figures, COUNTER, bytes_sent, "entropy_peer_sent_bytes_total",
		"bytes", "of plaintext sent to it"),
	ROW(TARGET, heal_target_figures, FLAG, last_ok, "entropy_peer_last_round_ok", "boolean",
		"1 when its last round went well"),
	ROW(TARGET, heal_target_figures, GAUGE, last_keys, "entropy_peer_last_round_keys", "keys",
		"sent whole to it in its last round"),
	ROW(TARGET, heal_target_figures, GAUGE, last_bytes, "entropy_peer_last_round_bytes",
		"bytes", "of plaintext sent to it in its last round"),
	ROW(TARGET, heal_target_figures, SECONDS, last_seconds,
		"entropy_peer_last_round_duration_seconds", "seconds", "that its last round took"),
	ROW(TARGET, heal_target_figures, SECONDS, last_round,
		"entropy_peer_last_round_timestamp_seconds", "seconds",
		"since 1970 at the end of its last round"),

	ROW(SENDER, heal_sender_figures, COUNTER, snapshots_committed,
		"entropy_sender_snapshots_total", "snapshots", "from it that were applied whole"),
	ROW(SENDER, heal_sender_figures, COUNTER, connections_failed,
		"entropy_sender_connections_failed_total", "connections",
		"from it that were not applied whole"),
	ROW(SENDER, heal_sender_figures, COUNTER, bytes_received,
		"entropy_sender_received_bytes_total", "bytes",
		"of plaintext in its snapshots applied whole"),
	ROW(SENDER, heal_sender_figures, COUNTER, commands, "entropy_sender_commands_total",
		"commands", "of its snapshots, handed to Redis"),
	ROW(SENDER, heal_sender_figures, COUNTER, applied, "entropy_sender_applied_commands_total",
		"commands", "of its snapshots, that Redis carried out"),
	ROW(SENDER, heal_sender_figures, COUNTER, kept, "entropy_sender_kept_commands_total",
		"commands", "of its snapshots, whose key was there and stayed as it is"),
	ROW(SENDER, heal_sender_figures, COUNTER, left_alone,
		"entropy_sender_left_alone_commands_total", "commands",
		"of its snapshots, left out: clients wrote the key meanwhile"),
	ROW(SENDER, heal_sender_figures, COUNTER, failed, "entropy_sender_failed_commands_total",
		"commands", "of its snapshots, that Redis refused"),
	ROW(SENDER, heal_sender_figures, SECONDS, last_seconds,
		"entropy_sender_last_connection_duration_seconds", "seconds",
		"that its last connection took"),
	ROW(SENDER, heal_sender_figures, SECONDS, last_connection,
		"entropy_sender_last_connection_timestamp_seconds", "seconds",
		"since 1970 at the end of its last connection"),
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static uint64_t whole(const struct figure *e, const void *values)
{
	uint64_t value;

	memcpy(&value, (const char *)values + e->offset, sizeof(value));
	return value;
}

static double seconds(const struct figure *e, const void *values)
{
	double value;

	memcpy(&value, (const char *)values + e->offset, sizeof(value));
	return value;
}

/* ---- For people ---- */

void control_figures_describe(FILE *to)
{
	for (size_t i = 0; i < N_ENTRIES; i++) {
		const struct figure *e = &entries[i];

		if (i == 0 || e->scope != entries[i - 1].scope)
			fprintf(to, "%s%s\n", i ? "\n" : "", titles[e->scope]);
		fprintf(to, "  %-34s %-12s %s\n", e->name, e->unit, e->help);
	}
}

const char *control_figures_format(const struct heal_figures *f, char *text, size_t cap)
{
	const char *comma = "";
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < N_ENTRIES && at < cap; i++) {
		if (entries[i].scope != FIGURES_ENTROPY)
			continue;
		at += (size_t)snprintf(text + at, cap - at, "%s%s %" PRIu64, comma, entries[i].name,
			whole(&entries[i], f));
		comma = ", ";
	}
	return text;
}

/* ---- For programs ---- */

void control_figures_write_json(struct json *j, enum figures_scope scope, const void *values)
{
	for (size_t i = 0; i < N_ENTRIES; i++) {
		const struct figure *e = &entries[i];

		if (e->scope != scope)
			continue;
		if (e->type == SECONDS)
			json_real(j, e->name, seconds(e, values));
		else if (e->type == FLAG)
			json_bool(j, e->name, whole(e, values) != 0);
		else
			json_number(j, e->name, whole(e, values));
	}
}

static void write_labels(FILE *to, const struct figures_sample *s)
{
	if (s->n_labels == 0)
		return;
	for (size_t i = 0; i < s->n_labels; i++) {
		fprintf(to, "%c%s=\"", i ? ',' : '{', s->labels[i].name);
		for (const char *c = s->labels[i].value; *c; c++) {
			if (*c == '\n')
				fputs("\\n", to);
			else if (*c == '"' || *c == '\\')
				fprintf(to, "\\%c", *c);
			else
				fputc(*c, to);
		}
		fputc('"', to);
	}
	fputc('}', to);
}

static void write_metric(
	FILE *to, const struct figure *e, const struct figures_sample *samples, size_t n)
{
	fprintf(to, "# HELP dynomite_%s %s: %s %s\n", e->metric, titles[e->scope], e->unit,
		e->help);
	fprintf(to, "# TYPE dynomite_%s %s\n", e->metric, e->type == COUNTER ? "counter" : "gauge");
	for (size_t i = 0; i < n; i++) {
		if (e->type == SECONDS && isnan(seconds(e, samples[i].values)))
			continue;
		fprintf(to, "dynomite_%s", e->metric);
		write_labels(to, &samples[i]);
		if (e->type == SECONDS)
			fprintf(to, " %.3f\n", seconds(e, samples[i].values));
		else
			fprintf(to, " %" PRIu64 "\n", whole(e, samples[i].values));
	}
}

void control_figures_write_metrics(
	FILE *to, enum figures_scope scope, const struct figures_sample *samples, size_t n)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (entries[i].scope == scope && entries[i].metric)
			write_metric(to, &entries[i], samples, n);
}
