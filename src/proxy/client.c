#include "proxy/client.h"

#include "base/log.h"
#include "proxy/conn.h"
#include "proxy/local.h"
#include "proxy/route.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond either, no more of a client's requests are read until it is below half. */
#define CALLS_MAX 1024
#define OUT_MAX   ((size_t)1024 * 1024)

/* As many calls are under way for a client as make about so many bytes of replies, going by those
 * it had.  Before the first one they are taken to be large. */
#define REPLIES_MAX    ((size_t)16 * 1024 * 1024)
#define REPLY_AT_FIRST (REPLIES_MAX / 64)

/* Redis gives a connection up whose request is larger than 1 GiB (client-query-buffer-limit): ours
 * is shared. */
#define REQUEST_TOTAL_MAX ((size_t)1023 * 1024 * 1024)

/* What a client may say at once before it has logged in. */
#define REQUEST_LOGIN_MAX ((size_t)64 * 1024)

/* A client that does not take its replies is given up beyond this. */
#define OUT_HARD_MAX REQUEST_TOTAL_MAX

struct client {
	struct conn conn; /* first: the conn's functions give it back */
	struct conn_grave grave;
	struct proxy *proxy;
	struct client *next, *prev;
	struct call *oldest, *newest; /* calls that are not answered, in order */
	uint32_t n_calls;
	size_t reply_bytes; /* to be expected of a reply: falls slowly, rises at once */
	bool quitting;      /* no more requests; close when all are answered */
	bool overrun;       /* given up: it did not take its replies */
	struct local_client local;
	struct request_parser parser;
};

static struct client *client_of(struct conn *c)
{
	return (struct client *)c;
}

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

static void close_client(struct client *cl)
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
		close_client(p->clients);
}

/* ---- Replies ---- */

static bool has_room(const struct client *cl, unsigned part)
{
	size_t max = REPLIES_MAX / cl->reply_bytes;

	if (max > CALLS_MAX)
		max = CALLS_MAX;
	return (cl->n_calls == 0 || cl->n_calls < max / part) &&
	       cl->conn.out.bytes < OUT_MAX / part;
}

static void expect_like(struct client *cl, size_t len)
{
	if (len > cl->reply_bytes)
		cl->reply_bytes = len;
	else
		cl->reply_bytes -= (cl->reply_bytes - len) / 8;
}

static void check_quit(struct client *cl)
{
	if (cl->quitting && !cl->oldest) {
		cl->conn.close_after = true;
		conn_wrote(&cl->conn);
	}
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

/* Too much waits for a client that does not read: close it, from the loop. */
static void overrun(struct client *cl)
{
	log_warn("client: closed, for it does not take its replies");
	cl->overrun = true;
	cl->quitting = true;
	cl->conn.close_after = true;
	outq_clear(&cl->conn.out);
	event_active(&cl->conn.write_event, EV_WRITE, 0);
}

/* Write a reply, which is counted. */
static void write_reply(struct client *cl, const uint8_t *bytes, size_t len, struct outq *queue)
{
	struct proxy *p = cl->proxy;

	if (cl->overrun) {
		if (queue)
			outq_clear(queue);
		return;
	}
	expect_like(cl, bytes ? len : queue->bytes);
	if (bytes) {
		p->counters.client_errors += bytes[0] == '-';
		p->counters.client_bytes_out += len;
		if (!outq_append(&cl->conn.out, bytes, len))
			cl->conn.close_after = true; /* a hole in the replies cannot be mended */
	} else {
		p->counters.client_bytes_out += queue->bytes;
		outq_splice(&cl->conn.out, queue);
	}
	conn_wrote(&cl->conn);
	if (cl->conn.out.bytes > OUT_HARD_MAX)
		overrun(cl);
}

static void on_answer(struct call *c, const uint8_t *bytes, size_t len, struct outq *queue)
{
	struct client *cl = c->asker;

	if (c != cl->oldest) {
		c->ready = true;
		if (!bytes)
			outq_splice(&c->reply, queue);
		else if (!outq_append(&c->reply, bytes, len))
			cl->quitting = true; /* the replies end before this one */
		return;
	}
	write_reply(cl, bytes, len, queue);
	pop_call(cl);
	while (cl->oldest && cl->oldest->ready) {
		write_reply(cl, NULL, 0, &cl->oldest->reply);
		pop_call(cl);
	}
	check_quit(cl);
}

static const struct call_origin client_origin = {.answer = on_answer};

/* A client may say all it has to say, end its side, and then listen. */
static void on_said_all(struct conn *c)
{
	struct client *cl = client_of(c);

	cl->quitting = true;
	check_quit(cl);
}

static void on_written(struct conn *c)
{
	struct client *cl = client_of(c);

	if (c->paused && !cl->quitting && has_room(cl, 2))
		conn_resume(c);
}

static struct call *new_call(struct client *cl, const struct command *command)
{
	struct proxy *p = cl->proxy;
	struct call *c = call_new(&p->calls, &client_origin, cl, command, p->now_ms);

	if (!c)
		return NULL;
	c->prev = cl->newest;
	if (cl->newest)
		cl->newest->next = c;
	else
		cl->oldest = c;
	cl->newest = c;
	cl->n_calls++;
	return c;
}

/* A reply that is there at once, but must wait for those before it. */
static void reply(struct client *cl, const void *bytes, size_t len)
{
	struct call *c;

	if (!cl->oldest) {
		write_reply(cl, bytes, len, NULL);
		return;
	}
	c = new_call(cl, NULL);
	if (!c) {
		cl->quitting = true;
		return;
	}
	c->answered = true;
	on_answer(c, bytes, len, NULL);
	call_sent(c);
}

static void __attribute__((format(printf, 2, 3)))
reply_error(struct client *cl, const char *fmt, ...)
{
	char line[512];
	va_list args;
	size_t len;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line) - 2, fmt, args);
	va_end(args);
	for (char *at = line; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = ' ';
	len = strlen(line);
	memcpy(line + len, "\r\n", 2);
	reply(cl, line, len + 2);
}

