#include "tools/compare_pair.h"

#include "entropy/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void compare_command_bytes(struct compare_command *c, const char *bytes, size_t len)
{
	c->argv[c->argc] = bytes;
	c->len[c->argc++] = len;
}

void compare_command_text(struct compare_command *c, const char *text)
{
	compare_command_bytes(c, text, strlen(text));
}

void compare_command_number(struct compare_command *c, uint64_t n)
{
	char *text = c->numbers[c->n_numbers++];

	snprintf(text, sizeof(c->numbers[0]), "%" PRIu64, n);
	compare_command_text(c, text);
}

void compare_command_begin(struct compare_command *c, const char *name)
{
	c->argc = 0;
	c->n_numbers = 0;
	compare_command_text(c, name);
}

enum dyn_entropy_status compare_pair_ask(struct compare_pair *p, int side,
	const struct compare_command *c, struct dyn_entropy_error *err)
{
	return redis_conn_append(p->side[side], c->argc, c->argv, c->len, err);
}

enum dyn_entropy_status compare_pair_ask_both(
	struct compare_pair *p, const struct compare_command *c, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = compare_pair_ask(p, SIDE_A, c, err);

	return status == DYN_ENTROPY_OK ? compare_pair_ask(p, SIDE_B, c, err) : status;
}

enum dyn_entropy_status compare_pair_send(struct compare_pair *p, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = redis_conn_send(p->side[SIDE_A], NULL, 0, err);

	return status == DYN_ENTROPY_OK ? redis_conn_send(p->side[SIDE_B], NULL, 0, err) : status;
}

void compare_replies_free(redisReply *replies[SIDES])
{
	for (int side = 0; side < SIDES; side++) {
		freeReplyObject(replies[side]);
		replies[side] = NULL;
	}
}

enum dyn_entropy_status compare_pair_replies(
	struct compare_pair *p, redisReply *replies[SIDES], struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	replies[SIDE_A] = replies[SIDE_B] = NULL;
	for (int side = 0; status == DYN_ENTROPY_OK && side < SIDES; side++)
		status = redis_conn_reply(p->side[side], &replies[side], err);
	if (status != DYN_ENTROPY_OK)
		compare_replies_free(replies);
	return status;
}

enum dyn_entropy_status compare_pair_both(struct compare_pair *p, const struct compare_command *c,
	redisReply *replies[SIDES], struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = compare_pair_ask_both(p, c, err);

	replies[SIDE_A] = replies[SIDE_B] = NULL;
	if (status == DYN_ENTROPY_OK)
		status = compare_pair_send(p, err);
	if (status == DYN_ENTROPY_OK)
		status = compare_pair_replies(p, replies, err);
	return status;
}

enum dyn_entropy_status compare_pair_one(struct compare_pair *p, int side,
	const struct compare_command *c, redisReply **reply, struct dyn_entropy_error *err)
{
	return redis_conn_call(p->side[side], c->argc, c->argv, c->len, reply, err);
}

enum dyn_entropy_status compare_pair_items(struct compare_pair *p, int side,
	const struct compare_command *c, const redisReply *items, size_t stride, redisReply **reply,
	struct dyn_entropy_error *err)
{
	size_t n = items->elements / stride, argc = (size_t)c->argc;
	const char **argv = calloc(argc + n, sizeof(*argv));
	size_t *len = calloc(argc + n, sizeof(*len));
	enum dyn_entropy_status status;

	*reply = NULL;
	if (argv == NULL || len == NULL) {
		status = error_no_memory(err);
		goto done;
	}
	memcpy(argv, c->argv, argc * sizeof(*argv));
	memcpy(len, c->len, argc * sizeof(*len));
	for (size_t i = 0; i < n; i++) {
		argv[argc] = items->element[i * stride]->str;
		len[argc++] = items->element[i * stride]->len;
	}
	status = redis_conn_call(p->side[side], (int)argc, argv, len, reply, err);
done:
	free(argv);
	free(len);
	return status;
}

