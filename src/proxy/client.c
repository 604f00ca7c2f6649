#include "proxy/client_internal.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond any of these, no more of a client's requests are read until it is below half. */
#define CALLS_MAX   512
#define OUT_MAX     ((size_t)1024 * 1024)      /* bytes that wait for it to read them */
#define REPLIES_MAX ((size_t)16 * 1024 * 1024) /* bytes of replies to come, about */
#define CALLS_FIRST 16                         /* before the first reply */

/* A client that does not take its replies is given up beyond this. */
#define OUT_HARD_MAX ((size_t)1023 * 1024 * 1024)

/* ---- Coming and going ---- */

static void free_client(struct conn_grave *g)
{
	struct client *cl = (struct client *)((char *)g - offsetof(struct client, grave));

	request_parser_fini(&cl->parser);
	local_client_fini(&cl->local);
	free(cl);
}

/* The connection is closed: nobody waits for the calls any more. */
static void client_gone(struct client *cl)
{
	struct proxy *p = cl->proxy;

	while (cl->oldest) {
		struct call *c = cl->oldest;

		cl->oldest = c->next;
		call_release(c);
	}
	if (cl->next)
		cl->next->prev = cl->prev;
	if (cl->prev)
		cl->prev->next = cl->next;
	else
		p->clients = cl->next;
	p->counters.clients--;
	conn_bury(&p->loop, &cl->grave);
}

void client_close(struct client *cl)
{
	if (cl->conn.fd < 0)
		return;
	conn_close(&cl->conn);
	client_gone(cl);
}

static void on_ended(struct conn *c, const char *why)
{
	if (why)
		log_debug("client: %s", why);
	client_gone(client_of(c));
}

void client_close_all(struct proxy *p)
{
	while (p->clients)
		client_close(p->clients);
}

void client_quit_all(struct proxy *p)
{
	for (struct client *cl = p->clients; cl; cl = cl->next)
		client_quit(cl);
}

/* ---- Replies ---- */

/* Bytes that wait for the client, in turn or not. */
static size_t waiting(const struct client *cl)
{
	return cl->conn.out.bytes + cl->parked;
}

bool client_has_room(const struct client *cl, unsigned part)
{
	return window_has_room(&cl->window, cl->n_calls, part) && waiting(cl) < OUT_MAX / part;
}

static void check_quit(struct client *cl)
{
	if (cl->quitting && !cl->oldest) {
		cl->conn.close_after = true;
		conn_wrote(&cl->conn);
	}
}

void client_quit(struct client *cl)
{
	cl->quitting = true;
	conn_pause(&cl->conn); /* what else it says is not read */
	check_quit(cl);
}

static void pop_call(struct client *cl)
{
	struct call *c = cl->oldest;

	cl->oldest = c->next;
	if (!cl->oldest)
		cl->newest = NULL;
	cl->n_calls--;
	call_release(c);
}

/* Replies that cannot be given, or a hole in them, cannot be mended: drop the rest and close, from
 * the loop. */
static void give_up(struct client *cl, const char *why)
{
	if (cl->conn.given_up)
		return;
	log_rarely(&cl->proxy->client_gate, LOG_LEVEL_WARN, "client: closed, %s", why);
	cl->quitting = true;
	conn_give_up(&cl->conn);
}

static void check_waiting(struct client *cl)
{
	char why[96];

	if (waiting(cl) <= OUT_HARD_MAX)
		return;
	snprintf(why, sizeof(why), "for it does not take its replies: %zu bytes wait for it",
		waiting(cl));
	give_up(cl, why);
}

/* Write a reply, which is counted. */
static void write_reply(struct client *cl, const struct reply *reply)
{
	struct proxy *p = cl->proxy;

	if (cl->conn.given_up) {
		if (reply->queue)
			outq_clear(reply->queue);
		return;
	}
	window_learn(&cl->window, reply->len);
	p->counters.client_errors += reply->bytes && reply->len > 0 && reply->bytes[0] == '-';
	p->counters.client_bytes_out += reply->len;
	if (!reply_move(reply, &cl->conn.out))
		give_up(cl, "for want of memory for its replies");
	conn_wrote(&cl->conn);
	check_waiting(cl);
}

static void on_answer(struct call *c, const struct reply *reply)
{
	struct client *cl = c->asker;

	if (c != cl->oldest) {
		c->ready = true;
		if (!reply_move(reply, &c->reply))
			give_up(cl, "for want of memory for its replies");
		cl->parked += c->reply.bytes;
		check_waiting(cl);
		return;
	}
	write_reply(cl, reply);
	pop_call(cl);
	while (cl->oldest && cl->oldest->ready) {
		struct reply parked = reply_of_queue(&cl->oldest->reply);

		cl->parked -= parked.len;
		write_reply(cl, &parked);
		pop_call(cl);
	}
	check_quit(cl);
}

static const struct call_origin client_origin = {.answer = on_answer};

/* A client may say all it has to say, end its side, and then listen. */
static void on_said_all(struct conn *c)
{
	client_quit(client_of(c));
}

static void on_written(struct conn *c)
{
	struct client *cl = client_of(c);

	if (c->paused && !cl->quitting && client_has_room(cl, 2))
		conn_resume(c);
}

struct call *client_new_call(struct client *cl, const struct command *command)
{
	struct proxy *p = cl->proxy;
	struct call *c = call_new(&p->calls, &client_origin, cl, command, p->now_ms);

	if (!c)
		return NULL;
	if (cl->newest)
		cl->newest->next = c;
	else
		cl->oldest = c;
	cl->newest = c;
	cl->n_calls++;
	return c;
}

void client_reply(struct client *cl, const void *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	struct call *c;

	if (!cl->oldest) {
		write_reply(cl, &reply);
		return;
	}
	c = client_new_call(cl, NULL);
	if (!c) {
		client_quit(cl);
		return;
	}
	c->answered = true;
	on_answer(c, &reply);
	call_sent(c);
}

static const struct conn_ops ops = {
	.bytes = client_bytes,
	.written = on_written,
	.said_all = on_said_all,
	.ended = on_ended,
};

static void note_turned_away(struct proxy *p, const char *why)
{
	p->counters.client_turned_away++;
	log_rarely(&p->client_gate, LOG_LEVEL_WARN, "a client was turned away: %s", why);
}

void client_accepted(void *arg, int fd)
{
	struct proxy *p = arg;
	bool room = p->counters.clients < p->clients_max;
	struct client *cl = room ? calloc(1, sizeof(*cl)) : NULL;

	if (!cl) {
		static const char full[] = "-ERR max number of clients reached\r\n";

		note_turned_away(
			p, room ? "no memory is left" : "there are as many as may be already");
		if (write(fd, full, sizeof(full) - 1) < 0)
			log_debug("client: gone before it could be told that there is no room");
		close(fd);
		return;
	}
	p->counters.client_connections++;
	p->counters.clients++;
	cl->proxy = p;
	cl->grave.free_it = free_client;
	cl->window = window_new(REPLIES_MAX, CALLS_MAX, CALLS_FIRST);
	cl->local.id = ++p->next_client_id;
	cl->local.authenticated = p->local.requirepass == NULL;
	cl->local.since_ms = p->now_ms;
	cl->local.fd = fd;
	cl->next = p->clients;
	if (cl->next)
		cl->next->prev = cl;
	p->clients = cl;
	conn_init(&cl->conn);
	conn_adopt(&cl->conn, &ops, &p->loop, fd);
}

void client_turned_away(void *arg)
{
	note_turned_away(arg, "no descriptor is left (raise the limit on open files)");
}
