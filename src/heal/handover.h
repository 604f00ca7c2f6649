/*
 * handover - brings connections from the receiver's threads to the event loop.
 *
 * A connection that speaks version 2 belongs to the loop.  The worker that has looked at its first
 * byte gives it here, and the loop takes it in its next turn.  heal_handover_give() any thread, the
 * rest event loop's thread.
 */
#ifndef HEAL_HANDOVER_H
#define HEAL_HANDOVER_H

#include <event2/event.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connections that may wait for the loop; more are refused. */
#define HEAL_HANDOVER_MAX 64

struct heal_handover;

/* Owns fd from now on; peer is its "host:port". */
typedef void (*heal_handover_take_fn)(void *arg, int fd, const char *peer);

/* NULL when memory or descriptors are short. */
struct heal_handover *heal_handover_new(
	struct event_base *base, heal_handover_take_fn take, void *arg);

/* handover is a struct heal_handover; the callback of dyn_entropy_receiver_options.  False when too
 * many wait or it has been stopped: fd stays the caller's. */
bool heal_handover_give(void *handover, int fd, const char *peer);

/* Close the connections that still wait, and refuse all that come later.  Then take is not called
 * any more.  Harmless when it was called before. */
void heal_handover_stop(struct heal_handover *h);

/* After the threads that give; NULL is harmless. */
void heal_handover_free(struct heal_handover *h);

#ifdef __cplusplus
}
#endif

#endif
