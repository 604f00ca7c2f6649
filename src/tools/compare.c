#include "tools/compare.h"

#include "base/buf.h"
#include "base/clock.h"
#include "entropy/error.h"
#include "journal/marker.h"
#include "tools/compare_look.h"

#include <stdlib.h>
#include <string.h>

#define SCAN_COUNT 1000
#define LOOK_KEYS  1000

/* The limits of what is remembered for the second look; at the limit it is taken early. */
#define SUSPECTS_MAX       ((size_t)1000 * 1000)
#define SUSPECTS_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* A key that differed at first: its position in the bytes. */
struct suspect {
	size_t offset, len;
};

struct walk {
	struct compare_pair pair;
	const struct compare_options *options;
	struct compare_result *result;
	int64_t started_us;
	struct buf keys;     /* the suspects' keys, concatenated */
	struct buf suspects; /* of struct suspect */
	struct buf looks;    /* of struct compare_look, for the current batch */
};

const char *compare_verdict_text(enum compare_verdict verdict)
{
	switch (verdict) {
	case COMPARE_SAME:
		return "the same";
	case COMPARE_MISSING_IN_A:
		return "missing in A";
	case COMPARE_MISSING_IN_B:
		return "missing in B";
	case COMPARE_OTHER_TYPE:
		return "other type";
	case COMPARE_OTHER_VALUE:
		return "other value";
	case COMPARE_OTHER_DEADLINE:
		return "other deadline";
	case COMPARE_UNCLEAR:
		return "not comparable";
	case COMPARE_VERDICTS:
		break;
	}
	return "?";
}

const char *compare_verdict_word(enum compare_verdict verdict)
{
	switch (verdict) {
	case COMPARE_SAME:
		return "same";
	case COMPARE_MISSING_IN_A:
		return "missing_in_a";
	case COMPARE_MISSING_IN_B:
		return "missing_in_b";
	case COMPARE_OTHER_TYPE:
		return "other_type";
	case COMPARE_OTHER_VALUE:
		return "other_value";
	case COMPARE_OTHER_DEADLINE:
		return "other_deadline";
	case COMPARE_UNCLEAR:
		return "unclear";
	case COMPARE_VERDICTS:
		break;
	}
	return "?";
}

uint64_t compare_differing(const struct compare_result *result)
{
	uint64_t n = 0;

	for (int i = COMPARE_MISSING_IN_A; i <= COMPARE_OTHER_DEADLINE; i++)
		n += result->verdicts[i];
	return n;
}

static void tell_progress(struct walk *w)
{
	w->result->seconds = (double)(clock_monotonic_us() - w->started_us) / 1e6;
	if (w->options->progress != NULL)
		w->options->progress(w->options->progress_arg, w->result);
}

/* ---- The second look ----------------------------------------------------------------------------
 */

static enum dyn_entropy_status suspect_add(
	struct walk *w, struct compare_bytes key, struct dyn_entropy_error *err)
{
	struct suspect s = {.offset = buf_len(&w->keys), .len = key.len};

	if (!buf_append(&w->keys, key.bytes, key.len) || !buf_append(&w->suspects, &s, sizeof(s)))
		return error_no_memory(err);
	return DYN_ENTROPY_OK;
}

static int by_key(const void *a, const void *b, void *keys)
{
	const struct suspect *x = a, *y = b;
	const uint8_t *bytes = keys;
	int order = memcmp(bytes + x->offset, bytes + y->offset, x->len < y->len ? x->len : y->len);

	if (order != 0)
		return order;
	return (x->len > y->len) - (x->len < y->len);
}

/* Room for n keys to look at. */
static struct compare_look *looks_for(struct walk *w, size_t n)
{
	buf_clear(&w->looks);
	return (struct compare_look *)(void *)buf_reserve(
		&w->looks, (n > 0 ? n : 1) * sizeof(struct compare_look));
}

