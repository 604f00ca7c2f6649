#include "proxy/call.h"

#include "proto/resp_write.h"
#include "proxy/followers.h"
#include "proxy/join.h"
#include "proxy/refused.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_MAX 4096

void call_list_init(struct call_list *l, size_t call_bytes, int64_t timeout_ms)
{
	memset(l, 0, sizeof(*l));
	TAILQ_INIT(&l->calls);
	TAILQ_INIT(&l->spare);
	l->call_bytes = call_bytes;
	l->timeout_ms = timeout_ms;
}

/* ---- Life of a call ---- */

static void unlink_call(struct call *c)
{
	struct call_list *l = c->list;

	if (l->unexpired == c)
		l->unexpired = TAILQ_NEXT(c, next);
	TAILQ_REMOVE(&l->calls, c, next);
	l->n--;
}

static void free_parts(struct call *c)
{
	for (uint32_t i = 0; i < c->n_parts; i++) {
		quorum_free(c->parts[i].quorum);
		outq_clear(&c->parts[i].reply);
		refused_drop(&c->parts[i]);
	}
	if (c->parts != &c->one)
		free(c->parts);
	free(c->part_of);
	kept_keys_fini(&c->keys);
	buf_fini(&c->evalsha);
	followers_free(c->followers);
}

static void free_call(struct call *c)
{
	struct call_list *l = c->list;

	unlink_call(c);
	free_parts(c);
	if (l->n_spare < SPARE_MAX) {
		TAILQ_INSERT_HEAD(&l->spare, c, next);
		l->n_spare++;
	} else {
		free(c);
	}
}

/* End a call whose legs have all ended and which its origin has released. */
static void check_end(struct call *c)
{
	if (c->legs == 0 && !c->answered) {
		c->legs = 1; /* answering may release the call */
		call_refuse(c, "dynomite: no replica could be asked");
		c->legs = 0;
	}
	if (c->legs == 0 && c->released)
		free_call(c);
}

void call_release(struct call *c)
{
	c->released = true;
	check_end(c);
}

void call_list_fini(struct call_list *l)
{
	struct call *c;

	while ((c = TAILQ_FIRST(&l->calls)) != NULL)
		free_call(c);
	while ((c = TAILQ_FIRST(&l->spare)) != NULL) {
		TAILQ_REMOVE(&l->spare, c, next);
		free(c);
	}
	l->n_spare = 0;
}

struct call *call_new(struct call_list *l, const struct call_origin *origin,
	const struct command *command, int64_t now_ms)
{
	struct call *c = TAILQ_FIRST(&l->spare);

	if (c) {
		TAILQ_REMOVE(&l->spare, c, next);
		l->n_spare--;
	} else {
		c = malloc(l->call_bytes);
		if (!c)
			return NULL;
	}
	memset(c, 0, l->call_bytes);
	c->list = l;
	c->origin = origin;
	c->command = command;
	c->deadline_ms = now_ms + l->timeout_ms;
	c->legs = 1;
	c->parts_left = 1;
	c->n_parts = 1;
	c->parts = &c->one;
	c->one.call = c;
	TAILQ_INSERT_TAIL(&l->calls, c, next);
	if (!l->unexpired)
		l->unexpired = c;
	l->n++;
	return c;
}

bool call_split(struct call *c, uint32_t n, uint32_t *part_of, uint32_t n_keys)
{
	struct part *parts = calloc(n, sizeof(*parts));

	if (!parts)
		return false;
	for (uint32_t i = 0; i < n; i++)
		parts[i].call = c;
	c->parts = parts;
	c->n_parts = n;
	c->parts_left = n;
	c->part_of = part_of;
	c->n_keys = n_keys;
	return true;
}

struct leg *call_leg(struct part *p, uint8_t dc, bool local_rack, bool is_write)
{
	struct call *c = p->call;
	struct leg *leg;

	if (!c->first_leg_used) {
		leg = &c->first_leg;
		c->first_leg_used = true;
	} else {
		leg = malloc(sizeof(*leg));
		if (!leg)
			return NULL;
	}
	memset(leg, 0, sizeof(*leg));
	leg->part = p;
	leg->dc = dc;
	leg->local_rack = local_rack;
	leg->is_write = is_write;
	leg->abandoned = p->decided;
	c->legs++;
	return leg;
}

static void end_leg(struct leg *leg)
{
	struct call *c = leg->part->call;

	if (leg != &c->first_leg)
		free(leg);
	c->legs--;
	check_end(c);
}

void call_sent(struct call *c)
{
	c->legs--;
	check_end(c);
}

/* ---- Answers ---- */

static void answer(struct call *c, const struct reply *reply)
{
	if (c->answered)
		return;
	c->answered = true;
	if (!c->released)
		c->origin->answer(c, reply);
}

void call_refuse(struct call *c, const char *fmt, ...)
{
	char line[RESP_ERROR_MAX];
	struct reply reply;
	va_list args;

	va_start(args, fmt);
	reply = reply_of_bytes(line, resp_write_error_line_v(line, "ERR ", fmt, args));
	va_end(args);
	answer(c, &reply);
}

