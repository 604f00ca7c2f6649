#include "proxy/proxy_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "proto/request_effect.h"
#include "proxy/client.h"
#include "proxy/datastore.h"
#include "proxy/link.h"
#include "proxy/listener.h"
#include "proxy/own.h"
#include "proxy/peer.h"
#include "proxy/refused.h"
#include "proxy/scripts.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 50

/* How long other nodes have to notice by themselves that the datastore is back. */
#define NOTICE_MS 1000

/* The longest pauses between attempts to connect. */
#define PEER_PAUSE_MAX_MS  5000
#define STORE_PAUSE_MAX_MS 1000

/* The most bytes queued per connection to a replica. */
#define QUEUE_BYTES_MAX ((size_t)64 * 1024 * 1024)

const char *proxy_state_name(enum proxy_state s)
{
	switch (s) {
	case PROXY_NORMAL:
		return "normal";
	case PROXY_STANDBY:
		return "standby";
	case PROXY_WRITES_ONLY:
		return "writes_only";
	case PROXY_RESUMING:
		return "resuming";
	}
	return "unknown";
}

/* ---- The clock of the proxy ---- */

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct proxy *p = arg;

	(void)fd;
	(void)events;
	p->now_ms = clock_monotonic_ms();
	call_list_expire(&p->clients.calls, p->now_ms);
	call_list_expire(&p->links.calls, p->now_ms);
	for (size_t i = 0; i < p->ring->n_nodes; i++)
		replica_check(p->replicas[i], p->now_ms);
	if (p->store_back_ms && p->now_ms - p->store_back_ms >= NOTICE_MS) {
		link_wake(&p->links, p->store_back_ms);
		p->store_back_ms = 0;
	}
	if (p->scripts_due_ms && p->now_ms >= p->scripts_due_ms)
		scripts_load(p, 0);
}

static bool start_ticker(struct proxy *p)
{
	const struct timeval tv = {.tv_usec = TICK_MS * 1000};

	p->now_ms = clock_monotonic_ms();
	p->ticker = event_new(p->loop.base, -1, EV_PERSIST, on_tick, p);
	return p->ticker && event_add(p->ticker, &tv) == 0;
}

void proxy_flush(struct proxy *p)
{
	arrive_retry(p);
	conn_loop_flush(&p->loop);
}

/* ---- Datastore and peers ---- */

/* Whether a reply of the datastore says that the write has changed nothing. */
static bool is_idle(const struct leg *leg, const struct reply *reply)
{
	return reply && reply->bytes &&
	       request_left_unchanged(leg->part->call->command, reply->bytes, reply->len);
}

void proxy_write_ended(struct proxy *p, size_t node, const struct leg *leg, enum write_fate fate,
	const struct reply *reply)
{
	const struct proxy_hooks *hooks = &p->options.hooks;
	const struct kept_keys *keys = &leg->part->call->keys;
	const struct stamped_write w = {
		.stamp = leg->part->stamp,
		.keys = keys->keys ? keys->keys + leg->first_key : NULL,
		.n_keys = keys->keys ? leg->n_keys : 0,
	};

	if (fate == WRITE_MISSED || fate == WRITE_UNKNOWN)
		p->replicas[node]->figures.missed_writes++;
	if (hooks->write_ended)
		hooks->write_ended(hooks->arg, node, &w, fate, node == 0 && is_idle(leg, reply));
}

/* Callback of replicas. */
static void on_written(void *arg, size_t node, const struct leg *leg, enum write_fate fate,
	const struct reply *reply)
{
	struct proxy *p = arg;

	if (node == 0)
		p->arrivals.due = true;
	if (own_note_fate(leg->part->call, fate))
		return;
	if (fate == WRITE_REFUSED && !leg->local_rack)
		refused_elsewhere(p, node, leg, reply);
	else
		proxy_write_ended(p, node, leg, fate, reply);
	if (leg->local_rack)
		refused_decide(p, leg->part, fate);
}

