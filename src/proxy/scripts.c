#include "proxy/scripts.h"

#include "proto/resp_write.h"
#include "proxy/proxy_internal.h"
#include "proxy/route.h"

#include <string.h>

/* How long a datastore that is still loading its data is left alone. */
#define LOADING_MS 1000

/* ---- Bodies that pass through ---- */

static void keep(struct proxy *p, enum script_kind kind, const struct request *r, uint32_t i)
{
	script_cache_keep(&p->scripts, kind, request_arg(r, i), r->args[i].len);
}

static const struct script *script_of(struct proxy *p, const struct request *r)
{
	return script_cache_find(&p->scripts, SCRIPT_OF_EVAL, request_arg(r, 1), r->args[1].len);
}

void scripts_take_bodies(struct proxy *p, struct call *c, const struct request *r)
{
	switch ((enum command_id)r->command->id) {
	case COMMAND_ID_EVAL:
		keep(p, SCRIPT_OF_EVAL, r, 1);
		break;
	case COMMAND_ID_EVALSHA:
		/* Without memory for it, it is not sent again. */
		if (script_of(p, r))
			(void)!buf_append(&c->evalsha, r->bytes, r->len);
		break;
	case COMMAND_ID_SCRIPT_LOAD:
		keep(p, SCRIPT_OF_EVAL, r, 2);
		break;
	case COMMAND_ID_SCRIPT_FLUSH:
		script_cache_clear(&p->scripts, SCRIPT_OF_EVAL);
		break;
	case COMMAND_ID_FUNCTION_LOAD:
		keep(p, SCRIPT_FUNCTIONS, r, r->argc - 1);
		break;
	case COMMAND_ID_FUNCTION_DELETE:
		script_cache_drop(&p->scripts, SCRIPT_FUNCTIONS, request_arg(r, 2), r->args[2].len);
		break;
	case COMMAND_ID_FUNCTION_FLUSH:
		script_cache_clear(&p->scripts, SCRIPT_FUNCTIONS);
		break;
	default:
		break;
	}
}

/* ---- EVALSHA again, as EVAL ---- */

static bool begins_with(const uint8_t *bytes, size_t len, const char *text)
{
	size_t n = strlen(text);

	return len >= n && memcmp(bytes, text, n) == 0;
}

static bool write_eval(struct buf *out, const struct request *r, const struct script *s)
{
	const struct resp_writer w = resp_writer_2(out);
	bool ok = resp_write_array(&w, r->argc) &&
		  resp_write_text(&w, r->kind == COMMAND_READ ? "EVAL_RO" : "EVAL") &&
		  resp_write_bulk(&w, s->body, s->len);

	for (uint32_t i = 2; ok && i < r->argc; i++)
		ok = resp_write_bulk(&w, request_arg(r, i), r->args[i].len);
	return ok;
}

bool scripts_again(void *arg, size_t node, struct leg *leg, const struct reply *reply)
{
	struct proxy *p = arg;
	const struct buf *evalsha = &leg->part->call->evalsha;
	struct request_parser parser = {0};
	struct buf eval = {0};
	bool is_sent = false;

	/* A script can make such an error, but not in these words. */
	if (leg->again || buf_len(evalsha) == 0 ||
		!begins_with(reply->bytes, reply->len, "-NOSCRIPT No matching script."))
		return false;
	if (request_parse(&parser, buf_head(evalsha), buf_len(evalsha)) == REQUEST_DONE) {
		struct request r = request_of(&parser, buf_head(evalsha));
		const struct script *s = script_of(p, &r);

		request_understand(&r);
		if (s && write_eval(&eval, &r, s)) {
			const struct lane_keys lanes = route_lanes(p, &r);

			leg->again = true;
			replica_send(
				p->replicas[node], leg, &lanes, buf_head(&eval), buf_len(&eval));
			is_sent = true;
		}
	}
	request_parser_fini(&parser);
	buf_fini(&eval);
	return is_sent;
}

/* ---- Loading ---- */

static void on_loaded(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct proxy *p = arg;

	/* If it is away again, all are sent when it is back. */
	if (reply && fate == WRITE_MISSED && begins_with(reply, len, "-LOADING "))
		p->scripts_due_ms = p->now_ms + LOADING_MS;
}

/* A datastore may have an older state of a library, from its file. */
static bool write_load(struct buf *out, const struct script *s)
{
	const struct resp_writer w = resp_writer_2(out);
	bool is_library = s->kind == SCRIPT_FUNCTIONS;

	buf_clear(out);
	return resp_write_array(&w, is_library ? 4 : 3) &&
	       resp_write_text(&w, is_library ? "FUNCTION" : "SCRIPT") &&
	       resp_write_text(&w, "LOAD") && (!is_library || resp_write_text(&w, "REPLACE")) &&
	       resp_write_bulk(&w, s->body, s->len);
}

void scripts_load(void *arg, size_t node)
{
	struct proxy *p = arg;
	const struct script *s;
	struct buf load = {0};

	(void)node;
	p->scripts_due_ms = 0;
	TAILQ_FOREACH (s, &p->scripts.all, next) {
		struct proxy_own_request ask = {
			.key = s->name,
			.len = strlen(s->name),
			.answered = on_loaded,
			.arg = p,
		};

		if (!write_load(&load, s))
			break;
		ask.request = buf_head(&load);
		ask.request_len = buf_len(&load);
		if (!proxy_ask(p, &ask))
			break;
	}
	buf_fini(&load);
}
