/*
 * conn - a non-blocking connection in the event loop, as clients, datastores and peers share it.
 *
 * What is appended to out leaves at the end of the loop's turn, so that all answers of a turn go in
 * one write.  Event loop's thread.
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

/* What all connections of a loop share. */
struct conn_loop {
	struct event_base *base;
	LIST_HEAD(, conn) dirty; /* have something to write */
	SLIST_HEAD(, conn_grave) graves;
	uint8_t *shared; /* CONN_READ_BYTES: input that leaves nothing behind needs no buffer of its
			    own */
};

#define CONN_READ_BYTES ((size_t)64 * 1024)

struct conn;

/* Memory to be released, by free_it, at the end of the turn: calls above may still look at it. */
struct conn_grave {
	SLIST_ENTRY(conn_grave) next;
	void (*free_it)(struct conn_grave *g);
};

/*
 * What a kind of connection does.  Each function may close its conn, by conn_close(), but must not
 * release the memory it lies in before conn_loop_flush() has begun: see conn_bury.
 */
struct conn_ops {
	/* It is connected (only after conn_connect). */
	void (*connected)(struct conn *c);
	/*
	 * Bytes have arrived, behind what an earlier call left.  Returns how many of them are done
	 * with; what is left is shown again with more behind it.
	 */
	size_t (*bytes)(struct conn *c, const uint8_t *bytes, size_t len);
	/* out went below what it was, after a pause: see conn_pause.  May be NULL. */
	void (*written)(struct conn *c);
	/* The other side will say no more, but may still listen.  NULL: the conn ends with it. */
	void (*said_all)(struct conn *c);
	/* It has ended: by the other side (why NULL), or by an error.  The conn is closed already.
	 */
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
	bool close_after; /* close, in good order, once out is empty */
	bool given_up;    /* see conn_give_up() */
	LIST_ENTRY(conn) next_dirty;
	struct outq out;
	struct buf in; /* input that waits for more */
	struct event read_event, write_event;
};

/* A conn that is not connected. */
void conn_init(struct conn *c);

/* False when memory is short.  Release it after all of its connections. */
bool conn_loop_init(struct conn_loop *l, struct event_base *base);
void conn_loop_fini(struct conn_loop *l);

/* Have g released at the end of the turn. */
void conn_bury(struct conn_loop *l, struct conn_grave *g);

/* The end of a turn: write what there is, release what was buried. */
void conn_loop_flush(struct conn_loop *l);

/* Take over a connected, non-blocking descriptor. */
void conn_adopt(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop, int fd);

/* Begin to connect; ops->connected or ops->ended tells how it went.  False with errno when it
 * failed at once. */
bool conn_connect(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop,
	const struct sockaddr *sa, socklen_t len);

/* Append to out.  False when memory is short: the caller closes. */
bool conn_send(struct conn *c, const void *bytes, size_t len);

/* To be called by whoever appended to out by other means. */
void conn_wrote(struct conn *c);

/* Stop reading, and go on; on resuming, input that was left is shown at the loop's next turn. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* What out holds has a hole, or is more than may wait: drop it and all that is still appended, read
 * no more, and end from the loop (ops->ended is called). */
void conn_give_up(struct conn *c);

/* Close, at once; what out and in hold is dropped.  ops->ended is not called.  Harmless when
 * closed. */
void conn_close(struct conn *c);

#ifdef __cplusplus
}
#endif

#endif