static void on_store_up(void *arg, size_t node)
{
	struct proxy *p = arg;

	scripts_load(p, node);
	if (p->options.hooks.datastore_up)
		p->options.hooks.datastore_up(p->options.hooks.arg);
}

static void on_store_back(void *arg, size_t node)
{
	struct proxy *p = arg;

	(void)node;
	p->store_back_ms = p->now_ms;
}

static bool make_store(struct proxy *p)
{
	const struct proxy_options *o = &p->options;
	const struct replica_options options = {
		.address = o->datastore,
		.policy = &p->store_policy,
		.n_connections = o->datastore_connections,
		.queue_max = o->max_msgs,
		.queue_bytes_max = QUEUE_BYTES_MAX,
		.timeout_ms = o->timeout_ms,
		.back = on_store_back,
		.up = on_store_up,
		.back_arg = p,
		.again = scripts_again,
		.again_arg = p,
		.written = on_written,
		.written_arg = p,
		.misses_only = !o->hooks.write_ended,
	};

	p->replicas[0] = datastore_new(&options, o->requirepass);
	if (p->replicas[0] && o->preconnect)
		replica_preconnect(p->replicas[0]);
	return p->replicas[0] != NULL;
}

static bool make_peer(struct proxy *p, size_t i)
{
	const struct ring_node *node = &p->ring->nodes[i];
	bool same_dc = p->ring->racks[node->rack].dc == 0;
	const struct proxy_options *o = &p->options;
	const struct replica_options options = {
		.node = i,
		.address = node->name,
		.policy = &p->peer_policy,
		.n_connections = same_dc ? o->local_peer_connections : o->remote_peer_connections,
		.queue_max = o->max_msgs,
		.queue_bytes_max = QUEUE_BYTES_MAX,
		.timeout_ms = o->timeout_ms,
		.back = o->hooks.node_back,
		.back_arg = o->hooks.arg,
		.again = scripts_again,
		.again_arg = p,
		.written = on_written,
		.written_arg = p,
		.misses_only = !o->hooks.write_ended,
		.draw_id = o->hooks.draw_stamp,
		.draw_arg = o->hooks.arg,
	};

	p->replicas[i] = peer_new(&options,
		security_encrypts(&p->security, node->rack) ? p->security.rsa : NULL, same_dc);
	/* Always at the start: the targets of writes depend on which peers are up. */
	if (p->replicas[i])
		replica_preconnect(p->replicas[i]);
	return p->replicas[i] != NULL;
}

