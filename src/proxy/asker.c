#include "proxy/asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Accepting ---- */

void asker_list_init(struct asker_list *l, const struct asker_kind *kind, struct proxy *proxy,
	struct conn_loop *loop, int64_t timeout_ms)
{
	*l = (struct asker_list){.kind = kind, .proxy = proxy, .loop = loop};
	LIST_INIT(&l->all);
	call_list_init(&l->calls, kind->call_bytes, timeout_ms);
}

void asker_list_fini(struct asker_list *l)
{
	if (l->kind)
		call_list_fini(&l->calls);
}

static void note_turned_away(struct asker_list *l, const char *why)
{
	l->turned_away++;
	log_rarely(&l->gate, LOG_LEVEL_WARN, "%s was turned away: %s", l->kind->turned_away, why);
}

void asker_turned_away(void *arg)
{
	note_turned_away(arg, "no descriptor is left (raise the limit on open files)");
}

static void free_asker(struct conn_grave *g)
{
	struct asker *a = (struct asker *)((char *)g - offsetof(struct asker, grave));

	if (a->list->kind->fini)
		a->list->kind->fini(a);
	free(a);
}

void asker_accepted(void *arg, int fd)
{
	struct asker_list *l = arg;
	const struct asker_kind *kind = l->kind;
	bool room = l->n < l->max;
	struct asker *a = room ? calloc(1, kind->asker_bytes) : NULL;

	if (!a) {
		note_turned_away(l, room ? "no memory is left" : kind->full);
		if (kind->tell_no_room)
			kind->tell_no_room(fd);
		close(fd);
		return;
	}
	l->accepted++;
	l->n++;
	LIST_INSERT_HEAD(&l->all, a, next);
	a->list = l;
	a->grave.free_it = free_asker;
	a->window = window_new(kind->answers_max, kind->calls_max, kind->calls_first);
	TAILQ_INIT(&a->calls);
	conn_init(&a->conn);
	conn_adopt(&a->conn, &kind->conn, l->loop, fd);
	kind->begin(a);
}

/* ---- Calls ---- */

struct asker_call *asker_call_new(struct asker *a, const struct command *command, int64_t now_ms)
{
	struct asker_list *l = a->list;
	struct asker_call *c =
		(struct asker_call *)call_new(&l->calls, &l->kind->origin, command, now_ms);

	if (!c)
		return NULL;
	c->asker = a;
	TAILQ_INSERT_TAIL(&a->calls, c, next);
	a->n_calls++;
	return c;
}

void asker_call_end(struct asker_call *c)
{
	struct asker *a = c->asker;

	TAILQ_REMOVE(&a->calls, c, next);
	a->n_calls--;
	c->asker = NULL;
	call_release(&c->call);
}

/* ---- Limits ---- */

bool asker_has_room(const struct asker *a, unsigned part)
{
	return window_has_room(&a->window, a->n_calls, part) &&
	       asker_unread(a) < a->list->kind->unread_max / part;
}

void asker_written(struct conn *c)
{
	struct asker *a = asker_of(c);

	if (c->paused && !a->quitting && asker_has_room(a, 2))
		conn_resume(c);
}

void asker_give_up(struct asker *a, const char *why)
{
	if (a->conn.given_up)
		return;
	log_rarely(&a->list->gate, LOG_LEVEL_WARN, "%s: %s", a->list->kind->closed, why);
	a->quitting = true;
	conn_give_up(&a->conn);
}

void asker_give_up_unread(struct asker *a)
{
	char why[96];

	snprintf(why, sizeof(why), "it does not read its replies: %zu bytes are queued",
		asker_unread(a));
	asker_give_up(a, why);
}

/* ---- Closing ---- */

void asker_quit(struct asker *a)
{
	a->quitting = true;
	conn_pause(&a->conn); /* read no more of its requests */
	if (TAILQ_EMPTY(&a->calls)) {
		a->conn.close_after = true;
		conn_wrote(&a->conn);
	}
}

void asker_quit_all(struct asker_list *l)
{
	struct asker *a;

	LIST_FOREACH (a, &l->all, next)
		asker_quit(a);
}

/* The connection is closed: release its calls. */
static void gone(struct asker *a)
{
	struct asker_list *l = a->list;

	if (l->kind->gone)
		l->kind->gone(a);
	while (!TAILQ_EMPTY(&a->calls))
		asker_call_end(TAILQ_FIRST(&a->calls));
	LIST_REMOVE(a, next);
	l->n--;
	conn_bury(l->loop, &a->grave);
}

void asker_close(struct asker *a)
{
	if (a->conn.fd < 0)
		return;
	conn_close(&a->conn);
	gone(a);
}

void asker_ended(struct conn *c, const char *why)
{
	struct asker *a = asker_of(c);

	if (why)
		log_line(a->list->kind->ended_level, "%s: %s", a->list->kind->ended, why);
	gone(a);
}

void asker_close_all(struct asker_list *l)
{
	while (!LIST_EMPTY(&l->all))
		asker_close(LIST_FIRST(&l->all));
}
