#include "proxy/client_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/resp_write.h"
#include "proto/rewrite.h"
#include "proxy/admit.h"
#include "proxy/datastore.h"
#include "proxy/route.h"
#include "proxy/scripts.h"

#include <stdarg.h>

/* Redis closes a connection whose request exceeds 1 GiB (client-query-buffer-limit); ours to Redis
 * is shared by all clients. */
#define REQUEST_TOTAL_MAX ((size_t)1023 * 1024 * 1024)

/* The largest request of a client that has not authenticated. */
#define REQUEST_LOGIN_MAX ((size_t)64 * 1024)

static void __attribute__((format(printf, 2, 3)))
reply_error(struct client *cl, const char *fmt, ...)
{
	char line[RESP_ERROR_MAX];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = resp_write_error_line_v(line, "", fmt, args);
	va_end(args);
	client_reply(cl, line, len);
}

static void answer_locally(struct client *cl, const struct request *r)
{
	struct buf out = {0};
	enum local_result result = local_answer(&cl->proxy->local, &cl->local, r, &out);

	if (result == LOCAL_NO_MEMORY)
		asker_quit(&cl->asker);
	else
		client_reply(cl, buf_head(&out), buf_len(&out));
	if (result == LOCAL_QUIT)
		asker_quit(&cl->asker);
	buf_fini(&out);
}

static bool may_pass_login(const struct command *c)
{
	return c->id == COMMAND_ID_AUTH || c->id == COMMAND_ID_HELLO || c->id == COMMAND_ID_QUIT ||
	       c->id == COMMAND_ID_RESET;
}

/* Send a write in a form that has the same effect on every replica.  False when it has it as it is.
 */
static bool send_rewritten(struct proxy *p, struct call *call, const struct request *r)
{
	struct request_parser parser = {0};
	struct buf resp = {0};
	enum rewrite_result result =
		rewrite_request(r, clock_wall_ms(), datastore_version(p->replicas[0]), &resp);

	if (result == REWRITE_DONE &&
		request_parse(&parser, buf_head(&resp), buf_len(&resp)) == REQUEST_DONE) {
		struct request rewritten = request_of(&parser, buf_head(&resp));

		request_understand(&rewritten);
		route_client(p, call, &rewritten);
	} else if (result != REWRITE_UNCHANGED) {
		call_refuse(call, "dynomite: out of memory");
	}
	request_parser_fini(&parser);
	buf_fini(&resp);
	return result != REWRITE_UNCHANGED;
}

static void send_request(struct client *cl, const struct request *r)
{
	struct proxy *p = cl->proxy;
	struct call *call = client_new_call(cl, r->command);

	if (!call) {
		asker_quit(&cl->asker);
		return;
	}
	if (r->kind == COMMAND_WRITE)
		p->figures.client_write_requests++;
	else
		p->figures.client_read_requests++;
	scripts_take(p, call, r);
	if (p->ring->n_racks == 1 || !rewrite_may_change(r) || !send_rewritten(p, call, r))
		route_client(p, call, r);
	call_sent(call);
}

static void carry_out(struct client *cl, const struct request *r)
{
	char why[ADMIT_WHY_MAX];

	if (!admit_request(cl->proxy->state, r, ADMIT_CLIENT, why)) {
		if (r->fault == REQUEST_FAULT_REFUSED)
			cl->refused_multi = r->command->id == COMMAND_ID_MULTI;
		reply_error(cl, "ERR %s", why);
	} else if (r->kind == COMMAND_LOCAL) {
		answer_locally(cl, r);
	} else {
		send_request(cl, r);
	}
}

/*
 * Many clients send a transaction in one go, from MULTI to EXEC.  The commands between rely on all
 * or nothing, so they must not be carried out when MULTI was refused.  A client that waits for the
 * reply to MULTI knows of the refusal, and its later commands are served: see client_bytes().
 */
