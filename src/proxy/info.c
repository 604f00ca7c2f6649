#include "base/process.h"
#include "proxy/local.h"
#include "proxy/proxy_internal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- Sections ---- */

static bool write_server(const struct proxy *p, struct buf *text)
{
	struct utsname os;
	int64_t uptime = process_uptime_s();
	const char *listen = p->options.listen ? p->options.listen : "";
	struct addr addr = {.port = 0};

	if (uname(&os) != 0)
		memset(&os, 0, sizeof(os));
	if (!addr_parse(&addr, listen))
		addr.port = 0;
	return buf_printf(text,
		"redis_version:" LOCAL_REDIS_VERSION "\r\n"
		"redis_mode:standalone\r\n"
		"dynomite_version:" DYN_ENTROPY_VERSION "\r\n"
		"os:%s %s %s\r\n"
		"arch_bits:%zu\r\n"
		"multiplexing_api:%s\r\n"
		"process_id:%ld\r\n"
		"tcp_port:%u\r\n"
		"listen:%s\r\n"
		"uptime_in_seconds:%" PRId64 "\r\n"
		"uptime_in_days:%" PRId64 "\r\n",
		os.sysname, os.release, os.machine, sizeof(void *) * 8,
		event_base_get_method(p->loop.base), (long)getpid(), (unsigned)addr.port, listen,
		uptime, uptime / 86400);
}

/* A figure, under the name that it has in INFO: as Redis names its own. */
struct info_line {
	const char *name;
	size_t offset; /* of a uint64_t */
};

static bool write_lines(
	struct buf *text, const struct info_line *lines, size_t n, const void *figures)
{
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++) {
		uint64_t value;

		memcpy(&value, (const char *)figures + lines[i].offset, sizeof(value));
		ok = buf_printf(text, "%s:%" PRIu64 "\r\n", lines[i].name, value);
	}
	return ok;
}

#define N_LINES(lines) (sizeof(lines) / sizeof((lines)[0]))

static bool write_clients(const struct proxy *p, struct buf *text)
{
	struct proxy_figures f;

	proxy_count(p, &f);
	return buf_printf(text,
		"connected_clients:%" PRIu64 "\r\n"
		"maxclients:%zu\r\n"
		"blocked_clients:0\r\n"
		"requests_under_way:%" PRIu64 "\r\n"
		"connected_nodes:%" PRIu64 "\r\n",
		f.client_connections, p->clients.max, f.requests_under_way,
		f.dnode_client_connections);
}

static bool write_memory(const struct proxy *p, struct buf *text)
{
	uint64_t rss = process_resident_bytes();

	(void)p;
	return buf_printf(text,
		"used_memory_rss:%" PRIu64 "\r\n"
		"used_memory_rss_human:%.2fM\r\n",
		rss, (double)rss / (1024.0 * 1024.0));
}

#define OF(field) offsetof(struct proxy_figures, field)

static const struct info_line stats_lines[] = {
	{"total_connections_received", OF(client_connections_accepted)},
	{"rejected_connections", OF(client_connections_refused)},
	{"total_commands_processed", OF(client_requests)},
	{"total_reads", OF(client_read_requests)},
	{"total_writes", OF(client_write_requests)},
	{"total_error_replies", OF(client_errors)},
	{"total_timeouts", OF(timedout_requests)},
	{"total_net_input_bytes", OF(client_request_bytes)},
	{"total_net_output_bytes", OF(client_response_bytes)},
	{"total_node_connections_received", OF(dnode_client_connections_accepted)},
	{"rejected_node_connections", OF(dnode_client_connections_refused)},
	{"total_node_requests", OF(dnode_client_requests)},
	{"total_node_responses", OF(dnode_client_responses)},
};

#undef OF

static bool write_stats(const struct proxy *p, struct buf *text)
{
	struct proxy_figures f;

	proxy_count(p, &f);
	return write_lines(text, stats_lines, N_LINES(stats_lines), &f);
}