/* ---- Requests ---- */

static void unknown_command(struct client *cl, const uint8_t *bytes, const struct request_parser *r)
{
	size_t len = r->args[0].len < 64 ? r->args[0].len : 64;

	reply_error(cl, "-ERR unknown command '%.*s'", (int)len,
		(const char *)request_arg(r, bytes, 0));
}

static void lower_name(const struct command *c, char *out, size_t cap)
{
	size_t i = 0;

	for (; c->name[i] && i + 1 < cap; i++)
		out[i] = c->name[i] == ' ' ? '|' : (char)tolower((unsigned char)c->name[i]);
	out[i] = '\0';
}

static void answer_locally(struct client *cl, const struct command *command, const uint8_t *bytes,
	const struct request_parser *r)
{
	struct buf out = {0};
	enum local_result result =
		local_answer(&cl->proxy->local, &cl->local, command, bytes, r, &out);

	if (result == LOCAL_NO_MEMORY)
		cl->quitting = true;
	else
		reply(cl, buf_head(&out), buf_len(&out));
	if (result == LOCAL_QUIT)
		cl->quitting = true;
	buf_fini(&out);
}

static bool may_pass_login(const struct command *c)
{
	return c->id == COMMAND_ID_AUTH || c->id == COMMAND_ID_HELLO || c->id == COMMAND_ID_QUIT ||
	       c->id == COMMAND_ID_RESET;
}

/* Why a data command cannot be served in the node's present state, or NULL. */
static const char *state_refusal(const struct proxy *p, bool is_write)
{
	switch (p->state) {
	case PROXY_NORMAL:
		return NULL;
	case PROXY_STANDBY:
		return "the node is in standby";
	case PROXY_WRITES_ONLY:
	case PROXY_RESUMING:
		return is_write ? NULL : "the node takes writes only";
	}
	return NULL;
}

static void send_request(struct client *cl, const struct command *command, bool is_write,
	const uint8_t *bytes, const struct request_parser *r)
{
	struct proxy *p = cl->proxy;
	const char *refusal = state_refusal(p, is_write);
	struct route_request request = {.bytes = bytes, .parsed = r};

	if (refusal) {
		reply_error(cl, "-ERR dynomite: %s", refusal);
		return;
	}
	request.call = new_call(cl, command);
	if (!request.call) {
		cl->quitting = true;
		return;
	}
	request.call->is_write = is_write;
	if (is_write)
		p->counters.client_writes++;
	else
		p->counters.client_reads++;
	route_client(p, &request);
	call_sent(request.call);
}

