#include "proxy/client_internal.h"

#include "base/log.h"
#include "proxy/route.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Redis gives a connection up whose request is larger than 1 GiB (client-query-buffer-limit): ours
 * is shared. */
#define REQUEST_TOTAL_MAX ((size_t)1023 * 1024 * 1024)

/* Bytes of an unknown command, and of its arguments together, that it is told again. */
#define SHOWN_MAX 128

/* What a client may say at once before it has logged in. */
#define REQUEST_LOGIN_MAX ((size_t)64 * 1024)

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
	client_reply(cl, line, len + 2);
}

static void unknown_command(struct client *cl, const uint8_t *bytes, const struct request_parser *r)
{
	size_t name = r->args[0].len < SHOWN_MAX ? r->args[0].len : SHOWN_MAX;
	char args[SHOWN_MAX + 8] = "";
	size_t len = 0;

	for (uint32_t i = 1; i < r->argc && len < SHOWN_MAX; i++) {
		size_t n = r->args[i].len < SHOWN_MAX - len ? r->args[i].len : SHOWN_MAX - len;

		len += (size_t)snprintf(args + len, sizeof(args) - len, "'%.*s' ", (int)n,
			(const char *)request_arg(r, bytes, i));
	}
	/* In Redis's words: there are clients that look for them. */
	reply_error(cl, "-ERR unknown command '%.*s', with args beginning with: %s", (int)name,
		(const char *)request_arg(r, bytes, 0), args);
}

static void answer_locally(struct client *cl, const struct command *command, const uint8_t *bytes,
	const struct request_parser *r)
{
	struct buf out = {0};
	enum local_result result =
		local_answer(&cl->proxy->local, &cl->local, command, bytes, r, &out);

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
	request.call = client_new_call(cl, command);
	if (!request.call) {
		asker_quit(&cl->asker);
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
		cl->refused_multi = c->id == COMMAND_ID_MULTI;
		reply_error(cl, "-ERR dynomite: %s", why);
		break;
	}
}

/*
 * Many clients send a transaction in one go, from MULTI to EXEC.  What stands between counts on all
 * or nothing, so that it must not be carried out when MULTI was refused.  Who waits for the answer
 * to MULTI has been told, and goes on as it likes: see client_bytes().
 */
static bool refuse_with_multi(struct client *cl, const struct command *c)
{
	if (!cl->refused_multi)
		return false;
	switch ((enum command_id)c->id) {
	case COMMAND_ID_EXEC:
		cl->refused_multi = false;
		reply_error(cl, "-EXECABORT Transaction discarded because of previous errors.");
		return true;
	case COMMAND_ID_DISCARD:
	case COMMAND_ID_QUIT:
	case COMMAND_ID_RESET:
		cl->refused_multi = false;
		return false;
	default:
		reply_error(cl,
			"-ERR dynomite: not carried out: the MULTI that was sent with it is "
			"refused");
		return true;
	}
}

static void handle_request(struct client *cl, const uint8_t *bytes, const struct request_parser *r)
{
	const struct command *c = command_find(bytes, r);
	char name[COMMAND_NAME_MAX];

	cl->proxy->counters.client_requests++;
	if (!c) {
		unknown_command(cl, bytes, r);
	} else if (c->hang_up) {
		log_rarely(&cl->proxy->clients.gate, LOG_LEVEL_WARN,
			"client: closed, for it speaks HTTP: a page tries to reach Redis through "
			"its browser");
		asker_quit(&cl->asker);
	} else if (!cl->local.authenticated && !may_pass_login(c)) {
		reply_error(cl, "-NOAUTH Authentication required.");
	} else if (refuse_with_multi(cl, c)) {
		return;
	} else if (!command_arity_ok(c, r->argc)) {
		reply_error(cl, "-ERR wrong number of arguments for '%s' command",
			command_lower_name(c, name));
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
		asker_quit(&cl->asker);
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
	asker_quit(&cl->asker);
}

size_t client_bytes(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct client *cl = client_of(asker_of(c));
	size_t at = 0;

	/* All answers have left before these bytes came, and nothing was left of those before. */
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
			if (cl->parser.argc > 0 && cl->parser.is_inline)
				handle_inline(cl, bytes + at, &cl->parser);
			else if (cl->parser.argc > 0)
				handle_request(cl, bytes + at, &cl->parser);
			at += cl->parser.len;
			request_reset(&cl->parser);
			break;
		case REQUEST_BAD:
			reply_error(cl, "-ERR Protocol error: %s", cl->parser.error);
			asker_quit(&cl->asker);
			break;
		case REQUEST_NO_MEMORY:
			asker_close(&cl->asker);
			return 0;
		}
	}
done:
	cl->proxy->counters.client_bytes_in += at;
	return cl->asker.quitting ? len : at;
}