/* All parts have their replies: answer with the joined one. */
static void answer_joined(struct call *c)
{
	struct join_part *parts = calloc(c->n_parts, sizeof(*parts));
	struct buf *replies = calloc(c->n_parts, sizeof(*replies));
	struct buf joined = {0};
	bool ok = parts && replies;

	for (uint32_t i = 0; ok && i < c->n_parts; i++) {
		ok = outq_copy(&c->parts[i].reply, &replies[i]);
		outq_clear(&c->parts[i].reply);
		parts[i].reply = buf_head(&replies[i]);
		parts[i].len = buf_len(&replies[i]);
	}
	ok = ok &&
	     join_replies(&joined, c->command->join, parts, c->n_parts, c->part_of, c->n_keys);
	if (ok) {
		struct reply reply = reply_of_bytes(buf_head(&joined), buf_len(&joined));

		answer(c, &reply);
	} else {
		call_refuse(c, "dynomite: out of memory");
	}
	for (uint32_t i = 0; replies && i < c->n_parts; i++)
		buf_fini(&replies[i]);
	buf_fini(&joined);
	free(replies);
	free(parts);
}

static void part_answered(struct part *p, const struct reply *reply)
{
	struct call *c = p->call;

	p->decided = true;
	c->parts_left--;
	if (c->n_parts == 1) {
		answer(c, reply);
		return;
	}
	if (!reply_move(reply, &p->reply))
		call_refuse(c, "dynomite: out of memory");
	if (c->parts_left == 0 && !c->answered)
		answer_joined(c);
}

static void part_failed(struct part *p, const char *why)
{
	struct call *c = p->call;

	p->decided = true;
	c->parts_left--;
	/* Of a command sent to every node, only this node, the first part, must answer. */
	if (c->command->join != COMMAND_LEAST || p == c->parts)
		call_refuse(c, "dynomite: %s", why);
	else if (c->parts_left == 0 && !c->answered)
		answer_joined(c);
}

static void verdict(struct part *p, enum quorum_verdict v)
{
	struct reply reply = {0};

	switch (v) {
	case QUORUM_WAIT:
		break;
	case QUORUM_REACHED:
		reply.bytes = quorum_result(p->quorum, &reply.len);
		part_answered(p, &reply);
		break;
	case QUORUM_FAILED:
		part_failed(p, quorum_why(p->quorum));
		break;
	}
}

static void tell_quorum(struct leg *leg, const struct reply *reply)
{
	struct quorum *q = leg->part->quorum;
	struct buf room = {0};
	struct reply whole;

	if (reply_in_one_piece(reply, &room, &whole)) {
		if (leg->part->call->followers && !leg->local_rack)
			followers_translate(leg->part->call, &whole);
		verdict(leg->part,
			quorum_answer(q, leg->dc, leg->local_rack, whole.bytes, whole.len));
	} else {
		verdict(leg->part, quorum_failure(q, leg->dc));
	}
	buf_fini(&room);
}

void call_leg_answered(struct leg *leg, const struct reply *reply)
{
	struct part *p = leg->part;

	if (p->call->followers && leg->local_rack)
		followers_send(p->call, reply);
	if (!p->decided && !leg->abandoned) {
		if (p->quorum)
			tell_quorum(leg, reply);
		else if (leg->local_rack)
			part_answered(p, reply);
	}
	end_leg(leg);
}

void call_leg_failed(struct leg *leg, const char *why)
{
	struct part *p = leg->part;

	if (p->call->followers && leg->local_rack)
		followers_send(p->call, NULL);
	if (!p->decided && !leg->abandoned) {
		if (p->quorum)
			verdict(p, quorum_failure(p->quorum, leg->dc));
		else if (leg->local_rack)
			part_failed(p, why);
	}
	end_leg(leg);
}

void call_leg_refused(struct leg *leg, const struct reply *reply)
{
	if (leg->part->quorum)
		call_leg_failed(leg, "it refused");
	else
		call_leg_answered(leg, reply);
}

/* ---- Deadlines ---- */

/* Answer with a timeout.  The legs stay, since the order of replies depends on them. */
static void expire(struct call *c)
{
	const char *why = NULL;

	if (c->answered)
		return;
	c->list->timeouts++;
	for (uint32_t i = 0; i < c->n_parts; i++) {
		struct part *p = &c->parts[i];

		if (!p->decided && p->quorum && !why)
			why = quorum_expired(p->quorum);
		p->decided = true;
	}
	call_refuse(c, "dynomite: no answer within %lld ms%s%s", (long long)c->list->timeout_ms,
		why ? ": " : "", why ? why : "");
}

void call_list_expire(struct call_list *l, int64_t now_ms)
{
	/* Answering may end other calls, so take the next one from the list each time. */
	while (l->unexpired && l->unexpired->deadline_ms <= now_ms) {
		struct call *c = l->unexpired;

		l->unexpired = TAILQ_NEXT(c, next);
		expire(c);
	}
}
