#include "proxy/arrive.h"

#include "proto/request.h"
#include "proto/resp_write.h"
#include "proxy/join.h"
#include "proxy/proxy_internal.h"
#include "proxy/refused.h"

#include <stdlib.h>
#include <string.h>

/* Limits of what waits. */
#define WAITING_MAX       10000
#define WAITING_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct arrival {
	STAILQ_ENTRY(arrival) next;
	struct leg *leg;
	struct lane_keys keys;
	size_t len;
	uint8_t bytes[];
};

void arrivals_init(struct arrivals *a)
{
	*a = (struct arrivals){0};
	STAILQ_INIT(&a->waiting);
}

static struct stamped_write write_of(const struct leg *leg)
{
	struct part *part = leg->part;
	struct kept_keys *kept = &part->call->keys;

	return (struct stamped_write){
		.stamp = part->stamp,
		.keys = kept->keys ? kept->keys + leg->first_key : NULL,
		.n_keys = kept->keys ? leg->n_keys : 0,
		/* A request that is split by owners can be split further; all its keys are written.
		 */
		.divisible = part->call->command->join != COMMAND_WHOLE,
	};
}

/* ---- Writes that are not sent as they are ---- */

static void decline(struct proxy *p, struct leg *leg)
{
	replica_leg_failed(
		p->replicas[0], leg, WRITE_MISSED, "the write comes too late to be carried out");
}

/* The reply to a write that newer ones make void.  An update's would depend on a value that it did
 * not find. */
static struct reply void_reply(const struct command *c, char line[RESP_ERROR_MAX])
{
	const char *text = NULL;

	if (c->join == COMMAND_SUM)
		text = ":0\r\n";
	else if (strcmp(c->name, "GETSET") == 0 || strcmp(c->name, "GETDEL") == 0)
		text = "$-1\r\n";
	else if (strcmp(c->name, "SET") == 0 || strcmp(c->name, "SETEX") == 0 ||
		 strcmp(c->name, "PSETEX") == 0 || strcmp(c->name, "MSET") == 0)
		text = "+OK\r\n";
	if (text)
		return reply_of_bytes(text, strlen(text));
	return reply_of_bytes(
		line, resp_write_error_line(line,
			      "ERR dynomite: not carried out: the key has a newer value already"));
}

static void pass_over(struct proxy *p, struct leg *leg)
{
	char line[RESP_ERROR_MAX];
	struct reply reply = void_reply(leg->part->call->command, line);

	/* What is void here is not missed elsewhere. */
	refused_decide(p, leg->part, WRITE_REFUSED);
	call_leg_answered(leg, &reply);
}

/* Write the request with those of its keys that are to be carried out.  False when out of memory.
 */
static bool write_rest(
	struct buf *out, const struct stamped_write *w, const uint8_t *bytes, size_t len)
{
	struct request_parser parser = {0};
	uint32_t *keys = malloc((w->n_keys + 1) * sizeof(*keys)), n = 0;
	bool ok = keys && request_parse(&parser, bytes, len) == REQUEST_DONE;

	if (ok) {
		struct request r = request_of(&parser, bytes);

		request_understand(&r);
		for (uint32_t i = 0; i < w->n_keys; i++)
			if (w->keys[i].verdict == WRITE_CARRY_OUT)
				keys[n++] = request_key(&r, i);
		ok = join_write_part(out, &r, keys, n);
	}
	free(keys);
	request_parser_fini(&parser);
	return ok;
}

static void begin(struct proxy *p, struct leg *leg, struct stamped_write *w,
	const struct lane_keys *keys, const uint8_t *bytes, size_t len)
{
	const struct proxy_hooks *hooks = &p->options.hooks;

	if (hooks->write_begun && w->n_keys > 0)
		hooks->write_begun(hooks->arg, w);
	replica_send(p->replicas[0], leg, keys, bytes, len);
}

/* Put the keys to be carried out first. */
static size_t sort_by_verdict(struct stamped_write *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_keys; i++)
		if (w->keys[i].verdict == WRITE_CARRY_OUT) {
			struct write_key k = w->keys[n];

			w->keys[n++] = w->keys[i];
			w->keys[i] = k;
		}
	return n;
}

