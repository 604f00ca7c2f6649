/*
 * uplink - an outgoing connection that is kept up: to the datastore, or to another node.
 *
 * It resolves the name, connects, and reconnects after failures with exponential backoff and
 * jitter. With auto_eject, failure_limit failures in a row take it out of use for a while.  Event
 * loop's thread.
 */
#ifndef PROXY_UPLINK_H
#define PROXY_UPLINK_H

#include "base/addr.h"
#include "proxy/conn.h"

#include <event2/dns.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uplink;

struct uplink_ops {
	/* Connected.  What this function sends goes ahead of what was queued before. */
	void (*up)(struct uplink *u);
	size_t (*bytes)(struct uplink *u, const uint8_t *bytes, size_t len); /* as conn_ops.bytes */
	/* Disconnected, or the attempt to connect failed.  What was queued or unanswered is lost.
	 */
	void (*down)(struct uplink *u, const char *why);
};

/* Shared by all uplinks of a kind; borrowed. */
struct uplink_policy {
	struct conn_loop *loop;
	struct evdns_base *dns;
	int64_t connect_timeout_ms;
	int64_t retry_timeout_ms; /* server_retry_timeout */
	unsigned failure_limit;   /* server_failure_limit */
	bool auto_eject;          /* auto_eject_hosts */
	int64_t pause_max_ms;     /* between attempts, unless it is ejected */
};

enum uplink_state {
	UPLINK_IDLE, /* not started yet */
	UPLINK_RESOLVING,
	UPLINK_CONNECTING,
	UPLINK_UP,
	UPLINK_WAITING, /* waits before the next attempt */
	UPLINK_HELD,    /* taken out of use by uplink_hold() */
};

struct uplink {
	struct conn conn;
	const struct uplink_ops *ops;
	const struct uplink_policy *policy;
	struct addr addr; /* unless path is set */
	const char *path; /* of a Unix socket; borrowed; NULL: addr */
	char name[ADDR_TEXT_MAX];
	enum uplink_state state;
	unsigned failures; /* failures in a row */
	uint64_t connects; /* successful ones, since the start */
	struct outq early; /* queued before it was up; sent after what up() sends */
	size_t largest;    /* piece queued since out was last empty */
	struct event timer;
	struct evdns_getaddrinfo_request *lookup;
};

/* text: "host:port", or a path beginning with '/', which is borrowed; ops and policy are borrowed
 * as well.  False when text is neither. */
bool uplink_init(struct uplink *u, const struct uplink_ops *ops, const struct uplink_policy *policy,
	const char *text);
void uplink_fini(struct uplink *u); /* down() is not called */

/* Connect, if it is idle. */
void uplink_start(struct uplink *u);

/* Whether requests can be queued: it is up, or connecting for the first time. */
bool uplink_usable(const struct uplink *u);

/* Queue bytes; false when out of memory. */
bool uplink_send(struct uplink *u, const void *bytes, size_t len);

/* Whether fewer than max bytes are queued, not counting the largest piece: one large value must not
 * block all other requests. */
bool uplink_has_room(struct uplink *u, size_t max);

/* It is up or connecting, but does not answer: close, count a failure, try again later. */
void uplink_fail(struct uplink *u, const char *why);

/* A request succeeded: reset the count of failures. */
static inline void uplink_worked(struct uplink *u)
{
	u->failures = 0;
}

/* It may be reachable again: if it waits, connect now. */
void uplink_nudge(struct uplink *u);

/* Take it out of use; put it back. */
void uplink_hold(struct uplink *u, const char *why);
void uplink_release(struct uplink *u);

/* The name that the control pages show.  Static storage. */
const char *uplink_state_name(enum uplink_state state);

#ifdef __cplusplus
}
#endif

#endif