static void count_verdict(struct walk *w, const struct compare_look *k)
{
	w->result->second_looks++;
	w->result->verdicts[k->verdict]++;
	if (k->verdict != COMPARE_SAME && w->options->difference != NULL)
		w->options->difference(
			w->options->difference_arg, k->verdict, k->key.bytes, k->key.len);
}

static enum dyn_entropy_status look_again(struct walk *w, struct dyn_entropy_error *err)
{
	struct suspect *suspects = (struct suspect *)(void *)w->suspects.data;
	size_t n = buf_len(&w->suspects) / sizeof(*suspects);
	char *keys = (char *)w->keys.data;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (n > 0)
		qsort_r(suspects, n, sizeof(*suspects), by_key, keys);
	for (size_t i = 0; i < n && status == DYN_ENTROPY_OK;) {
		struct compare_look *looks = looks_for(w, LOOK_KEYS);
		size_t batch = 0;

		if (looks == NULL)
			return error_no_memory(err);
		for (; i < n && batch < LOOK_KEYS; i++) {
			/* A scan may return a key twice. */
			if (i > 0 && by_key(&suspects[i - 1], &suspects[i], keys) == 0)
				continue;
			looks[batch++].key =
				(struct compare_bytes){keys + suspects[i].offset, suspects[i].len};
		}
		status = compare_look_at(&w->pair, looks, batch, &w->result->bytes, err);
		for (size_t k = 0; k < batch && status == DYN_ENTROPY_OK; k++)
			count_verdict(w, &looks[k]);
		tell_progress(w);
	}
	buf_clear(&w->keys);
	buf_clear(&w->suspects);
	return status;
}

static enum dyn_entropy_status look_again_if_full(struct walk *w, struct dyn_entropy_error *err)
{
	if (buf_len(&w->keys) < SUSPECTS_BYTES_MAX &&
		buf_len(&w->suspects) < SUSPECTS_MAX * sizeof(struct suspect))
		return DYN_ENTROPY_OK;
	return look_again(w, err);
}

/* ---- The first look: a scan of A, then a scan of B
 * -------------------------
 */

static enum dyn_entropy_status look_at_page(
	struct walk *w, const redisReply *keys, struct dyn_entropy_error *err)
{
	struct compare_look *looks = looks_for(w, keys->elements);
	enum dyn_entropy_status status;

	if (looks == NULL)
		return error_no_memory(err);
	for (size_t i = 0; i < keys->elements; i++)
		looks[i].key = (struct compare_bytes){keys->element[i]->str, keys->element[i]->len};
	status = compare_look_at(&w->pair, looks, keys->elements, &w->result->bytes, err);
	for (size_t i = 0; i < keys->elements && status == DYN_ENTROPY_OK; i++) {
		if (looks[i].verdict != COMPARE_SAME)
			status = suspect_add(w, looks[i].key, err);
	}
	return status;
}

/* Count how many of the keys exist in A, with one command. */
static enum dyn_entropy_status count_in_a(
	struct walk *w, const redisReply *keys, uint64_t *count, struct dyn_entropy_error *err)
{
	struct compare_command c;
	enum dyn_entropy_status status;
	redisReply *r;

	compare_command_begin(&c, "EXISTS");
	status = compare_pair_items(&w->pair, SIDE_A, &c, keys, 1, &r, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (r->type != REDIS_REPLY_INTEGER)
		status = compare_pair_refused(&w->pair, SIDE_A, "EXISTS", r, err);
	else
		*count = (uint64_t)r->integer;
	freeReplyObject(r);
	return status;
}

static enum dyn_entropy_status suspect_missing(
	struct walk *w, const redisReply *keys, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	struct compare_command c;

	for (size_t i = 0; i < keys->elements && status == DYN_ENTROPY_OK; i++) {
		compare_command_begin(&c, "EXISTS");
		compare_command_bytes(&c, keys->element[i]->str, keys->element[i]->len);
		status = compare_pair_ask(&w->pair, SIDE_A, &c, err);
	}
	for (size_t i = 0; i < keys->elements && status == DYN_ENTROPY_OK; i++) {
		const redisReply *key = keys->element[i];
		redisReply *r;

		status = redis_conn_reply(w->pair.side[SIDE_A], &r, err);
		if (status != DYN_ENTROPY_OK)
			break;
		if (r->type != REDIS_REPLY_INTEGER)
			status = compare_pair_refused(&w->pair, SIDE_A, "EXISTS", r, err);
		else if (r->integer == 0)
			status = suspect_add(w, (struct compare_bytes){key->str, key->len}, err);
		freeReplyObject(r);
	}
	return status;
}

/* Keys of B that A lacks; the others were compared in the scan of A. */
static enum dyn_entropy_status find_missing(
	struct walk *w, const redisReply *keys, struct dyn_entropy_error *err)
{
	uint64_t count = 0;
	enum dyn_entropy_status status;

