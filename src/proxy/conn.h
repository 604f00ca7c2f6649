/*
 * conn - a non-blocking connection in the event loop, used by clients, links and replicas.
 *
 * What is appended to out is written at the end of the loop's iteration, so that all replies of an
 * iteration take one write.  Event loop's thread.
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include "base/buf.h"
#include "proxy/outq.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Shared by all connections of a loop. */
struct conn_loop {
	struct event_base *base;
	LIST_HEAD(, conn) dirty; /* with output to write */
	SLIST_HEAD(, conn_grave) graves;
	/* Called before output is written.  May append to connections.  May be NULL. */
	void (*before_write)(void *arg);
	void *before_write_arg;
	uint8_t *shared; /* CONN_READ_BYTES; a connection needs its own buffer only for incomplete
			    input */
};

#define CONN_READ_BYTES ((size_t)64 * 1024)

struct conn;

/* Memory that free_it releases at the end of the iteration, since callers may still use it. */
struct conn_grave {
	SLIST_ENTRY(conn_grave) next;
	void (*free_it)(struct conn_grave *g);
};

/*
 * Callbacks of a kind of connection.  Each may close its conn with conn_close(), but must not
 * release the memory of the conn itself: use conn_bury().
 */
struct conn_ops {
	/* The connection is established (only after conn_connect). */
	void (*connected)(struct conn *c);
	/*
	 * Input: what earlier calls left, followed by what has arrived.  Returns how many bytes
	 * were consumed; the rest is passed again when more arrives.
	 */
	size_t (*bytes)(struct conn *c, const uint8_t *bytes, size_t len);
	/* Some of out was written while the conn is paused: see conn_pause.  May be NULL. */
	void (*written)(struct conn *c);
	/* The other side has shut down its sending direction.  NULL: the conn ends then. */
	void (*said_all)(struct conn *c);
	/* The conn was closed, by the other side (why NULL) or because of an error. */
	void (*ended)(struct conn *c, const char *why);
};

struct conn {
	const struct conn_ops *ops;
	struct conn_loop *loop;
	int fd; /* -1: closed */
	bool connecting;
	bool paused; /* not read from */
	bool is_dirty;
	bool wants_write; /* write_event is pending */
	bool close_after; /* close once out is written */
	bool given_up;    /* by conn_give_up() */
	LIST_ENTRY(conn) next_dirty;
	struct outq out;
	struct buf in; /* incomplete input */
	struct event read_event, write_event;
};

/* Initialise a closed conn. */
void conn_init(struct conn *c);

/* False when out of memory.  Release it after all of its connections. */
bool conn_loop_init(struct conn_loop *l, struct event_base *base);
void conn_loop_fini(struct conn_loop *l);

/* Release g at the end of the iteration. */
void conn_bury(struct conn_loop *l, struct conn_grave *g);

/* End an iteration: write all output, and release what was buried. */
void conn_loop_flush(struct conn_loop *l);

/* Take over a connected, non-blocking descriptor. */
void conn_adopt(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop, int fd);

/* Start to connect; ops->connected or ops->ended is called with the result.  False with errno when
 * it fails at once. */
bool conn_connect(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop,
	const struct sockaddr *sa, socklen_t len);

/* Append to out.  False when out of memory: the caller must close. */
bool conn_send(struct conn *c, const void *bytes, size_t len);

/* To be called after appending to out directly. */
void conn_wrote(struct conn *c);

/* Stop reading; resume reading, with input that was left passed in the next iteration. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* Output was lost or is too much: drop out and what is appended later, stop reading, and end the
 * conn from the loop (ops->ended is called). */
void conn_give_up(struct conn *c);

/* Close at once and drop out and in.  ops->ended is not called.  Harmless when closed. */
void conn_close(struct conn *c);

#ifdef __cplusplus
}
#endif

#endif