/* Some of the keys have newer values: send the write for the others alone. */
static void send_rest(struct proxy *p, struct leg *leg, struct stamped_write *w,
	const struct lane_keys *keys, const uint8_t *bytes, size_t len)
{
	struct buf rest = {0};
	bool written = write_rest(&rest, w, bytes, len);

	w->n_keys = sort_by_verdict(w);
	leg->n_keys = (uint32_t)w->n_keys;
	if (written)
		begin(p, leg, w, keys, buf_head(&rest), buf_len(&rest));
	else
		replica_leg_failed(p->replicas[0], leg, WRITE_MISSED, "out of memory");
	buf_fini(&rest);
}

/* ---- Waiting ---- */

static void wait_for_end(struct proxy *p, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	struct arrivals *a = &p->arrivals;
	struct arrival *w = NULL;

	if (a->n < WAITING_MAX && (a->n == 0 || a->bytes + len <= WAITING_BYTES_MAX))
		w = malloc(sizeof(*w) + len);
	if (!w) {
		replica_leg_failed(
			p->replicas[0], leg, WRITE_MISSED, "too many writes wait for earlier ones");
		return;
	}
	w->leg = leg;
	w->keys = *keys;
	w->len = len;
	memcpy(w->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&a->waiting, w, next);
	a->n++;
	a->bytes += len;
}

/* What holds for the whole write: the strictest verdict of its keys. */
static bool has_verdict(const struct stamped_write *w, enum write_verdict v)
{
	for (size_t i = 0; i < w->n_keys; i++)
		if (w->keys[i].verdict == v)
			return true;
	return false;
}

void arrive_send(struct proxy *p, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	const struct proxy_hooks *hooks = &p->options.hooks;
	struct stamped_write w = write_of(leg);

	if (!hooks->write_arrives || w.n_keys == 0) {
		begin(p, leg, &w, keys, bytes, len);
		return;
	}
	hooks->write_arrives(hooks->arg, &w);
	leg->part->stamp = w.stamp;
	if (has_verdict(&w, WRITE_DECLINE))
		decline(p, leg);
	else if (has_verdict(&w, WRITE_WAIT))
		wait_for_end(p, leg, keys, bytes, len);
	else if (!has_verdict(&w, WRITE_PASS_OVER))
		begin(p, leg, &w, keys, bytes, len);
	else if (!has_verdict(&w, WRITE_CARRY_OUT))
		pass_over(p, leg);
	else
		send_rest(p, leg, &w, keys, bytes, len);
}

void arrive_retry(struct proxy *p)
{
	struct arrivals *a = &p->arrivals;
	size_t left = a->n;

	if (left == 0)
		return;
	/* Those that still have to wait go to the end of the queue, in the same order. */
	for (; left > 0 && !STAILQ_EMPTY(&a->waiting); left--) {
		struct arrival *w = STAILQ_FIRST(&a->waiting);

		if (!a->due && w->leg->part->call->deadline_ms > p->now_ms)
			break; /* the first has waited longest */
		STAILQ_REMOVE_HEAD(&a->waiting, next);
		a->n--;
		a->bytes -= w->len;
		if (w->leg->part->call->deadline_ms <= p->now_ms)
			replica_leg_failed(p->replicas[0], w->leg, WRITE_MISSED,
				"an earlier write of the key does not end");
		else
			arrive_send(p, w->leg, &w->keys, w->bytes, w->len);
		free(w);
	}
	a->due = false;
}

void arrivals_fini(struct proxy *p)
{
	struct arrivals *a = &p->arrivals;

	while (!STAILQ_EMPTY(&a->waiting)) {
		struct arrival *w = STAILQ_FIRST(&a->waiting);

		STAILQ_REMOVE_HEAD(&a->waiting, next);
		replica_leg_failed(p->replicas[0], w->leg, WRITE_MISSED, "the node stops");
		free(w);
	}
	a->n = 0;
	a->bytes = 0;
}
