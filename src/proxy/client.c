#include "proxy/client_internal.h"

#include "base/log.h"
#include "proto/resp_write.h"

#include <unistd.h>

/* One request being carried out. */
struct client_call {
	struct asker_call base; /* first: call_of() casts it */
	bool ready;             /* reply is complete, and waits for earlier ones */
	struct outq reply;
};

static struct client_call *call_of(struct asker_call *c)
{
	return (struct client_call *)c;
}

/* ---- Replies ---- */

static struct client_call *oldest(const struct client *cl)
{
	return call_of(TAILQ_FIRST(&cl->asker.calls));
}

static void end_call(struct client_call *c)
{
	outq_clear(&c->reply);
	asker_call_end(&c->base);
}

/* An error comes in one piece, before it may have to wait in a queue for its turn. */
static void count_error(struct client *cl, const struct reply *reply)
{
	cl->proxy->figures.client_errors +=
		reply->bytes && reply->len > 0 && reply->bytes[0] == '-';
}

/* Write a reply and count its bytes. */
static void write_reply(struct client *cl, const struct reply *reply)
{
	struct proxy *p = cl->proxy;
	struct asker *a = &cl->asker;

	if (a->conn.given_up)
		return;
	window_learn(&a->window, reply->len);
	p->figures.client_response_bytes += reply->len;
	if (!reply_move(reply, &a->conn.out))
		asker_give_up(a, "out of memory for its replies");
	conn_wrote(&a->conn);
	asker_check_unread(a);
}

static void park_reply(struct client *cl, struct client_call *c, const struct reply *reply)
{
	c->ready = true;
	if (!reply_move(reply, &c->reply))
		asker_give_up(&cl->asker, "out of memory for its replies");
	cl->asker.parked += c->reply.bytes;
	asker_check_unread(&cl->asker);
}

static void on_answer(struct call *call, const struct reply *reply)
{
	struct client_call *c = call_of(asker_call_of(call));
	struct client *cl = client_of(c->base.asker);

	count_error(cl, reply);
	if (c != oldest(cl)) {
		park_reply(cl, c, reply);
		return;
	}
	write_reply(cl, reply);
	end_call(c);
	while ((c = oldest(cl)) != NULL && c->ready) {
		struct reply parked = reply_of_queue(&c->reply);

		cl->asker.parked -= parked.len;
		write_reply(cl, &parked);
		end_call(c);
	}
	asker_check_quit(&cl->asker);
}

struct call *client_new_call(struct client *cl, const struct command *command)
{
	struct asker_call *c = asker_call_new(&cl->asker, command, cl->proxy->now_ms);

	return c ? &c->call : NULL;
}

void client_reply(struct client *cl, const void *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	struct call *c;

	if (!oldest(cl)) {
		count_error(cl, &reply);
		write_reply(cl, &reply);
		return;
	}
	c = client_new_call(cl, NULL);
	if (!c) {
		asker_quit(&cl->asker);
		return;
	}
	c->answered = true;
	on_answer(c, &reply);
	call_sent(c);
}

/* ---- Accepting and closing ---- */

static void begin(struct asker *a)
{
	struct client *cl = client_of(a);
	struct proxy *p = a->list->proxy;

	cl->proxy = p;
	cl->local.id = ++p->next_client_id;
	cl->local.authenticated = p->local.requirepass == NULL;
	cl->local.since_ms = p->now_ms;
	cl->local.fd = a->conn.fd;
}

static void gone(struct asker *a)
{
	struct asker_call *c;

	TAILQ_FOREACH (c, &a->calls, next)
		outq_clear(&call_of(c)->reply);
}

static void fini(struct asker *a)
{
	request_parser_fini(&client_of(a)->parser);
	local_client_fini(&client_of(a)->local);
}

/* A client may send all its requests, shut down that direction, and then read the replies. */
static void on_said_all(struct conn *c)
{
	asker_quit(asker_of(c));
}

static void tell_no_room(int fd)
{
	char line[RESP_ERROR_MAX];

	if (write(fd, line, resp_write_error_line(line, "ERR max number of clients reached")) < 0)
		log_debug("client: closed before the error about the limit could be sent");
}

const struct asker_kind client_kind = {
	.asker_bytes = sizeof(struct client),
	.call_bytes = sizeof(struct client_call),
	.calls_max = 512,
	.calls_first = 16,
	.unread_max = (size_t)1024 * 1024,
	.answers_max = (size_t)16 * 1024 * 1024,
	.unread_hard_max = (size_t)1023 * 1024 * 1024,
	.turned_away = "a client",
	.full = "the limit is reached",
	.closed = "client: closed",
	.ended = "client",
	.ended_level = LOG_LEVEL_DEBUG,
	.conn = {.bytes = client_bytes,
		.written = asker_written,
		.said_all = on_said_all,
		.ended = asker_ended},
	.origin = {.answer = on_answer},
	.begin = begin,
	.tell_no_room = tell_no_room,
	.gone = gone,
	.fini = fini,
};
