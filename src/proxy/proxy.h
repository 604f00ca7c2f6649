/*
 * proxy - the node as clients and other nodes see it: its public face.
 *
 *     client -> route -> datastore | peer -> reply
 *
 * Everything runs in the event loop's thread.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/consistency.h"
#include "cluster/ring.h"
#include "proxy/counters.h"
#include "proxy/proxy_options.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

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

/* As /state writes it.  Static storage. */
const char *proxy_state_name(enum proxy_state s);

struct proxy;

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

/* The end of a turn of the loop: what was said goes out. */
void proxy_flush(struct proxy *p);

/* Take the peer with this name ("all": every one) out of use, back, or begin anew with it.  False
 * when there is none. */
bool proxy_peer_down(struct proxy *p, const char *name);
bool proxy_peer_up(struct proxy *p, const char *name);
bool proxy_peer_reset(struct proxy *p, const char *name);

/* What the node does now, and from now on. */
enum proxy_state proxy_get_state(const struct proxy *p);
void proxy_set_state(struct proxy *p, enum proxy_state state);

/* How many replicas are waited for, on a read and on a write. */
enum consistency proxy_read_level(const struct proxy *p);
enum consistency proxy_write_level(const struct proxy *p);
void proxy_set_read_level(struct proxy *p, enum consistency level);
void proxy_set_write_level(struct proxy *p, enum consistency level);

/* What was counted until now. */
void proxy_count(const struct proxy *p, struct proxy_counters *c);

/* The same for a node, by its index in ring->nodes; 0 is the datastore of this one. */
void proxy_count_replica(const struct proxy *p, size_t node, struct replica_counters *c);

#ifdef __cplusplus
}
#endif

#endif