/* A command whose arity is right. */
static void handle_command(struct client *cl, const struct command *c, const uint8_t *bytes,
	const struct request_parser *r)
{
	const char *why = NULL;
	enum command_class class = command_class_of(c, bytes, r, &why);

	switch (class) {
	case COMMAND_READ:
	case COMMAND_WRITE:
		send_request(cl, c, class == COMMAND_WRITE, bytes, r);
		break;
	case COMMAND_LOCAL:
		answer_locally(cl, c, bytes, r);
		break;
	case COMMAND_REFUSED:
		reply_error(cl, "-ERR dynomite: %s", why);
		break;
	}
}

static void handle_request(struct client *cl, const uint8_t *bytes, const struct request_parser *r)
{
	const struct command *c = command_find(bytes, r);
	char name[64];

	cl->proxy->counters.client_requests++;
	if (!c) {
		unknown_command(cl, bytes, r);
	} else if (c->hang_up) {
		log_warn("client: closed, for it speaks HTTP: a page tries to reach Redis through "
			 "its browser");
		cl->quitting = true;
	} else if (!cl->local.authenticated && !may_pass_login(c)) {
		reply_error(cl, "-NOAUTH Authentication required.");
	} else if (!command_arity_ok(c, r->argc)) {
		lower_name(c, name, sizeof(name));
		reply_error(cl, "-ERR wrong number of arguments for '%s' command", name);
	} else {
		handle_command(cl, c, bytes, r);
	}
}

/* An inline request goes on as what it means. */
static void handle_inline(struct client *cl, const uint8_t *bytes, const struct request_parser *r)
{
	struct request_parser parser = {0};
	struct buf resp = {0};

	if (request_write(r, bytes, &resp) &&
		request_parse(&parser, buf_head(&resp), buf_len(&resp)) == REQUEST_DONE)
		handle_request(cl, buf_head(&resp), &parser);
	else
		cl->quitting = true;
	request_parser_fini(&parser);
	buf_fini(&resp);
}

/* What is there of a request says already that it is larger than may be. */
static void refuse_too_large(struct client *cl)
{
	size_t max = cl->local.authenticated ? REQUEST_TOTAL_MAX : REQUEST_LOGIN_MAX;

	if (cl->parser.need <= max)
		return;
	reply_error(cl, "-ERR Protocol error: the request is larger than %zu bytes%s", max,
		cl->local.authenticated ? "" : ", which is what may come before AUTH");
	cl->quitting = true;
}

static size_t on_bytes(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct client *cl = client_of(c);
	size_t at = 0;

	while (at < len && !cl->quitting && !c->paused) {
		if (!has_room(cl, 1)) {
			conn_pause(c);
			break;
		}
		switch (request_parse(&cl->parser, bytes + at, len - at)) {
		case REQUEST_MORE:
			refuse_too_large(cl);
			goto done;
		case REQUEST_DONE:
			if (cl->parser.argc > 0 && cl->parser.is_inline)
				handle_inline(cl, bytes + at, &cl->parser);
			else if (cl->parser.argc > 0)
				handle_request(cl, bytes + at, &cl->parser);
			at += cl->parser.len;
			request_reset(&cl->parser);
			break;
		case REQUEST_BAD:
			reply_error(cl, "-ERR Protocol error: %s", cl->parser.error);
			cl->quitting = true;
			break;
		case REQUEST_NO_MEMORY:
			close_client(cl);
			return 0;
		}
	}
done:
	cl->proxy->counters.client_bytes_in += at;
	if (!cl->quitting)
		return at;
	conn_pause(c); /* what else it says is not read */
	check_quit(cl);
	return len;
}

static const struct conn_ops ops = {
	.bytes = on_bytes,
	.written = on_written,
	.said_all = on_said_all,
	.ended = on_ended,
};

void client_accepted(void *arg, int fd)
{
	struct proxy *p = arg;
	struct client *cl = NULL;
	int64_t max = p->conf->client_connections;

	if (max == 0 || (int64_t)p->counters.clients < max)
		cl = calloc(1, sizeof(*cl));
	if (!cl) {
		static const char full[] = "-ERR max number of clients reached\r\n";

		p->counters.client_turned_away++;
		if (write(fd, full, sizeof(full) - 1) < 0)
			log_debug("client: gone before it could be told that there is no room");
		close(fd);
		return;
	}
	p->counters.client_connections++;
	p->counters.clients++;
	cl->proxy = p;
	cl->grave.free_it = free_client;
	cl->reply_bytes = REPLY_AT_FIRST;
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
	struct proxy *p = arg;

	if (p->counters.client_turned_away++ == 0)
		log_warn("clients are turned away: no descriptor is left (raise the limit on open "
			 "files)");
}
