/*
 * datastore - the Redis behind this node: a few connections, each with its queue of legs that wait
 * for their replies.
 *
 * Redis answers in order, so the oldest leg of a connection owns the next reply.  Event loop's
 * thread.
 */
#ifndef PROXY_DATASTORE_H
#define PROXY_DATASTORE_H

#include "proxy/call.h"
#include "proxy/lanes.h"
#include "proxy/uplink.h"

#ifdef __cplusplus
extern "C" {
#endif

struct datastore_options {
	const char *address;  /* "host:port" or a path; borrowed */
	const char *password; /* NULL: none; borrowed */
	const struct uplink_policy *policy;
	size_t n_connections;
	size_t queue_max;       /* legs under way per connection */
	size_t queue_bytes_max; /* waiting to be written per connection */
	int64_t timeout_ms; /* a connection that lets a leg wait for twice as long is given up */
	/* It was away, so that it may have missed or lost writes, and is back.  May be NULL. */
	void (*back)(void *arg);
	void *back_arg;
};

struct datastore_counters {
	uint64_t requests, replies, failures; /* legs */
	uint64_t bytes_out, bytes_in;
	uint64_t connects;
	size_t queued; /* legs under way now */
	bool up;       /* a connection is */
};

struct datastore;

/* NULL when memory is short. */
struct datastore *datastore_new(const struct datastore_options *options);
void datastore_free(struct datastore *d);

/* Connect now, not with the first request. */
void datastore_preconnect(struct datastore *d);

/* Send a request (RESP) for a leg, which ends here or with its reply. */
void datastore_send(struct datastore *d, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* Give up connections that let their oldest leg wait too long.  To be called a few times each
 * timeout. */
void datastore_check(struct datastore *d, int64_t now_ms);

void datastore_count(const struct datastore *d, struct datastore_counters *c);

#ifdef __cplusplus
}
#endif

#endif
