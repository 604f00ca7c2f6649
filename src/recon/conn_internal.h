/*
 * conn_internal - what conn.c (a connection while it is open, and its end) and conn_open.c (how it
 * comes to be) share.  Only they include it.
 */
#ifndef RECON_CONN_INTERNAL_H
#define RECON_CONN_INTERNAL_H

#include "recon/conn.h"

#ifdef __cplusplus
extern "C" {
#endif

enum recon_conn_state {
	RECON_CONN_STATE_CONNECTING, /* fd is watched by connecting */
	RECON_CONN_STATE_SHAKING,
	RECON_CONN_STATE_OPEN,
	RECON_CONN_STATE_FINISHING, /* the queue is being sent */
	RECON_CONN_STATE_LINGERING, /* the end was sent; the other node's is awaited */
	RECON_CONN_STATE_ENDED,
};

struct recon_conn {
	struct recon_conn_options options;
	enum recon_conn_state state;
	int fd;   /* -1: bev has it */
	SSL *ssl; /* a reference of its own beside bev's */
	struct bufferevent *bev;
	struct event *connecting; /* NULL once connected */
	struct event *timer;
	int64_t deadline_ms;   /* of connecting, the handshake, and of the end */
	int64_t in_ms, out_ms; /* when there last was progress */
	size_t in_seen;        /* bytes of the incomplete frame at in_ms */
	size_t out_taken;      /* bytes taken since out_ms */
	bool wants_drained;    /* a send was refused */
	unsigned held;         /* callbacks under way */
	bool is_freed;         /* once held is 0 */
	enum recon_tls_refusal refusal;
	char why[192];
};

/* End it and tell the owner, who may free it.  why may be c->why. */
void recon_conn_end(struct recon_conn *c, enum recon_conn_end how, const char *why);

/* Set the timer: at a point of the monotonic clock, or to a deadline. */
void recon_conn_wake_at(struct recon_conn *c, int64_t at_ms);
void recon_conn_wait(struct recon_conn *c, uint32_t timeout_ms);
void recon_conn_on_timer(evutil_socket_t fd, short events, void *arg);

/* Set the callbacks of bev. */
void recon_conn_watch(struct recon_conn *c);

#ifdef __cplusplus
}
#endif

#endif
