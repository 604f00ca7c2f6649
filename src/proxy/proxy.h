/*
 * proxy - the node as clients and other nodes see it.
 *
 *     client -> route -> datastore | peer -> reply
 *
 * Everything runs in the event loop's thread.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "cluster/ring.h"
#include "proxy/asker.h"
#include "proxy/local.h"
#include "proxy/proxy_options.h"
#include "proxy/quorum.h"
#include "proxy/replica.h"

#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the node does for whom; changed by /state. */
enum proxy_state {
	PROXY_NORMAL,
	PROXY_STANDBY,     /* answers nobody's requests */
	PROXY_WRITES_ONLY, /* takes writes, refuses reads */
	PROXY_RESUMING,    /* the same, on the way back to normal */
};

const char *proxy_state_name(enum proxy_state s);

struct proxy_counters {
	uint64_t client_requests, client_reads, client_writes, client_errors;
	uint64_t client_bytes_in, client_bytes_out;
	uint64_t peer_requests, peer_responses; /* of other nodes */
};

struct proxy {
	struct proxy_options options;
	const struct ring *ring; /* borrowed */
	struct conn_loop loop;
	struct evdns_base *dns;
	struct uplink_policy peer_policy, store_policy;
	struct replica **replicas; /* by index of ring->nodes; [0] is the datastore */
	struct dnode_rsa *rsa;
	enum consistency read_level, write_level;
	enum proxy_state state;
	int64_t now_ms;        /* of this turn, monotonic */
	int64_t store_back_ms; /* when the datastore was back, while other nodes are to notice */
	struct local_context local;
	struct listener *client_listener, *link_listener;
	struct asker_list clients;
	struct asker_list links; /* the connections of other nodes */
	uint64_t next_client_id;
	struct event *ticker;
	struct proxy_counters counters;
};

/* Listen and connect as the options say, which are copied.  NULL, with a message logged, on
 * failure. */
struct proxy *proxy_new(
	struct event_base *base, const struct ring *ring, const struct proxy_options *options);
void proxy_free(struct proxy *p);

/*
 * Take no more connections and no more requests; those under way are still answered, and sent to
 * the replicas they are for.  Goes on in the loop, until proxy_is_idle() or the caller's patience
 * ends.
 */
void proxy_quit(struct proxy *p);
bool proxy_is_idle(const struct proxy *p);

/* Whether messages between this node and those of a rack are encrypted. */
bool proxy_encrypts(const struct proxy *p, size_t rack);

/* The end of a turn of the loop: what was said goes out. */
void proxy_flush(struct proxy *p);

/* Take the peer with this name ("all": every one) out of use, back, or begin anew with it.  False
 * when there is none. */
bool proxy_peer_down(struct proxy *p, const char *name);
bool proxy_peer_up(struct proxy *p, const char *name);
bool proxy_peer_reset(struct proxy *p, const char *name);

/* Append the lines of INFO's section (NULL: all); for local_context.info.  arg is the proxy. */
bool proxy_info(void *arg, const char *section, struct buf *text);

#ifdef __cplusplus
}
#endif

#endif