enum dyn_entropy_status compare_pair_refused(const struct compare_pair *p, int side,
	const char *command, const redisReply *reply, struct dyn_entropy_error *err)
{
	return redis_conn_refused(p->side[side], command, reply, err);
}

bool compare_reply_is_stale(const redisReply *reply)
{
	static const char *const words[] = {"WRONGTYPE", "NOGROUP", "ERR no such key"};

	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

bool compare_reply_is_page(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	for (size_t i = 0; i < reply->element[1]->elements; i++) {
		if (reply->element[1]->element[i]->type != REDIS_REPLY_STRING)
			return false;
	}
	return true;
}

bool compare_replies_equal(const redisReply *a, const redisReply *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case REDIS_REPLY_NIL:
		return true;
	case REDIS_REPLY_INTEGER:
		return a->integer == b->integer;
	case REDIS_REPLY_ARRAY:
		if (a->elements != b->elements)
			return false;
		for (size_t i = 0; i < a->elements; i++) {
			if (!compare_replies_equal(a->element[i], b->element[i]))
				return false;
		}
		return true;
	default: /* strings, statuses, errors */
		return a->len == b->len && memcmp(a->str, b->str, a->len) == 0;
	}
}

/* Commands that test what the two support.  One that is missing or forbidden by an ACL fails. */
enum {
	PROBE_USAGE,
	PROBE_FIELD_DEADLINES,
	PROBE_DEADLINES,
	PROBE_NO_TOUCH,
	PROBES
};

static const struct {
	int argc;
	const char *argv[5];
} probes[PROBES] = {
	[PROBE_USAGE] = {3, {"MEMORY", "USAGE", ""}},
	[PROBE_FIELD_DEADLINES] = {5, {"HPEXPIRETIME", "", "FIELDS", "1", ""}}, /* 7.4 */
	[PROBE_DEADLINES] = {2, {"PEXPIRETIME", ""}},                           /* 7.0 */
	[PROBE_NO_TOUCH] = {3, {"CLIENT", "NO-TOUCH", "ON"}}, /* 7.2: do not update LRU and LFU */
};

static enum dyn_entropy_status probe(struct compare_pair *p, struct dyn_entropy_error *err)
{
	for (int i = 0; i < PROBES; i++) {
		for (int side = 0; side < SIDES; side++) {
			redisReply *reply;
			enum dyn_entropy_status status = redis_conn_call(
				p->side[side], probes[i].argc, probes[i].argv, NULL, &reply, err);
			bool has;

			if (status != DYN_ENTROPY_OK)
				return status;
			has = reply->type != REDIS_REPLY_ERROR;
			freeReplyObject(reply);
			if (i == PROBE_USAGE && !has)
				p->no_usage = true;
			if (i == PROBE_FIELD_DEADLINES && has)
				p->field_deadlines = true;
			if (i == PROBE_DEADLINES && !has)
				return error_set(err, DYN_ENTROPY_ERR_SOURCE,
					"Redis: %s: it does not answer PEXPIRETIME, with which "
					"compare reads deadlines: it takes Redis 7.0 or newer, "
					"and a user who may call it",
					redis_conn_name(p->side[side]));
		}
	}
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status compare_pair_open(struct compare_pair *p, const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	memset(p, 0, sizeof(*p));
	status = redis_conn_open(a, DYN_ENTROPY_ERR_SOURCE, &p->side[SIDE_A], err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_open(b, DYN_ENTROPY_ERR_SOURCE, &p->side[SIDE_B], err);
	if (status == DYN_ENTROPY_OK)
		status = probe(p, err);
	if (status != DYN_ENTROPY_OK)
		compare_pair_close(p);
	return status;
}

void compare_pair_close(struct compare_pair *p)
{
	for (int side = 0; side < SIDES; side++) {
		redis_conn_free(p->side[side]);
		p->side[side] = NULL;
	}
}
