#include "tools/compare_chunks.h"

#include <stdio.h>
#include <string.h>

void compare_chunks_command(
	const struct compare_value *v, struct compare_command *c, const char *name)
{
	compare_command_begin(c, name);
	compare_command_bytes(c, v->key.bytes, v->key.len);
}

enum dyn_entropy_status compare_chunks_both(struct compare_value *v,
	const struct compare_command *c, int type, redisReply *replies[SIDES],
	struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = compare_pair_both(v->pair, c, replies, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	for (int side = 0; side < SIDES && status == DYN_ENTROPY_OK; side++) {
		const redisReply *r = replies[side];

		if (compare_reply_is_stale(r))
			v->verdict = COMPARE_OTHER_VALUE;
		else if (r->type != type)
			status = compare_pair_refused(v->pair, side, c->argv[0], r, err);
	}
	if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
		compare_replies_free(replies);
	return status;
}

enum dyn_entropy_status compare_chunks_equal(struct compare_value *v,
	const struct compare_command *c, int type, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	enum dyn_entropy_status status = compare_chunks_both(v, c, type, replies, err);

	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME &&
		!compare_replies_equal(replies[SIDE_A], replies[SIDE_B]))
		v->verdict = COMPARE_OTHER_VALUE;
	compare_replies_free(replies);
	return status;
}

/* Read the length of the value; different lengths decide the verdict. */
static enum dyn_entropy_status length(
	struct compare_value *v, const char *command, uint64_t *len, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	enum dyn_entropy_status status;

	*len = 0;
	compare_chunks_command(v, &c, command);
	status = compare_chunks_both(v, &c, REDIS_REPLY_INTEGER, replies, err);
	if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
		return status;
	*len = (uint64_t)replies[SIDE_A]->integer;
	if (replies[SIDE_A]->integer != replies[SIDE_B]->integer)
		v->verdict = COMPARE_OTHER_VALUE;
	compare_replies_free(replies);
	return DYN_ENTROPY_OK;
}

uint64_t compare_chunks_items(const struct compare_value *v, uint64_t items)
{
	uint64_t each = items > 0 ? v->usage / items + 1 : 1;
	uint64_t n = COMPARE_CHUNK_BYTES / each;

	if (n > COMPARE_CHUNK_ITEMS)
		return COMPARE_CHUNK_ITEMS;
	return n > 0 ? n : 1;
}

enum dyn_entropy_status compare_chunks_string(
	struct compare_value *v, struct dyn_entropy_error *err)
{
	struct compare_command c;
	uint64_t len;
	enum dyn_entropy_status status = length(v, "STRLEN", &len, err);

	for (uint64_t at = 0; status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME && at < len;
		at += COMPARE_CHUNK_BYTES) {
		compare_chunks_command(v, &c, "GETRANGE");
		compare_command_number(&c, at);
		compare_command_number(&c, at + COMPARE_CHUNK_BYTES - 1);
		status = compare_chunks_equal(v, &c, REDIS_REPLY_STRING, err);
	}
	return status;
}

enum dyn_entropy_status compare_chunks_list(struct compare_value *v, struct dyn_entropy_error *err)
{
	struct compare_command c;
	uint64_t len, step;
	enum dyn_entropy_status status = length(v, "LLEN", &len, err);

	step = compare_chunks_items(v, len);
	for (uint64_t at = 0; status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME && at < len;
		at += step) {
		compare_chunks_command(v, &c, "LRANGE");
		compare_command_number(&c, at);
		compare_command_number(&c, at + step - 1);
		status = compare_chunks_equal(v, &c, REDIS_REPLY_ARRAY, err);
	}
	return status;
}

enum dyn_entropy_status compare_chunks_zset(struct compare_value *v, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	uint64_t len, step;
	enum dyn_entropy_status status = length(v, "ZCARD", &len, err);

	step = compare_chunks_items(v, len);
	for (uint64_t at = 0; status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME && at < len;
		at += step) {
		compare_chunks_command(v, &c, "ZRANGE");
		compare_command_number(&c, at);
		compare_command_number(&c, at + step - 1);
		compare_command_text(&c, "WITHSCORES");
		status = compare_chunks_both(v, &c, REDIS_REPLY_ARRAY, replies, err);
		if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
			break;
		if (!compare_scored_equal(replies[SIDE_A], replies[SIDE_B]))
			v->verdict = COMPARE_OTHER_VALUE;
		compare_replies_free(replies);
	}
	return status;
}

/* ---- Sets and hashes: scan A, and ask B for the same items ---------------------------------
 */

