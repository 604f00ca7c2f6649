/*
 * lanes - how requests are spread over several connections to one place, and keep their order.
 *
 * Requests for one key take one lane, which keeps their order.  A request whose keys belong to
 * several lanes, or whose keys are not known, must neither overtake what was sent before it on the
 * others, nor be overtaken: it waits until no other request is under way, and the others wait until
 * it has ended.  With a single lane all of this costs nothing.  Event loop's thread.
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

/* The keys of a request, as far as lanes care. */
struct lane_keys {
	uint32_t token; /* of one of them */
	bool several;   /* they have different tokens, or are not known */
};

struct lanes_waiting;

struct lanes {
	size_t n;
	size_t queue_max, queue_bytes_max; /* of those that wait here */
	/*
	 * Send a request on a lane.  False when it could not be sent; the leg has ended then, and
	 * is not to be told to lanes_ended().
	 */
	bool (*send)(void *arg, size_t lane, struct leg *leg, const uint8_t *bytes, size_t len);
	/* It cannot even wait: end its leg. */
	void (*refuse)(void *arg, struct leg *leg, const char *why);
	void *arg;
	size_t under_way; /* on all lanes; counted with several of them alone */
	bool exclusive;   /* what is under way is one that wants no other beside it */
	bool advancing;   /* is sending those that wait */
	STAILQ_HEAD(, lanes_waiting) waiting; /* in their order */
	size_t n_waiting, bytes_waiting;
};

/* Nobody waits; the fields above under_way are the caller's to set. */
void lanes_init(struct lanes *l);

/* Send a request now, or in its turn.  bytes are copied when it has to wait. */
void lanes_send(struct lanes *l, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len);

/* A leg that was sent has its answer, or will have none. */
void lanes_ended(struct lanes *l);

/* Refuse all that wait. */
void lanes_fini(struct lanes *l, const char *why);

#ifdef __cplusplus
}
#endif

#endif