/* As Redis says it of itself: clients that look for the master find one. */
static bool write_replication(const struct proxy *p, struct buf *text)
{
	(void)p;
	return buf_printf(text, "role:master\r\nconnected_slaves:0\r\n");
}

static bool write_proxy(const struct proxy *p, struct buf *text)
{
	const struct ring *ring = p->ring;

	return buf_printf(text,
		"proxy_state:%s\r\n"
		"read_consistency:%s\r\n"
		"write_consistency:%s\r\n"
		"datacenter:%s\r\n"
		"rack:%s\r\n"
		"datacenters:%zu\r\n"
		"racks:%zu\r\n"
		"nodes:%zu\r\n"
		"timeout_ms:%" PRId64 "\r\n",
		proxy_state_name(p->state), consistency_name(p->read_level),
		consistency_name(p->write_level), ring->dcs[0].name, ring->racks[0].name,
		ring->n_dcs, ring->n_racks, ring->n_nodes, p->options.timeout_ms);
}

#define OF(field) offsetof(struct replica_figures, field)

static const struct info_line datastore_lines[] = {
	{"datastore_requests", OF(requests)},
	{"datastore_replies", OF(responses)},
	{"datastore_failures", OF(failed_requests)},
	{"datastore_queued", OF(queue)},
	{"datastore_connects", OF(connects)},
	{"datastore_bytes_out", OF(request_bytes)},
	{"datastore_bytes_in", OF(response_bytes)},
};

#undef OF

static bool write_datastore(const struct proxy *p, struct buf *text)
{
	struct replica_figures f;

	replica_count(p->replicas[0], &f);
	return buf_printf(text, "datastore_address:%s\r\ndatastore_state:%s\r\n",
		       p->options.datastore, f.up ? "up" : "down") &&
	       write_lines(text, datastore_lines, N_LINES(datastore_lines), &f);
}

static bool write_peers(const struct proxy *p, struct buf *text)
{
	const struct ring *ring = p->ring;
	bool ok = buf_printf(text, "peers:%zu\r\n", ring->n_nodes - 1);

	for (size_t i = 1; ok && i < ring->n_nodes; i++) {
		const struct ring_node *node = &ring->nodes[i];
		const struct ring_rack *rack = &ring->racks[node->rack];
		struct replica_figures f;

		replica_count(p->replicas[i], &f);
		ok = buf_printf(text,
			"peer%zu:name=%s,rack=%s,dc=%s,state=%s,up=%" PRIu64 ",requests=%" PRIu64
			",replies=%" PRIu64 ",failures=%" PRIu64 ",missed_writes=%" PRIu64
			",queued=%" PRIu64 "\r\n",
			i, node->name, rack->name, ring->dcs[rack->dc].name,
			replica_state(p->replicas[i]), f.up, f.requests, f.responses,
			f.failed_requests, f.missed_writes, f.queue);
	}
	return ok;
}

static const struct section {
	const char *name;
	const char *title;
	bool (*write)(const struct proxy *p, struct buf *text);
} sections[] = {
	{"server", "Server", write_server},
	{"clients", "Clients", write_clients},
	{"memory", "Memory", write_memory},
	{"stats", "Stats", write_stats},
	{"replication", "Replication", write_replication},
	{"proxy", "Proxy", write_proxy},
	{"datastore", "Datastore", write_datastore},
	{"peers", "Peers", write_peers},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

bool proxy_info(void *arg, const char *section, struct buf *text)
{
	const struct proxy *p = arg;
	bool ok = true;

	for (size_t i = 0; ok && i < N_SECTIONS; i++) {
		const struct section *s = &sections[i];

		if (section && strcasecmp(section, s->name) != 0)
			continue;
		ok = buf_printf(text, "%s# %s\r\n", buf_len(text) > 0 ? "\r\n" : "", s->title) &&
		     s->write(p, text);
	}
	return ok;
}