static bool refuse_with_multi(struct client *cl, const struct command *c)
{
	if (!cl->refused_multi)
		return false;
	switch ((enum command_id)c->id) {
	case COMMAND_ID_EXEC:
		cl->refused_multi = false;
		reply_error(cl, "EXECABORT Transaction discarded because of previous errors.");
		return true;
	case COMMAND_ID_DISCARD:
	case COMMAND_ID_QUIT:
	case COMMAND_ID_RESET:
		cl->refused_multi = false;
		return false;
	default:
		reply_error(cl, "ERR dynomite: not carried out: the MULTI that was sent with it is "
				"refused");
		return true;
	}
}

static void handle_request(struct client *cl, struct request *r)
{
	const struct command *c;

	request_understand(r);
	c = r->command;
	cl->proxy->figures.client_requests++;
	if (!c) {
		carry_out(cl, r);
	} else if (c->hang_up) {
		log_rarely(&cl->proxy->clients.gate, LOG_LEVEL_WARN,
			"client: closed: it speaks HTTP: a page tries to reach Redis through "
			"its browser");
		asker_quit(&cl->asker);
	} else if (!cl->local.authenticated && !may_pass_login(c)) {
		reply_error(cl, "NOAUTH Authentication required.");
	} else if (!refuse_with_multi(cl, c)) {
		carry_out(cl, r);
	}
}

/* Translate an inline request to RESP, and handle that. */
static void handle_inline(struct client *cl, const struct request *r)
{
	struct request_parser parser = {0};
	struct buf resp = {0};

	if (request_write(r, &resp) &&
		request_parse(&parser, buf_head(&resp), buf_len(&resp)) == REQUEST_DONE) {
		struct request again = request_of(&parser, buf_head(&resp));

		handle_request(cl, &again);
	} else {
		asker_quit(&cl->asker);
	}
	request_parser_fini(&parser);
	buf_fini(&resp);
}

/* Handle the request that the parser has completed. */
static void take_request(struct client *cl, const uint8_t *bytes)
{
	struct request r = request_of(&cl->parser, bytes);

	if (r.argc == 0)
		return;
	if (cl->parser.is_inline)
		handle_inline(cl, &r);
	else
		handle_request(cl, &r);
}

/* Refuse a request whose start announces more bytes than are allowed. */
static void refuse_too_large(struct client *cl)
{
	size_t max = cl->local.authenticated ? REQUEST_TOTAL_MAX : REQUEST_LOGIN_MAX;

	if (cl->parser.need <= max)
		return;
	reply_error(cl, "ERR Protocol error: the request is larger than %zu bytes%s", max,
		cl->local.authenticated ? "" : ", which is what may come before AUTH");
	asker_quit(&cl->asker);
}

size_t client_bytes(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct client *cl = client_of(asker_of(c));
	size_t at = 0;

	/* All replies were written before these bytes arrived, and no input was left. */
	if (TAILQ_EMPTY(&cl->asker.calls) && c->out.bytes == 0 && buf_len(&c->in) == 0)
		cl->refused_multi = false;
	while (at < len && !cl->asker.quitting && !c->paused) {
		if (!asker_has_room(&cl->asker, 1)) {
			conn_pause(c);
			break;
		}
		switch (request_parse(&cl->parser, bytes + at, len - at)) {
		case REQUEST_MORE:
			refuse_too_large(cl);
			goto done;
		case REQUEST_DONE:
			take_request(cl, bytes + at);
			at += cl->parser.len;
			request_reset(&cl->parser);
			break;
		case REQUEST_BAD:
			reply_error(cl, "ERR Protocol error: %s", cl->parser.error);
			asker_quit(&cl->asker);
			break;
		case REQUEST_NO_MEMORY:
			asker_close(&cl->asker);
			return 0;
		}
	}
done:
	cl->proxy->figures.client_request_bytes += at;
	return cl->asker.quitting ? len : at;
}