static bool make_links_out(struct proxy *p)
{
	const struct proxy_options *o = &p->options;

	p->dns = evdns_base_new(
		p->loop.base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!p->dns) /* no resolv.conf: literal addresses and the hosts file still work */
		p->dns = evdns_base_new(p->loop.base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	p->replicas = calloc(p->ring->n_nodes, sizeof(*p->replicas));
	if (!p->dns || !p->replicas) {
		log_error("cannot start: out of memory");
		return false;
	}
	p->peer_policy = (struct uplink_policy){
		.loop = &p->loop,
		.dns = p->dns,
		.connect_timeout_ms = o->timeout_ms,
		.retry_timeout_ms = o->server_retry_timeout_ms,
		.failure_limit = o->server_failure_limit,
		.auto_eject = o->auto_eject_hosts,
		.pause_max_ms = PEER_PAUSE_MAX_MS,
	};
	/* The datastore is never ejected: no other can take its place, so that would only prolong a
	 * restart. */
	p->store_policy = p->peer_policy;
	p->store_policy.auto_eject = false;
	p->store_policy.pause_max_ms = STORE_PAUSE_MAX_MS;
	if (!security_init(&p->security, o->encryption, p->ring, o->pem_key_file))
		return false;
	if (!make_store(p)) {
		log_error("cannot start: no memory for the datastore's connections");
		return false;
	}
	for (size_t i = 1; i < p->ring->n_nodes; i++)
		if (!make_peer(p, i)) {
			log_error("cannot start: peer %s: not host:port, or out of memory",
				p->ring->nodes[i].name);
			return false;
		}
	return true;
}

/* ---- Listening ---- */

/* Limit the accepted connections, so that descriptors are left for the datastore and peers. */
static void share_descriptors(struct proxy *p)
{
	const struct proxy_options *o = &p->options;
	size_t limit = process_raise_descriptors();
	size_t kept = o->descriptors_kept + o->datastore_connections;
	size_t nodes = o->dyn_connections, clients = o->client_connections;

	for (size_t i = 1; i < p->ring->n_nodes; i++)
		kept += p->ring->racks[p->ring->nodes[i].rack].dc == 0 ? o->local_peer_connections
								       : o->remote_peer_connections;
	p->links.max = nodes < limit / 4 ? nodes : limit / 4;
	kept += p->links.max;
	p->clients.max = limit > 2 * kept ? limit - kept : limit / 4;
	if (p->links.max < nodes || p->clients.max < clients)
		log_warn("the limit on open files, %zu, leaves room for %zu connections of nodes "
			 "(dyn_connections) and %zu of clients (client_connections): raise it",
			limit, p->links.max, p->clients.max);
	if (clients > 0 && clients < p->clients.max)
		p->clients.max = clients;
}

static struct listener *listen_for(
	struct proxy *p, const char *what, const char *address, struct asker_list *askers)
{
	const struct listener_options options = {
		.base = p->loop.base,
		.address = address,
		.backlog = p->options.backlog,
		.accepted = asker_accepted,
		.turned_away = asker_turned_away,
		.arg = askers,
	};
	struct listener *l;
	char why[512];

	l = listener_new(&options, why, sizeof(why));
	if (l)
		log_notice("%s on %s", what, address);
	else
		log_error("cannot start: %s on %s", what, why);
	return l;
}

static bool start_listening(struct proxy *p)
{
	const struct proxy_options *o = &p->options;

	share_descriptors(p);
	if (o->dyn_listen) {
		p->link_listener = listen_for(p, "taking nodes", o->dyn_listen, &p->links);
		if (!p->link_listener)
			return false;
	}
	if (o->listen) {
		p->client_listener = listen_for(p, "taking clients", o->listen, &p->clients);
		if (!p->client_listener)
			return false;
	}
	return true;
}

/* ---- Starting and stopping ---- */

struct proxy *proxy_new(
	struct event_base *base, const struct ring *ring, const struct proxy_options *options)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p || !conn_loop_init(&p->loop, base)) {
		log_error("cannot start: out of memory");
		free(p);
		return NULL;
	}
	p->options = *options;
	p->loop.before_write = options->hooks.before_flush;
	p->loop.before_write_arg = options->hooks.arg;
	p->ring = ring;
	p->local.requirepass = options->requirepass;
	p->local.info = proxy_info;
	p->local.info_arg = p;
	asker_list_init(&p->clients, &client_kind, p, &p->loop, options->timeout_ms);
	asker_list_init(&p->links, &link_kind, p, &p->loop, options->timeout_ms);
	script_cache_init(&p->scripts);
	own_init(&p->own, options->timeout_ms);
	arrivals_init(&p->arrivals);
	p->read_level = options->read_consistency;
	p->write_level = options->write_consistency;
	/* A peer may connect back at once, so listen before connecting. */
	if (!start_listening(p) || !make_links_out(p))
		goto failed;
	if (!start_ticker(p)) {
		log_error("cannot start: no timer");
		goto failed;
	}
	return p;
failed:
	proxy_free(p);
	return NULL;
}

static void stop_listening(struct proxy *p)
{
	listener_free(p->client_listener);
	listener_free(p->link_listener);
	p->client_listener = NULL;
	p->link_listener = NULL;
}

void proxy_quit(struct proxy *p)
{
	stop_listening(p);
	asker_quit_all(&p->clients);
	asker_quit_all(&p->links);
}

