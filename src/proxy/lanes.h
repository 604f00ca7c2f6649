/*
 * lanes - spreads requests over the connections to a replica, and keeps their order.
 *
 * A lane is one connection.  Requests for the same key take the same lane, which keeps their order.
 * A request whose keys belong to several lanes, or are not known, must not overtake earlier
 * requests on other lanes, nor be overtaken: it waits until no other request is under way, and
 * later ones wait until it has ended.  With a single lane nothing waits.  Event loop's thread.
 */
#ifndef PROXY_LANES_H
#define PROXY_LANES_H

#include "proxy/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What determines the lane of a request. */
struct lane_keys {
	uint32_t token; /* of one of the keys */
	bool several;   /* the keys have different tokens, or are not known */
};

struct lanes_waiting;

struct lanes {
	size_t n;
	size_t queue_max, queue_bytes_max; /* limits of the waiting requests */
	/*
	 * Send a request on a lane.  False when it could not be sent; the leg has ended then, and
	 * lanes_ended() must not be called for it.
	 */
	bool (*send)(void *arg, size_t lane, struct leg *leg, const uint8_t *bytes, size_t len);
	/* End the leg of a request that can neither be sent nor wait. */
	void (*refuse)(void *arg, struct leg *leg, const char *why);
	void *arg;
	size_t under_way;                     /* on all lanes; only counted if there are several */
	bool exclusive;                       /* the request under way allows no other beside it */
	bool advancing;                       /* waiting requests are being sent */
	STAILQ_HEAD(, lanes_waiting) waiting; /* in order of arrival */
	size_t n_waiting, bytes_waiting;
};

/* Initialise all but the fields above under_way, which the caller sets. */
void lanes_init(struct lanes *l);

/* Send a request now, or queue it, with a copy of bytes. */
void lanes_send(struct lanes *l, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* A leg that was sent has its reply, or failed. */
void lanes_ended(struct lanes *l);

/* Refuse all waiting requests. */
void lanes_fini(struct lanes *l, const char *why);

#ifdef __cplusplus
}
#endif

#endif