	if (keys->elements == 0)
		return DYN_ENTROPY_OK;
	status = count_in_a(w, keys, &count, err);
	if (status != DYN_ENTROPY_OK || count == keys->elements)
		return status;
	return suspect_missing(w, keys, err);
}

/* Take out the keys that a node marks its own Redis with. */
static void drop_markers(redisReply *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < keys->elements; i++) {
		redisReply *key = keys->element[i];

		if (marker_is_key(key->str, key->len))
			freeReplyObject(key);
		else
			keys->element[kept++] = key;
	}
	keys->elements = kept;
}

static enum dyn_entropy_status walk_side(struct walk *w, int side, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	char cursor[24] = "0";
	struct compare_command c;

	do {
		redisReply *page;

		compare_command_begin(&c, "SCAN");
		compare_command_text(&c, cursor);
		compare_command_text(&c, "COUNT");
		compare_command_number(&c, SCAN_COUNT);
		status = compare_pair_one(&w->pair, side, &c, &page, err);
		if (status != DYN_ENTROPY_OK)
			break;
		if (!compare_reply_is_page(page)) {
			status = compare_pair_refused(&w->pair, side, "SCAN", page, err);
		} else {
			snprintf(cursor, sizeof(cursor), "%s", page->element[0]->str);
			drop_markers(page->element[1]);
			status = side == SIDE_A ? look_at_page(w, page->element[1], err)
						: find_missing(w, page->element[1], err);
			w->result->keys[side] += page->element[1]->elements;
		}
		freeReplyObject(page);
		tell_progress(w);
		if (status == DYN_ENTROPY_OK)
			status = look_again_if_full(w, err);
	} while (status == DYN_ENTROPY_OK && strcmp(cursor, "0") != 0);
	return status;
}

static enum dyn_entropy_status expect_sizes(struct walk *w, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	enum dyn_entropy_status status;

	compare_command_begin(&c, "DBSIZE");
	status = compare_pair_both(&w->pair, &c, replies, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	for (int side = 0; side < SIDES; side++) {
		if (replies[side]->type == REDIS_REPLY_INTEGER)
			w->result->keys_expected[side] = (uint64_t)replies[side]->integer;
	}
	compare_replies_free(replies);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status compare_run(const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, const struct compare_options *options,
	struct compare_result *result, struct dyn_entropy_error *err)
{
	struct walk w = {.options = options, .result = result, .started_us = clock_monotonic_us()};
	enum dyn_entropy_status status;

	memset(result, 0, sizeof(*result));
	status = compare_pair_open(&w.pair, a, b, err);
	if (status == DYN_ENTROPY_OK)
		status = expect_sizes(&w, err);
	for (int side = 0; side < SIDES && status == DYN_ENTROPY_OK; side++)
		status = walk_side(&w, side, err);
	if (status == DYN_ENTROPY_OK)
		status = look_again(&w, err);
	result->seconds = (double)(clock_monotonic_us() - w.started_us) / 1e6;
	compare_pair_close(&w.pair);
	buf_fini(&w.keys);
	buf_fini(&w.suspects);
	buf_fini(&w.looks);
	return status;
}
