/*
 * proxy_internal - the struct proxy, shared by the files of this directory.
 *
 * Event loop's thread.
 */
#ifndef PROXY_PROXY_INTERNAL_H
#define PROXY_PROXY_INTERNAL_H

#include "cluster/ring.h"
#include "proxy/arrive.h"
#include "proxy/asker.h"
#include "proxy/conn.h"
#include "proxy/local.h"
#include "proxy/proxy.h"
#include "proxy/replica.h"
#include "proxy/script_cache.h"
#include "proxy/security.h"
#include "proxy/uplink.h"

#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy {
	struct proxy_options options;
	const struct ring *ring; /* borrowed */
	struct conn_loop loop;
	struct evdns_base *dns;
	struct uplink_policy peer_policy, store_policy;
	struct replica **replicas; /* by index in ring->nodes; [0] is the datastore */
	struct security security;
	enum consistency read_level, write_level;
	enum proxy_state state;
	int64_t now_ms;        /* of this iteration, monotonic */
	int64_t store_back_ms; /* when the datastore came back, until links were woken; 0 otherwise
				*/
	struct local_context local;
	struct listener *client_listener, *link_listener;
	struct asker_list clients;
	struct asker_list links; /* connections that other nodes made */
	struct call_list own;    /* requests of this node itself */
	struct arrivals arrivals;
	struct script_cache scripts;
	int64_t scripts_due_ms; /* when to load them into the datastore again; 0: not */
	uint64_t next_client_id;
	struct event *ticker;
	struct proxy_figures figures; /* what proxy_count() does not find elsewhere */
};

/* A write has ended on a replica: count it if it was missed, and call the hook with the keys.  The
 * reply may be NULL. */
void proxy_write_ended(struct proxy *p, size_t node, const struct leg *leg, enum write_fate fate,
	const struct reply *reply);

/* Append a section of INFO (NULL: all); for local_context.info.  arg is the proxy.  False when out
 * of memory. */
bool proxy_info(void *arg, const char *section, struct buf *text);

#ifdef __cplusplus
}
#endif

#endif
