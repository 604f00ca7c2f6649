#include "tools/compare_value.h"

#include "tools/compare_chunks.h"

#include <stdlib.h>
#include <string.h>

enum order {
	ORDER_AS_READ,
	ORDER_SCORED, /* as read; every second item is a score */
	ORDER_NONE,   /* a set: its members in any order */
	ORDER_PAIRS,  /* a hash: field and value, in any order */
};

struct compare_type {
	const char *name;
	const char *whole;         /* NULL: only in chunks */
	const char *whole_args[3]; /* after the key */
	int reply_type;
	enum order order;
	enum dyn_entropy_status (*chunks)(struct compare_value *v, struct dyn_entropy_error *err);
};

static const struct compare_type types[] = {
	{"string", "GET", {NULL}, REDIS_REPLY_STRING, ORDER_AS_READ, compare_chunks_string},
	{"list", "LRANGE", {"0", "-1"}, REDIS_REPLY_ARRAY, ORDER_AS_READ, compare_chunks_list},
	{"set", "SMEMBERS", {NULL}, REDIS_REPLY_ARRAY, ORDER_NONE, compare_chunks_set},
	{"hash", "HGETALL", {NULL}, REDIS_REPLY_ARRAY, ORDER_PAIRS, compare_chunks_hash},
	{"zset", "ZRANGE", {"0", "-1", "WITHSCORES"}, REDIS_REPLY_ARRAY, ORDER_SCORED,
		compare_chunks_zset},
	{"stream", NULL, {NULL}, REDIS_REPLY_ARRAY, ORDER_AS_READ, compare_chunks_stream},
};

const struct compare_type *compare_type_find(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

bool compare_type_whole(const struct compare_type *type, const struct compare_pair *p,
	struct compare_bytes key, struct compare_command *c)
{
	/* HGETALL does not return the deadlines of fields. */
	if (type->whole == NULL || (type->order == ORDER_PAIRS && p->field_deadlines))
		return false;
	compare_command_begin(c, type->whole);
	compare_command_bytes(c, key.bytes, key.len);
	for (size_t i = 0; i < 3 && type->whole_args[i] != NULL; i++)
		compare_command_text(c, type->whole_args[i]);
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	const redisReply *x = *(redisReply *const *)a;
	const redisReply *y = *(redisReply *const *)b;
	int order = memcmp(x->str, y->str, x->len < y->len ? x->len : y->len);

	if (order != 0)
		return order;
	return (x->len > y->len) - (x->len < y->len);
}

static void sort_elements(redisReply *r, size_t stride)
{
	if (r->elements > 0)
		qsort(r->element, r->elements / stride, stride * sizeof(r->element[0]), by_bytes);
}

bool compare_scored_equal(const redisReply *a, const redisReply *b)
{
	if (a->elements != b->elements)
		return false;
	for (size_t i = 0; i < a->elements; i++) {
		const redisReply *x = a->element[i], *y = b->element[i];

		if (compare_replies_equal(x, y))
			continue;
		/* Versions of Redis format the same number differently. */
		if (i % 2 == 0 || x->type != REDIS_REPLY_STRING || y->type != REDIS_REPLY_STRING ||
			strtod(x->str, NULL) < strtod(y->str, NULL) ||
			strtod(x->str, NULL) > strtod(y->str, NULL))
			return false;
	}
	return true;
}

static bool replies_alike(const struct compare_type *type, redisReply *replies[SIDES])
{
	size_t stride = type->order == ORDER_PAIRS ? 2 : 1;

	switch (type->order) {
	case ORDER_AS_READ:
		break;
	case ORDER_SCORED:
		return compare_scored_equal(replies[SIDE_A], replies[SIDE_B]);
	case ORDER_NONE:
	case ORDER_PAIRS:
		if (replies[SIDE_A]->elements != replies[SIDE_B]->elements)
			return false;
		sort_elements(replies[SIDE_A], stride);
		sort_elements(replies[SIDE_B], stride);
		break;
	}
	return compare_replies_equal(replies[SIDE_A], replies[SIDE_B]);
}

enum dyn_entropy_status compare_type_replies(const struct compare_type *type,
	const struct compare_pair *p, redisReply *replies[SIDES], enum compare_verdict *verdict,
	struct dyn_entropy_error *err)
{
	for (int side = 0; side < SIDES; side++) {
		const redisReply *r = replies[side];

		/* nil: a string that was deleted meanwhile */
		if (compare_reply_is_stale(r) || r->type == REDIS_REPLY_NIL) {
			*verdict = COMPARE_OTHER_VALUE;
			return DYN_ENTROPY_OK;
		}
		if (r->type != type->reply_type)
			return compare_pair_refused(p, side, type->whole, r, err);
	}
	*verdict = replies_alike(type, replies) ? COMPARE_SAME : COMPARE_OTHER_VALUE;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status compare_type_chunks(const struct compare_type *type, struct compare_pair *p,
	struct compare_bytes key, uint64_t usage, enum compare_verdict *verdict,
	struct dyn_entropy_error *err)
{
	struct compare_value v = {.pair = p, .key = key, .usage = usage, .verdict = COMPARE_SAME};
	enum dyn_entropy_status status = type->chunks(&v, err);

	*verdict = v.verdict;
	return status;
}