/* A page of SSCAN or HSCAN of A: [cursor, [items]].  NULL with the verdict when A has changed. */
static enum dyn_entropy_status scan_page(struct compare_value *v, const char *command,
	const char *cursor, uint64_t count, redisReply **page, struct dyn_entropy_error *err)
{
	struct compare_command c;
	enum dyn_entropy_status status;
	redisReply *r;

	compare_chunks_command(v, &c, command);
	compare_command_text(&c, cursor);
	compare_command_text(&c, "COUNT");
	compare_command_number(&c, count);
	status = compare_pair_one(v->pair, SIDE_A, &c, page, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	r = *page;
	if (compare_reply_is_stale(r))
		v->verdict = COMPARE_OTHER_VALUE;
	else if (!compare_reply_is_page(r))
		status = compare_pair_refused(v->pair, SIDE_A, command, r, err);
	if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME) {
		freeReplyObject(r);
		*page = NULL;
	}
	return status;
}

/* A command with the key, followed by every stride-th item of a page. */
static enum dyn_entropy_status ask_items(struct compare_value *v, int side, const char *command,
	bool fields, const redisReply *items, size_t stride, redisReply **reply,
	struct dyn_entropy_error *err)
{
	size_t n = items->elements / stride;
	struct compare_command c;
	enum dyn_entropy_status status;

	compare_chunks_command(v, &c, command);
	if (fields) {
		compare_command_text(&c, "FIELDS");
		compare_command_number(&c, n);
	}
	status = compare_pair_items(v->pair, side, &c, items, stride, reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (compare_reply_is_stale(*reply)) {
		v->verdict = COMPARE_OTHER_VALUE;
	} else if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements != n) {
		status = compare_pair_refused(v->pair, side, command, *reply, err);
		freeReplyObject(*reply);
		*reply = NULL;
	}
	return status;
}

static enum dyn_entropy_status set_page(
	struct compare_value *v, const redisReply *items, struct dyn_entropy_error *err)
{
	redisReply *there;
	enum dyn_entropy_status status =
		ask_items(v, SIDE_B, "SMISMEMBER", false, items, 1, &there, err);

	for (size_t i = 0; there != NULL && v->verdict == COMPARE_SAME && i < items->elements;
		i++) {
		if (there->element[i]->integer != 1)
			v->verdict = COMPARE_OTHER_VALUE;
	}
	freeReplyObject(there);
	return status;
}

/* Compare the deadlines of a hash's fields, which exist since Redis 7.4. */
static enum dyn_entropy_status field_deadlines(
	struct compare_value *v, const redisReply *items, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES] = {NULL, NULL};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (int side = 0; status == DYN_ENTROPY_OK && side < SIDES; side++)
		status = ask_items(v, side, "HPEXPIRETIME", true, items, 2, &replies[side], err);
	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME &&
		!compare_replies_equal(replies[SIDE_A], replies[SIDE_B]))
		v->verdict = COMPARE_OTHER_VALUE;
	compare_replies_free(replies);
	return status;
}

static enum dyn_entropy_status hash_page(
	struct compare_value *v, const redisReply *items, struct dyn_entropy_error *err)
{
	redisReply *values;
	enum dyn_entropy_status status =
		ask_items(v, SIDE_B, "HMGET", false, items, 2, &values, err);

	for (size_t i = 0; values != NULL && v->verdict == COMPARE_SAME && i < values->elements;
		i++) {
		if (!compare_replies_equal(items->element[i * 2 + 1], values->element[i]))
			v->verdict = COMPARE_OTHER_VALUE;
	}
	freeReplyObject(values);
	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME && v->pair->field_deadlines)
		status = field_deadlines(v, items, err);
	return status;
}

/* Two values of equal length are equal if B has every item of A. */
static enum dyn_entropy_status scan_value(struct compare_value *v, const char *len_command,
	const char *scan_command,
	enum dyn_entropy_status (*page_alike)(
		struct compare_value *v, const redisReply *items, struct dyn_entropy_error *err),
	struct dyn_entropy_error *err)
{
	char cursor[24] = "0";
	uint64_t len;
	enum dyn_entropy_status status = length(v, len_command, &len, err);
	redisReply *page = NULL;

	if (len == 0 || v->verdict != COMPARE_SAME)
		return status;
	do {
		status = scan_page(
			v, scan_command, cursor, compare_chunks_items(v, len), &page, err);
		if (status != DYN_ENTROPY_OK || page == NULL)
			break;
		snprintf(cursor, sizeof(cursor), "%s", page->element[0]->str);
		if (page->element[1]->elements > 0)
			status = page_alike(v, page->element[1], err);
		freeReplyObject(page);
	} while (
		status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME && strcmp(cursor, "0") != 0);
	return status;
}

enum dyn_entropy_status compare_chunks_set(struct compare_value *v, struct dyn_entropy_error *err)
{
	return scan_value(v, "SCARD", "SSCAN", set_page, err);
}

enum dyn_entropy_status compare_chunks_hash(struct compare_value *v, struct dyn_entropy_error *err)
{
	return scan_value(v, "HLEN", "HSCAN", hash_page, err);
}
