/*
 * uplink - an outgoing connection that is kept up: to the datastore, or to another node.
 *
 * It resolves the name, connects, and after a failure connects again, each time after a longer
 * pause (with some jitter, so that nodes do not come back in step).  With auto_eject, failure_limit
 * failures in a row put it out of use for a while.  Event loop's thread.
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
	/* Connected; what is sent from within this goes ahead of what was queued before. */
	void (*up)(struct uplink *u);
	size_t (*bytes)(struct uplink *u, const uint8_t *bytes, size_t len); /* as conn_ops.bytes */
	/* What was queued or unanswered is lost.  Also called when a connection could not be made.
	 */
	void (*down)(struct uplink *u, const char *why);
};

/* Borrowed; shared by all uplinks of a kind. */
struct uplink_policy {
	struct conn_loop *loop;
	struct evdns_base *dns;
	int64_t connect_timeout_ms;
	int64_t retry_timeout_ms; /* server_retry_timeout */
	unsigned failure_limit;   /* server_failure_limit */
	bool auto_eject;          /* auto_eject_hosts */
	int64_t pause_max_ms;     /* between two attempts, while it is not ejected */
};

enum uplink_state {
	UPLINK_IDLE, /* nobody asked for it yet */
	UPLINK_RESOLVING,
	UPLINK_CONNECTING,
	UPLINK_UP,
	UPLINK_WAITING, /* until it tries again */
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
	unsigned failures; /* in a row */
	uint64_t connects; /* that worked, since the start */
	struct outq early; /* queued before it was up, behind what up() sends */
	size_t largest;    /* piece that was queued since nothing waited */
	struct event timer;
	struct evdns_getaddrinfo_request *lookup;
};

/* text: "host:port", or a path beginning with '/', which is borrowed.  False when it is neither. */
bool uplink_init(struct uplink *u, const struct uplink_ops *ops, const struct uplink_policy *policy,
	const char *text);
void uplink_fini(struct uplink *u); /* down() is not called */

/* Connect, if it is idle. */
void uplink_start(struct uplink *u);

/* Whether something can be queued: it is up, or on its way for the first time. */
bool uplink_usable(const struct uplink *u);

/* Queue bytes; false when memory is short. */
bool uplink_send(struct uplink *u, const void *bytes, size_t len);

/* Whether less than max bytes wait to be written, not counting the largest piece: one large value
 * on its way must not shut out all others. */
bool uplink_has_room(struct uplink *u, size_t max);

/* It is up, or on its way, but not of use (no answers): close, count a failure, try again later. */
void uplink_fail(struct uplink *u, const char *why);

/* Something worked: failures are counted anew. */
static inline void uplink_worked(struct uplink *u)
{
	u->failures = 0;
}

/* There is reason to think that it is back: do not wait any longer. */
void uplink_nudge(struct uplink *u);

/* Take it out of use, and back. */
void uplink_hold(struct uplink *u, const char *why);
void uplink_release(struct uplink *u);

/* As the pages write it.  Static storage. */
const char *uplink_state_name(enum uplink_state state);

#ifdef __cplusplus
}
#endif

#endif
