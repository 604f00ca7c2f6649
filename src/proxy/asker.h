/*
 * asker - a connection from which requests come: a client's, or that of another node (a link).
 *
 * What both have in common is here: who is taken and who is turned away, the list of them, the
 * calls of each that are not answered, how much is read from them and kept for them, and their end.
 * client and link add what they speak, and in what order they are answered.  Event loop's thread.
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

/* What clients and links do each in their way. */
struct asker_kind {
	size_t asker_bytes; /* of the struct that begins with struct asker */
	size_t call_bytes;  /* of the struct that begins with struct asker_call */
	/* Beyond any of these, no more requests of one are read until it is below half. */
	size_t calls_max;
	size_t calls_first; /* before the first answer */
	size_t unread_max;  /* bytes that wait for it to read them */
	size_t answers_max; /* bytes of answers to come, about */
	/* One that does not take its answers is given up beyond this. */
	size_t unread_hard_max;
	/* For the log: who was turned away, why when there are as many as may be, and who is
	 * closed. */
	const char *turned_away, *full, *closed;
	const char *ended; /* its connection did, for a reason that is logged at this level */
	int ended_level;
	/* Its functions written and ended are asker_written and asker_ended. */
	struct conn_ops conn;
	/* A call has its answer. */
	struct call_origin origin;
	/* It was accepted. */
	void (*begin)(struct asker *a);
	/* There is no room for one: tell it, before it is closed.  May be NULL. */
	void (*tell_no_room)(int fd);
	/* It is closed: its calls are forgotten after this.  May be NULL. */
	void (*gone)(struct asker *a);
	/* Its memory is released after this; nobody looks at it any more.  May be NULL. */
	void (*fini)(struct asker *a);
};

/* All askers of a kind. */
struct asker_list {
	const struct asker_kind *kind;
	struct proxy *proxy; /* whom they ask */
	struct conn_loop *loop;
	LIST_HEAD(, asker) all;
	size_t n, max;          /* of them */
	struct call_list calls; /* of all of them */
	struct log_gate gate;   /* for what strangers can cause */
	uint64_t accepted, turned_away;
};

/* One request that was taken; its kind's struct begins with it. */
struct asker_call {
	struct call call;    /* first: the call's functions give it back */
	struct asker *asker; /* NULL: gone */
	TAILQ_ENTRY(asker_call) next;
};

struct asker {
	struct conn conn; /* first: the conn's functions give it back */
	struct conn_grave grave;
	struct asker_list *list;
	LIST_ENTRY(asker) next;
	TAILQ_HEAD(, asker_call) calls; /* that are not answered, oldest first */
	size_t n_calls;
	size_t parked; /* bytes of answers that wait for those before them */
	struct window window;
	bool quitting; /* no more requests; close when all are answered */
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

/* Nobody yet, and room for none: max is the caller's to set.  A call has timeout_ms to be answered.
 */
void asker_list_init(struct asker_list *l, const struct asker_kind *kind, struct proxy *proxy,
	struct conn_loop *loop, int64_t timeout_ms);

/* Release what calls are left; all askers are closed, and their legs have ended. */
void asker_list_fini(struct asker_list *l);

/* A connection was accepted, or turned away (listener_options).  arg is the struct asker_list. */
void asker_accepted(void *arg, int fd);
void asker_turned_away(void *arg);

/* Take no more requests: each is closed when what it asked is answered. */
void asker_quit_all(struct asker_list *l);

/* Close all of them, at the end. */
void asker_close_all(struct asker_list *l);

/* ---- For the kinds ---- */

/* Whether another request may be taken now: fewer calls and bytes wait than a part'th of the most.
 */
bool asker_has_room(const struct asker *a, unsigned part);

/* A call behind those that are not answered yet.  NULL when memory is short. */
struct asker_call *asker_call_new(struct asker *a, const struct command *command, int64_t now_ms);

/* It is answered: it waits no more, and nobody waits for it. */
void asker_call_end(struct asker_call *c);

/* Take no more requests: close when all are answered. */
void asker_quit(struct asker *a);

/* One more is answered: close when it was the last, and no more are taken. */
static inline void asker_check_quit(struct asker *a)
{
	if (a->quitting && TAILQ_EMPTY(&a->calls))
		asker_quit(a);
}

/* Answers that cannot be given, or a hole in them, cannot be mended: say why, drop the rest and
 * close, from the loop. */
void asker_give_up(struct asker *a, const char *why);

/* It does not take its answers. */
void asker_give_up_unread(struct asker *a);

static inline size_t asker_unread(const struct asker *a)
{
	return a->conn.out.bytes + a->parked;
}

/* More waits for it: give it up when it is too much. */
static inline void asker_check_unread(struct asker *a)
{
	if (asker_unread(a) > a->list->kind->unread_hard_max)
		asker_give_up_unread(a);
}

/* Close now. */
void asker_close(struct asker *a);

/* conn_ops. */
void asker_written(struct conn *c);
void asker_ended(struct conn *c, const char *why);

#ifdef __cplusplus
}
#endif

#endif
