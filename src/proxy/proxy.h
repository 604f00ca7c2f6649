/*
 * proxy - serves clients and other nodes: the public interface of this directory.
 *
 *     client -> route -> datastore | peer -> reply
 *
 * All functions: event loop's thread.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/consistency.h"
#include "cluster/ring.h"
#include "proxy/figures.h"
#include "proxy/proxy_options.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which requests the node serves; changed by /state. */
enum proxy_state {
	PROXY_NORMAL,
	PROXY_STANDBY,     /* refuses all requests */
	PROXY_WRITES_ONLY, /* takes writes, refuses reads */
	PROXY_RESUMING,    /* the same, before going back to normal */
};

/* The name in /state.  Static storage. */
const char *proxy_state_name(enum proxy_state s);

struct proxy;

/* Listen and connect as the options say, which are copied, though not their texts.  NULL, with a
 * message logged, on failure. */
struct proxy *proxy_new(
	struct event_base *base, const struct ring *ring, const struct proxy_options *options);
void proxy_free(struct proxy *p);

/*
 * Take no more connections and requests; those under way are still sent and answered.  Keep running
 * the loop until proxy_is_idle(), or until a deadline of the caller's.
 */
void proxy_quit(struct proxy *p);
bool proxy_is_idle(const struct proxy *p);

/* Write all output; call it at the end of each iteration of the loop. */
void proxy_flush(struct proxy *p);

/*
 * The reply to a request of this node itself, in one piece; NULL when out of memory.  fate says
 * whether it was carried out: with WRITE_MISSED and WRITE_UNKNOWN the reply may be an error made
 * here.  Called once.
 */
typedef void proxy_answered(void *arg, const uint8_t *reply, size_t len, enum write_fate fate);

struct proxy_own_request {
	const void *key; /* which its request is about; NULL: of no key */
	size_t len;
	uint32_t token;      /* without a key: any of the lane that it takes */
	const void *request; /* RESP; not checked */
	size_t request_len;
	proxy_answered *answered;
	void *arg;
};

/*
 * Send a request of this node itself to the datastore, in order with those of clients and other
 * nodes about the key.  answered may be called before this returns, and is called at the latest in
 * proxy_free().  False, without a call, when out of memory.
 */
bool proxy_ask(struct proxy *p, const struct proxy_own_request *ask);

/* Take the peer with this name ("all": every peer) out of use; put it back; close its connections.
 * False when there is none. */
bool proxy_peer_down(struct proxy *p, const char *name);
bool proxy_peer_up(struct proxy *p, const char *name);
bool proxy_peer_reset(struct proxy *p, const char *name);

/* Get and set which requests the node serves. */
enum proxy_state proxy_get_state(const struct proxy *p);
void proxy_set_state(struct proxy *p, enum proxy_state state);

/* Get and set the consistency levels of reads and of writes. */
enum consistency proxy_read_level(const struct proxy *p);
enum consistency proxy_write_level(const struct proxy *p);
void proxy_set_read_level(struct proxy *p, enum consistency level);
void proxy_set_write_level(struct proxy *p, enum consistency level);

/* What was counted until now. */
void proxy_count(const struct proxy *p, struct proxy_figures *f);

/* The same for a node, by its index in ring->nodes; 0 is the datastore of this one. */
void proxy_count_replica(const struct proxy *p, size_t node, struct replica_figures *f);

/* In a word, whether this node reaches it ("up"); of this node itself, what it does for whom. */
const char *proxy_node_state(const struct proxy *p, size_t node);

#ifdef __cplusplus
}
#endif

#endif
