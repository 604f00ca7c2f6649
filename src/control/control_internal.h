/*
 * control_internal - what the files of control share: control.c is the server, control_pages.c
 * the table of its paths, control_tell.c, control_metrics.c and control_gather.c what it tells,
 * control_actions.c what it changes.
 */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include "base/log.h"
#include "control/control.h"

#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONTROL_GUESTS_MAX 64

/* A connection. */
struct control_guest {
	struct bufferevent *bev; /* a reference of ours; NULL: nobody is here */
	int64_t leave_ms;        /* monotonic: when it has been here for long enough */
};

struct control {
	const struct conf *conf;
	struct proxy *proxy;     /* NULL: no listen */
	struct healer *healer;   /* NULL: no entropy channel */
	const struct ring *ring; /* NULL: no listen */
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listener; /* http's */
	struct event *ticker;
	struct control_guest guests[CONTROL_GUESTS_MAX];
	size_t n_guests;
	int64_t started_ms; /* monotonic */
	uint64_t requests;
	struct log_gate gate; /* for what strangers can cause */
};

/* What a page says: its functions write into to, and change the others where they differ. */
struct control_answer {
	FILE *to;
	int code;         /* 200 */
	const char *type; /* text/plain */
	const char *from; /* who asks, for the log */
};

/*
 * A path, or with values one that is followed by a slash and a value: of them the words, for
 * people.  value is NULL where none stands there.
 */
struct control_page {
	const char *path;
	const char *values;
	bool changes;
	const char *help;
	void (*serve)(struct control *c, const char *value, struct control_answer *a);
};

/* Finds the page of a path and its value, or NULL. */
const struct control_page *control_page_find(const char *path, const char **value);

/* The values, for pages that need one of them: "CODE, what is wrong with it; allowed: ..." */
void control_refuse(struct control_answer *a, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CONTROL_SHOWN_MAX 64
/* A value from outside, fit for a message: printable, and not too long.  Returns out. */
const char *control_shown(const char *value, char out[CONTROL_SHOWN_MAX]);

/* Whether the part is there; if not, it has been refused. */
bool control_has_proxy(const struct control *c, struct control_answer *a);
bool control_has_healer(const struct control *c, struct control_answer *a);

/* The figures, from wherever they are. */
void control_gather_node(const struct control *c, struct stats_node *s);
void control_gather_pool(const struct control *c, struct stats_pool *s);
void control_gather_store(const struct control *c, struct stats_store *s);
void control_gather_peer(const struct peer *p, struct stats_peer *s);
void control_gather_schedule(const struct control *c, struct stats_schedule *s);
void control_gather_push(const struct ledger_peer *p, struct stats_push *s);
void control_gather_sender(const struct ledger_sender *p, struct stats_sender *s);

/* The pages that tell. */
void control_info(struct control *c, const char *value, struct control_answer *a);
void control_entropy(struct control *c, const char *value, struct control_answer *a);
void control_describe(struct control *c, const char *value, struct control_answer *a);
void control_metrics(struct control *c, const char *value, struct control_answer *a);

/* The pages that change something, or tell what can be changed. */
void control_get_consistency(struct control *c, const char *value, struct control_answer *a);
void control_set_consistency(struct control *c, const char *value, struct control_answer *a);
void control_set_log_level(struct control *c, const char *value, struct control_answer *a);
void control_log_level_up(struct control *c, const char *value, struct control_answer *a);
void control_log_level_down(struct control *c, const char *value, struct control_answer *a);
void control_peer(struct control *c, const char *value, struct control_answer *a);
void control_get_state(struct control *c, const char *value, struct control_answer *a);
void control_set_state(struct control *c, const char *value, struct control_answer *a);
void control_run_round(struct control *c, const char *value, struct control_answer *a);

#ifdef __cplusplus
}
#endif

#endif
