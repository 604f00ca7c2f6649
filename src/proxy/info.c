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

/* A line for the figure whose field is at the offset in values, the struct of the table. */
static bool write_figure(
	struct buf *text, const struct figure_table *table, size_t offset, const void *values)
{
	const struct figure *f = figure_at(table, offset);

	return f && f->info &&
	       buf_printf(text, "%s:%" PRIu64 "\r\n", f->info, figure_whole(f, values));
}

/* Lines for n of its figures, in the order of the offsets: INFO has an order of its own. */
static bool write_figures(struct buf *text, const struct figure_table *table, const size_t *offsets,
	size_t n, const void *values)
{
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = write_figure(text, table, offsets[i], values);
	return ok;
}

#define N(offsets) (sizeof(offsets) / sizeof((offsets)[0]))
#define OF(field)  offsetof(struct proxy_figures, field)

static bool write_clients(const struct proxy *p, struct buf *text)
{
	struct proxy_figures f;

	proxy_count(p, &f);
	return write_figure(text, &proxy_figures_pool, OF(client_connections), &f) &&
	       buf_printf(text, "maxclients:%zu\r\nblocked_clients:0\r\n", p->clients.max) &&
	       write_figure(text, &proxy_figures_pool, OF(requests_under_way), &f) &&
	       write_figure(text, &proxy_figures_pool, OF(dnode_client_connections), &f);
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
	static const size_t offsets[] = {
		OF(client_connections_accepted),
		OF(client_connections_refused),
		OF(client_requests),
		OF(client_read_requests),
		OF(client_write_requests),
		OF(client_errors),
		OF(timedout_requests),
		OF(client_request_bytes),
		OF(client_response_bytes),
		OF(dnode_client_connections_accepted),
		OF(dnode_client_connections_refused),
		OF(dnode_client_requests),
		OF(dnode_client_responses),
	};
	struct proxy_figures f;

	proxy_count(p, &f);
	return write_figures(text, &proxy_figures_pool, offsets, N(offsets), &f);
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
	static const size_t offsets[] = {
		offsetof(struct replica_figures, requests),
		offsetof(struct replica_figures, responses),
		offsetof(struct replica_figures, failed_requests),
		offsetof(struct replica_figures, queue),
		offsetof(struct replica_figures, connects),
		offsetof(struct replica_figures, request_bytes),
		offsetof(struct replica_figures, response_bytes),
	};
	struct replica_figures f;

	replica_count(p->replicas[0], &f);
	return buf_printf(text, "datastore_address:%s\r\ndatastore_state:%s\r\n",
		       p->options.datastore, f.up ? "up" : "down") &&
	       write_figures(text, &proxy_figures_datastore, offsets, N(offsets), &f);
}

static bool write_peer(const struct proxy *p, size_t i, struct buf *text)
{
	const struct ring_node *node = &p->ring->nodes[i];
	const struct ring_rack *rack = &p->ring->racks[node->rack];
	const struct figure_table *table = &proxy_figures_peer;
	struct replica_figures f;
	bool ok;

	replica_count(p->replicas[i], &f);
	ok = buf_printf(text, "peer%zu:name=%s,rack=%s,dc=%s,state=%s", i, node->name, rack->name,
		p->ring->dcs[rack->dc].name, replica_state(p->replicas[i]));
	for (size_t k = 0; ok && k < table->n; k++)
		if (table->figures[k].info)
			ok = buf_printf(text, ",%s=%" PRIu64, table->figures[k].info,
				figure_whole(&table->figures[k], &f));
	return ok && buf_printf(text, "\r\n");
}

static bool write_peers(const struct proxy *p, struct buf *text)
{
	struct proxy_figures f;
	bool ok;

	proxy_count(p, &f);
	ok = write_figure(text, &proxy_figures_pool, OF(peers), &f);
	for (size_t i = 1; ok && i < p->ring->n_nodes; i++)
		ok = write_peer(p, i, text);
	return ok;
}

#undef N
#undef OF

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
