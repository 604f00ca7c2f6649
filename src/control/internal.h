/*
 * internal - shared by the files of control: server.c is the HTTP server, pages.c the table of its
 * paths, tell.c and metrics.c the pages that only read,
 * actions.c the pages that change something.  Event loop's thread.
 */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include "base/log.h"
#include "control/answer.h"
#include "control/control.h"
#include "control/figures.h"

#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONTROL_CONNS_MAX 64

/* A connection. */
struct control_conn {
	struct bufferevent *bev; /* our own reference; NULL: the slot is free */
	int64_t close_ms;        /* monotonic: closed at this time */
};

struct control {
	const struct conf *conf;
	struct proxy *proxy;           /* NULL: no listen */
	struct healer *healer;         /* NULL: no entropy channel */
	struct reconciler *reconciler; /* NULL: no sessions */
	const struct ring *ring;       /* NULL: no listen */
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listener; /* http's */
	struct event *ticker;
	struct control_conn conns[CONTROL_CONNS_MAX];
	size_t n_conns;
	int64_t started_ms; /* monotonic */
	uint64_t requests;
	struct log_gate gate; /* rate limit for messages that any client can cause */
};

/*
 * A path.  With values set, a slash and a value may follow it; values is the text for /help.  serve
 * gets NULL as value where none was given.
 */
struct control_page {
	const char *path;
	const char *values;
	bool is_guarded; /* it changes something, or shows keys */
	const char *help;
	void (*serve)(struct control *c, const char *value, struct control_answer *a);
};

/* The page of a path, or NULL; *value is the part after it that is its value, or NULL. */
const struct control_page *control_pages_find(const char *path, const char **value);

/* Whether this node runs a proxy, the channel, or sessions; if not, the request is refused. */
bool control_pages_need_proxy(const struct control *c, struct control_answer *a);
bool control_pages_need_healer(const struct control *c, struct control_answer *a);
bool control_pages_need_reconciler(const struct control *c, struct control_answer *a);

/* Fill in *f with the current figures of the process. */
void control_server_figures(const struct control *c, struct figures_node *f);

/* The pages that only read. */
void control_tell_info(struct control *c, const char *value, struct control_answer *a);
void control_tell_entropy(struct control *c, const char *value, struct control_answer *a);
void control_tell_describe(struct control *c, const char *value, struct control_answer *a);
void control_tell_conflicts(struct control *c, const char *value, struct control_answer *a);
void control_metrics(struct control *c, const char *value, struct control_answer *a);

/* The pages that change something, or show its current value. */
void control_actions_get_consistency(
	struct control *c, const char *value, struct control_answer *a);
void control_actions_set_consistency(
	struct control *c, const char *value, struct control_answer *a);
void control_actions_set_log_level(struct control *c, const char *value, struct control_answer *a);
void control_actions_log_level_up(struct control *c, const char *value, struct control_answer *a);
void control_actions_log_level_down(struct control *c, const char *value, struct control_answer *a);
void control_actions_peer(struct control *c, const char *value, struct control_answer *a);
void control_actions_get_state(struct control *c, const char *value, struct control_answer *a);
void control_actions_set_state(struct control *c, const char *value, struct control_answer *a);
void control_actions_run_round(struct control *c, const char *value, struct control_answer *a);
void control_actions_reconcile(struct control *c, const char *value, struct control_answer *a);
void control_actions_pause(struct control *c, const char *value, struct control_answer *a);
void control_actions_resume(struct control *c, const char *value, struct control_answer *a);

#ifdef __cplusplus
}
#endif

#endif
