/*
 * session - two owners of a share compare what they have, and the older value of each key gives
 * way.
 *
 * One session has one connection.  The node that dials decides key by key; the other answers.  The
 * bytes are those of message.h.
 *
 *     dialer    recon_session_new() -> recon_session_start() -> recon_session_take() ...
 *     listener  recon_session_peek() -> recon_session_new() -> recon_session_take() ...
 *
 * A session does no I/O and has no clock: bytes come in by recon_session_take() and go out by
 * send(), and recon_session_tick() is called when recon_session_deadline() has passed.  What it
 * needs of Redis goes through the host of the core.  One thread.
 */
#ifndef RECON_SESSION_H
#define RECON_SESSION_H

#include "recon/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct recon_session_options {
	uint32_t peer; /* the bit of the other node */
	bool is_dialer;
	uint32_t total_ms;   /* the session ends after this long */
	uint32_t full_ms;    /* likewise when every key is compared; 0: total_ms */
	uint32_t silence_ms; /* likewise when nothing arrives */
	uint32_t key_ms;     /* what was read of a key counts for so long; 0: for max_delay_ms less
				close_ms */
	uint32_t window;     /* keys under way; 0: 64 */
	size_t held_bytes;  /* of contents, here or on their way to the peer: beyond it no more keys
			       are read; 0: 16 MiB */
	size_t value_bytes; /* larger values stay different; 0: 64 MiB */
	size_t list_max;    /* entries listed; 0: 1,048,576 */
	/* Send whole frames to the peer: they are queued or copied before it returns.  What waits
	 * to be sent may come to 8 bytes for each entry listed, held_bytes and a value more for
	 * each key under way. */
	void (*send)(void *arg, const void *bytes, size_t len);
	void *arg;
};

enum recon_session_state {
	RECON_SESSION_RUNNING,
	RECON_SESSION_DONE,   /* what it compared is settled, or listed */
	RECON_SESSION_FAILED, /* it ended before: recon_session_reason() */
};

/* What a session did, so far. */
struct recon_session_figures {
	uint64_t bytes_in, bytes_out;
	uint64_t epochs;    /* compared */
	uint64_t keys;      /* compared */
	uint64_t repaired;  /* keys of this node */
	uint64_t given;     /* keys of the peer */
	uint64_t changed;   /* keys that changed meanwhile: left for the next session */
	uint64_t unsettled; /* keys that stay different */
	bool was_full;      /* every key was compared */
};

struct recon_session;

/* NULL when out of memory, or when the core has a session with the peer in this role already.
 * Release it with recon_session_free(), at any time but from within its send(). */
struct recon_session *recon_session_new(
	struct recon_core *c, const struct recon_session_options *o, struct recon_now now);
void recon_session_free(struct recon_session *s);

/* The dialer begins. */
void recon_session_start(struct recon_session *s, struct recon_now now);

/* Bytes that came from the peer, in pieces of any size. */
void recon_session_take(
	struct recon_session *s, const void *bytes, size_t len, struct recon_now now);

/* When to call recon_session_tick(), in the monotonic ms of the caller. */
uint64_t recon_session_deadline(const struct recon_session *s);
void recon_session_tick(struct recon_session *s, struct recon_now now);

/* Look at it after each call to the session or the core.  Once it does not run any more, close the
 * connection when what was sent is written, and free it. */
enum recon_session_state recon_session_state(const struct recon_session *s);

/* Why it failed, a sentence for the log.  Static. */
const char *recon_session_reason(const struct recon_session *s);

const struct recon_session_figures *recon_session_counts(const struct recon_session *s);

/* ---- Which core a connection is for ---- */

struct recon_caller {
	uint64_t share, node;
	char name[RECON_NAME_MAX + 1]; /* as it says; show it by shown() */
};

enum recon_peek {
	RECON_PEEK_MORE, /* the first message is not complete */
	RECON_PEEK_OK,
	RECON_PEEK_BAD, /* close the connection */
};

/* Read the first message of a connection without consuming it.  The bytes go to
 * recon_session_take() then. */
enum recon_peek recon_session_peek(const void *bytes, size_t len, struct recon_caller *who);

#ifdef __cplusplus
}
#endif

#endif
