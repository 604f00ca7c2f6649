/*
 * conn - a connection to another node in the event loop: frames over TLS.
 *
 *     recon_conn_dial() or recon_conn_accept() -> opened() -> recon_conn_send(), frame() ...
 *         -> recon_conn_finish() -> ended() -> recon_conn_free()
 *
 * A frame is u32 length of the body (big-endian), u8 type, body; see message.h.  Only the length is
 * looked at here.  The callbacks come from the loop, never from within a function of this header,
 * and each of these functions may be called from within a callback.  Nothing blocks, and every wait
 * has a deadline.  The process must ignore SIGPIPE.  Event loop's thread.
 */
#ifndef RECON_CONN_H
#define RECON_CONN_H

#include "recon/tls.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RECON_CONN_HEAD 5 /* bytes before the body of a frame */

/* How a connection ended. */
enum recon_conn_end {
	RECON_CONN_FINISHED,    /* recon_conn_finish(): all was sent, and the other node closed */
	RECON_CONN_CLOSED,      /* the other node closed it, in good order and between frames */
	RECON_CONN_UNREACHABLE, /* no connection, so no handshake either */
	RECON_CONN_REFUSED,     /* the handshake failed: recon_conn_refusal() */
	RECON_CONN_STALLED,     /* a deadline has passed */
	RECON_CONN_CUT,         /* it was cut off, or what came is damaged */
	RECON_CONN_TOO_LONG,    /* a frame is longer than allowed */
	RECON_CONN_NO_MEMORY,
	RECON_CONN_N_ENDS
};

/* Counted by all connections that are given it, since it was zeroed. */
struct recon_conn_figures {
	uint64_t dialed, accepted, opened;
	uint64_t ends[RECON_CONN_N_ENDS];        /* not of those freed before they ended */
	uint64_t refusals[RECON_TLS_N_REFUSALS]; /* of those that ended as REFUSED */
	uint64_t bytes_in, bytes_out;            /* of frames; taken by the socket */
};

struct recon_conn_ops {
	/* Each end has proved its name: recon_conn_peer().  Frames may be sent. */
	void (*opened)(void *arg);
	/* A whole frame with its head, borrowed for the call. */
	void (*frame)(void *arg, const uint8_t *frame, size_t len);
	/* After recon_conn_send() returned false: at least half of the queue is free again.  May
	 * be NULL. */
	void (*drained)(void *arg);
	/* The last callback, once, unless it was freed before.  why is a text for the log, without
	 * the other node's name, borrowed for the call. */
	void (*ended)(void *arg, enum recon_conn_end end, const char *why);
};

struct recon_conn_options {
	struct event_base *base;
	const struct recon_tls *tls;
	const struct recon_conn_ops *ops;
	void *arg;
	struct recon_conn_figures *figures; /* may be NULL */
	uint32_t handshake_ms;              /* to connect and to open */
	/* Without a frame or 16 KiB of one, and without 16 KiB or all of the queue being taken. */
	uint32_t idle_ms;
	size_t body_max;  /* bytes of a frame that the other node may send, without its head */
	size_t queue_max; /* bytes that wait to be sent, heads included */
};

struct recon_conn;

/*
 * Connect to the node called listener.  NULL when memory or descriptors are short (errno) or the
 * name is not allowed or this node's own; all other failures end it.  What options points to is
 * borrowed.
 */
struct recon_conn *recon_conn_dial(const struct recon_conn_options *options,
	const struct sockaddr *to, socklen_t len, const char *listener);

/* Listen to a node that has connected: fd is taken over, and closed also when this fails.  NULL
 * when memory is short. */
struct recon_conn *recon_conn_accept(const struct recon_conn_options *options, int fd);

/* Queue whole frames, or pieces of them in order.  They are copied.  False when the queue has no
 * room for them, memory is short, or the connection is not open: nothing of it is queued. */
bool recon_conn_send(struct recon_conn *c, const void *bytes, size_t len);

/* Bytes that wait to be sent. */
size_t recon_conn_queued(const struct recon_conn *c);

/* Send what is queued, close, and wait for the other node to do so too; its frames are dropped from
 * now on.  ended() follows.  Harmless unless it is open. */
void recon_conn_finish(struct recon_conn *c);

/* The name of the other node: the listener's always, the dialer's "" until it is proved. */
const char *recon_conn_peer(const struct recon_conn *c);

/* Why it ended as RECON_CONN_REFUSED. */
enum recon_tls_refusal recon_conn_refusal(const struct recon_conn *c);

/* Close at once, in any state; what is queued is lost.  No callback follows.  NULL is harmless. */
void recon_conn_free(struct recon_conn *c);

#ifdef __cplusplus
}
#endif

#endif
