/*
 * asker - a connection from which requests come: a client's, or that of another node (a link).
 *
 * Shared by both: accepting and turning away, the list of connections, the unanswered calls of
 * each, the limits on reading and buffering, and closing.  client and link add the protocol and the
 * order of replies.  Event loop's thread.
 */
#ifndef PROXY_ASKER_H
#define PROXY_ASKER_H

#include "base/log.h"
#include "proxy/call.h"
#include "proxy/conn.h"
#include "proxy/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct asker;
struct proxy;

/* What differs between clients and links. */
struct asker_kind {
	size_t asker_bytes; /* of the struct that begins with struct asker */
	size_t call_bytes;  /* of the struct that begins with struct asker_call */
	/* At any of these limits an asker is no longer read from until it is below half of them. */
	size_t calls_max;
	size_t calls_first; /* calls_max before the first reply */
	size_t unread_max;  /* bytes of replies that it has not read */
	size_t answers_max; /* estimated bytes of replies to come */
	/* Unread bytes above which it is closed. */
	size_t unread_hard_max;
	/* Log messages: one was turned away, the reason if the limit is reached, one is closed. */
	const char *turned_away, *full, *closed;
	const char *ended; /* its connection ended with an error, logged at ended_level */
	int ended_level;
	/* With asker_written and asker_ended. */
	struct conn_ops conn;
	/* Called with the reply to a call. */
	struct call_origin origin;
	/* Called after it was accepted. */
	void (*begin)(struct asker *a);
	/* Called before one is closed because the limit is reached, to send an error.  May be NULL.
	 */
	void (*tell_no_room)(int fd);
	/* Called after it was closed, before its calls are released.  May be NULL. */
	void (*gone)(struct asker *a);
	/* Called before its memory is released.  May be NULL. */
	void (*fini)(struct asker *a);
};

/* All askers of a kind. */
struct asker_list {
	const struct asker_kind *kind;
	struct proxy *proxy;
	struct conn_loop *loop;
	LIST_HEAD(, asker) all;
	size_t n, max;          /* askers, and the limit */
	struct call_list calls; /* of all of them */
	struct log_gate gate;   /* limits messages that strangers can cause */
	uint64_t accepted, turned_away;
};

/* One request being carried out; the struct of the kind begins with it. */
struct asker_call {
	struct call call;    /* first: asker_call_of() casts it */
	struct asker *asker; /* NULL: closed */
	TAILQ_ENTRY(asker_call) next;
};

struct asker {
	struct conn conn; /* first: asker_of() casts it */
	struct conn_grave grave;
	struct asker_list *list;
	LIST_ENTRY(asker) next;
	TAILQ_HEAD(, asker_call) calls; /* not answered yet, oldest first */
	size_t n_calls;
	size_t parked; /* bytes of replies that wait for earlier ones */
	struct window window;
	bool quitting; /* take no more requests, close when all are answered */
};

static inline struct asker *asker_of(struct conn *c)
{
	return (struct asker *)c;
}

static inline struct asker_call *asker_call_of(struct call *c)
{
	return (struct asker_call *)c;
}

/* ---- For the proxy ---- */

/* An empty list with max 0, which the caller sets.  Calls time out after timeout_ms. */
void asker_list_init(struct asker_list *l, const struct asker_kind *kind, struct proxy *proxy,
	struct conn_loop *loop, int64_t timeout_ms);

/* Release the remaining calls, after all askers are closed and their legs have ended. */
void asker_list_fini(struct asker_list *l);

/* Callbacks of the listener: a connection was accepted, or turned away.  arg is the struct
 * asker_list. */
void asker_accepted(void *arg, int fd);
void asker_turned_away(void *arg);

/* Take no more requests; close each connection when its requests are answered. */
void asker_quit_all(struct asker_list *l);

/* Close all connections now. */
void asker_close_all(struct asker_list *l);

/* ---- For the kinds ---- */

/* Whether another request may be read now: calls and bytes are below 1/part of their limits. */
bool asker_has_room(const struct asker *a, unsigned part);

/* A new call, at the end of the asker's calls.  NULL when out of memory. */
struct asker_call *asker_call_new(struct asker *a, const struct command *command, int64_t now_ms);

/* The call is answered: remove it from the asker's calls and release it. */
void asker_call_end(struct asker_call *c);

/* Take no more requests; close when all are answered. */
void asker_quit(struct asker *a);

/* After a reply: close if the asker is quitting and that was the last one. */
static inline void asker_check_quit(struct asker *a)
{
	if (a->quitting && TAILQ_EMPTY(&a->calls))
		asker_quit(a);
}

/* A reply was lost, so the rest would be out of step: log why, drop what is queued, and close from
 * the event loop. */
void asker_give_up(struct asker *a, const char *why);

/* The same, because it does not read its replies. */
void asker_give_up_unread(struct asker *a);

static inline size_t asker_unread(const struct asker *a)
{
	return a->conn.out.bytes + a->parked;
}

/* After more was queued: give the asker up when it has too much unread. */
static inline void asker_check_unread(struct asker *a)
{
	if (asker_unread(a) > a->list->kind->unread_hard_max)
		asker_give_up_unread(a);
}

/* Close now. */
void asker_close(struct asker *a);

/* Functions for conn_ops. */
void asker_written(struct conn *c);
void asker_ended(struct conn *c, const char *why);

#ifdef __cplusplus
}
#endif

#endif
