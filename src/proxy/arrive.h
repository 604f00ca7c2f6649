/*
 * arrive - writes on their way to this node's datastore: whether each is still to be carried out.
 *
 * A write can come later than a newer one of the same key, made through another node.  The hook
 * write_arrives says what to do with it: send it, answer it without sending it, decline it, or let
 * it wait until what is under way has ended.  Event loop's thread.
 */
#ifndef PROXY_ARRIVE_H
#define PROXY_ARRIVE_H

#include "proxy/call.h"
#include "proxy/lanes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;

/* The writes that wait. */
struct arrivals {
	STAILQ_HEAD(, arrival) waiting; /* in order of arrival */
	size_t n, bytes;
	bool due; /* a write of the datastore has ended since the last retry */
};

void arrivals_init(struct arrivals *a);

/* Send the leg of a write to the datastore, unless the hook says otherwise. */
void arrive_send(struct proxy *p, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* Ask again for those that wait, if something has ended, and fail those that have waited too long.
 * Call it at the end of each iteration. */
void arrive_retry(struct proxy *p);

/* Fail all that wait. */
void arrivals_fini(struct proxy *p);

#ifdef __cplusplus
}
#endif

#endif
