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

static bool write_clients(const struct proxy *p, struct buf *text)
{
	struct proxy_counters c;

	proxy_count(p, &c);
	return buf_printf(text,
		"connected_clients:%zu\r\n"
		"maxclients:%zu\r\n"
		"blocked_clients:0\r\n"
		"requests_under_way:%zu\r\n"
		"connected_nodes:%zu\r\n",
		c.clients, p->clients.max, c.requests_under_way, c.links);
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

static bool write_stats(const struct proxy *p, struct buf *text)
{
	struct proxy_counters c;

	proxy_count(p, &c);
	return buf_printf(text,
		"total_connections_received:%" PRIu64 "\r\n"
		"rejected_connections:%" PRIu64 "\r\n"
		"total_commands_processed:%" PRIu64 "\r\n"
		"total_reads:%" PRIu64 "\r\n"
		"total_writes:%" PRIu64 "\r\n"
		"total_error_replies:%" PRIu64 "\r\n"
		"total_timeouts:%" PRIu64 "\r\n"
		"total_net_input_bytes:%" PRIu64 "\r\n"
		"total_net_output_bytes:%" PRIu64 "\r\n"
		"total_node_connections_received:%" PRIu64 "\r\n"
		"rejected_node_connections:%" PRIu64 "\r\n"
		"total_node_requests:%" PRIu64 "\r\n"
		"total_node_responses:%" PRIu64 "\r\n",
		c.client_connections, c.client_turned_away, c.client_requests, c.client_reads,
		c.client_writes, c.client_errors, c.timeouts, c.client_bytes_in, c.client_bytes_out,
		c.peer_connections, c.peer_turned_away, c.peer_requests, c.peer_responses);
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

static bool write_datastore(const struct proxy *p, struct buf *text)
{
	struct replica_counters c = {0};

	replica_count(p->replicas[0], &c);
	return buf_printf(text,
		"datastore_address:%s\r\n"
		"datastore_state:%s\r\n"
		"datastore_requests:%" PRIu64 "\r\n"
		"datastore_replies:%" PRIu64 "\r\n"
		"datastore_failures:%" PRIu64 "\r\n"
		"datastore_queued:%zu\r\n"
		"datastore_connects:%" PRIu64 "\r\n"
		"datastore_bytes_out:%" PRIu64 "\r\n"
		"datastore_bytes_in:%" PRIu64 "\r\n",
		p->options.datastore, c.up ? "up" : "down", c.requests, c.replies, c.failures,
		c.queued, c.connects, c.bytes_out, c.bytes_in);
}

static bool write_peers(const struct proxy *p, struct buf *text)
{
	const struct ring *ring = p->ring;
	bool ok = buf_printf(text, "peers:%zu\r\n", ring->n_nodes - 1);

	for (size_t i = 1; ok && i < ring->n_nodes; i++) {
		const struct ring_node *node = &ring->nodes[i];
		const struct ring_rack *rack = &ring->racks[node->rack];
		struct replica_counters c = {0};

		replica_count(p->replicas[i], &c);
		ok = buf_printf(text,
			"peer%zu:name=%s,rack=%s,dc=%s,state=%s,up=%d,requests=%" PRIu64
			",replies=%" PRIu64 ",failures=%" PRIu64 ",missed_writes=%" PRIu64
			",queued=%zu\r\n",
			i, node->name, rack->name, ring->dcs[rack->dc].name, c.state, c.up,
			c.requests, c.replies, c.failures, c.missed, c.queued);
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