bool proxy_is_idle(const struct proxy *p)
{
	return p->clients.n == 0 && p->links.n == 0 && p->clients.calls.n == 0 &&
	       p->links.calls.n == 0;
}

void proxy_free(struct proxy *p)
{
	if (!p)
		return;
	stop_listening(p);
	if (p->ticker)
		event_free(p->ticker);
	asker_close_all(&p->clients);
	asker_close_all(&p->links);
	arrivals_fini(p);
	for (size_t i = 0; p->replicas && i < p->ring->n_nodes; i++)
		replica_free(p->replicas[i]);
	free(p->replicas);
	if (p->dns)
		evdns_base_free(p->dns, 1); /* cancels lookups under way */
	security_fini(&p->security);
	asker_list_fini(&p->clients);
	asker_list_fini(&p->links);
	call_list_fini(&p->own);
	script_cache_fini(&p->scripts);
	conn_loop_fini(&p->loop);
	free(p);
}

/* ---- Control ---- */

enum proxy_state proxy_get_state(const struct proxy *p)
{
	return p->state;
}

void proxy_set_state(struct proxy *p, enum proxy_state state)
{
	p->state = state;
}

enum consistency proxy_read_level(const struct proxy *p)
{
	return p->read_level;
}

enum consistency proxy_write_level(const struct proxy *p)
{
	return p->write_level;
}

void proxy_set_read_level(struct proxy *p, enum consistency level)
{
	p->read_level = level;
}

void proxy_set_write_level(struct proxy *p, enum consistency level)
{
	p->write_level = level;
}

static void add_peers(const struct proxy *p, struct proxy_figures *f)
{
	f->peers = p->ring->n_nodes - 1;
	for (size_t i = 1; i < p->ring->n_nodes; i++) {
		struct replica_figures peer;

		replica_count(p->replicas[i], &peer);
		f->peers_up += peer.up;
		f->peer_requests += peer.requests;
		f->peer_request_bytes += peer.request_bytes;
		f->peer_responses += peer.responses;
		f->peer_response_bytes += peer.response_bytes;
		f->peer_failed_requests += peer.failed_requests;
		f->peer_missed_writes += peer.missed_writes;
		f->peer_queue += peer.queue;
	}
}

void proxy_count(const struct proxy *p, struct proxy_figures *f)
{
	*f = p->figures;
	f->client_connections = p->clients.n;
	f->client_connections_accepted = p->clients.accepted;
	f->client_connections_refused = p->clients.turned_away;
	f->dnode_client_connections = p->links.n;
	f->dnode_client_connections_accepted = p->links.accepted;
	f->dnode_client_connections_refused = p->links.turned_away;
	f->requests_under_way = p->clients.calls.n + p->links.calls.n;
	f->timedout_requests = p->clients.calls.timeouts + p->links.calls.timeouts;
	add_peers(p, f);
}

void proxy_count_replica(const struct proxy *p, size_t node, struct replica_figures *f)
{
	replica_count(p->replicas[node], f);
}

const char *proxy_node_state(const struct proxy *p, size_t node)
{
	return node == 0 ? proxy_state_name(p->state) : replica_state(p->replicas[node]);
}

static bool each_peer(struct proxy *p, const char *name, void (*act)(struct replica *))
{
	size_t i;

	if (strcmp(name, "all") == 0) {
		for (i = 1; i < p->ring->n_nodes; i++)
			act(p->replicas[i]);
		return true;
	}
	i = ring_find(p->ring, name);
	if (i == SIZE_MAX || i == 0)
		return false;
	act(p->replicas[i]);
	return true;
}

bool proxy_peer_down(struct proxy *p, const char *name)
{
	return each_peer(p, name, replica_set_down);
}

bool proxy_peer_up(struct proxy *p, const char *name)
{
	return each_peer(p, name, replica_set_up);
}

bool proxy_peer_reset(struct proxy *p, const char *name)
{
	return each_peer(p, name, replica_reset);
}
