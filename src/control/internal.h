/*
 * internal - what the files of control share: server.c is the server, pages.c the table of its
 * paths, tell.c, metrics.c and gather.c what it tells, actions.c what it changes.  Event loop's
 * thread.
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
const struct control_page *control_pages_find(const char *path, const char **value);

/* Whether the part is there that a page is about; if not, it has been refused. */
bool control_pages_need_proxy(const struct control *c, struct control_answer *a);
bool control_pages_need_healer(const struct control *c, struct control_answer *a);

/* The figures, from wherever they are. */
void control_gather_node(const struct control *c, struct figures_node *s);
void control_gather_pool(const struct control *c, struct figures_pool *s);
void control_gather_store(const struct control *c, struct figures_store *s);
void control_gather_peer(const struct control *c, size_t node, struct figures_peer *s);

/* The pages that tell. */
void control_tell_info(struct control *c, const char *value, struct control_answer *a);
void control_tell_entropy(struct control *c, const char *value, struct control_answer *a);
void control_tell_describe(struct control *c, const char *value, struct control_answer *a);
void control_metrics(struct control *c, const char *value, struct control_answer *a);

/* The pages that change something, or tell what can be changed. */
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

#ifdef __cplusplus
}
#endif

#endif
