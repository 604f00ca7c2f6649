#include "tools/compare_chunks.h"

#include <stdio.h>
#include <string.h>

/* Up to this many pending entries in the largest group, XINFO STREAM FULL is used to read them all.
 */
#define FULL_PENDING_MAX 1000

/*
 * Fields of XINFO that are not content: memory layout, derived values, and how long ago a consumer
 * was active.  The first and last entry are compared by XRANGE; their fields are not a map, since a
 * name may occur twice.
 */
static const char *const not_content[] = {"radix-tree-keys", "radix-tree-nodes", "first-entry",
	"last-entry", "lag", "idle", "inactive", "seen-time", "active-time"};

static bool is_content(const redisReply *name)
{
	for (size_t i = 0; i < sizeof(not_content) / sizeof(not_content[0]); i++) {
		if (strcmp(name->str, not_content[i]) == 0)
			return false;
	}
	return true;
}

static bool is_text(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
}

/* XINFO returns a map as an array of name, value, name, value, ... */
static bool is_map(const redisReply *r)
{
	if (r->type != REDIS_REPLY_ARRAY || r->elements == 0 || r->elements % 2 != 0)
		return false;
	for (size_t i = 0; i < r->elements; i += 2) {
		if (!is_text(r->element[i]))
			return false;
	}
	return true;
}

static const redisReply *map_get(const redisReply *map, const char *name)
{
	for (size_t i = 0; i + 1 < map->elements; i += 2) {
		if (is_text(map->element[i]) && strcmp(map->element[i]->str, name) == 0)
			return map->element[i + 1];
	}
	return NULL;
}

static int64_t map_number(const redisReply *map, const char *name)
{
	const redisReply *r = map_get(map, name);

	return r != NULL && r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
}

/* Replies are at most five deep. */
static bool info_equal(const redisReply *a, const redisReply *b)
{
	if (a->type != REDIS_REPLY_ARRAY || b->type != REDIS_REPLY_ARRAY)
		return compare_replies_equal(a, b);
	if (is_map(a) && is_map(b)) {
		for (size_t i = 0; i < a->elements; i += 2) {
			const redisReply *other = map_get(b, a->element[i]->str);

			/* Another version may have other names. */
			if (other != NULL && is_content(a->element[i]) &&
				!info_equal(a->element[i + 1], other))
				return false;
		}
		return true;
	}
	if (a->elements != b->elements)
		return false;
	for (size_t i = 0; i < a->elements; i++) {
		if (!info_equal(a->element[i], b->element[i]))
			return false;
	}
	return true;
}

/* *length, if not NULL, is set to the value's length in A. */
static enum dyn_entropy_status compare_info(struct compare_value *v,
	const struct compare_command *c, uint64_t *length, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	enum dyn_entropy_status status = compare_chunks_both(v, c, REDIS_REPLY_ARRAY, replies, err);

	if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
		return status;
	if (length != NULL)
		*length = (uint64_t)map_number(replies[SIDE_A], "length");
	if (!info_equal(replies[SIDE_A], replies[SIDE_B]))
		v->verdict = COMPARE_OTHER_VALUE;
	compare_replies_free(replies);
	return DYN_ENTROPY_OK;
}

/* XINFO what key ... */
static void info_command(const struct compare_value *v, struct compare_command *c, const char *what)
{
	compare_command_begin(c, "XINFO");
	compare_command_text(c, what);
	compare_command_bytes(c, v->key.bytes, v->key.len);
}

static bool pending_equal(const redisReply *a, const redisReply *b)
{
	if (a->elements != b->elements)
		return false;
	for (size_t i = 0; i < a->elements; i++) {
		const redisReply *x = a->element[i], *y = b->element[i];

		/* id, consumer, milliseconds since the delivery, deliveries */
		if (x->elements != 4 || y->elements != 4 ||
			!compare_replies_equal(x->element[0], y->element[0]) ||
			!compare_replies_equal(x->element[1], y->element[1]) ||
			!compare_replies_equal(x->element[3], y->element[3]))
			return false;
	}
	return true;
}

/* Set the start of the next page: after the id that begins the last element of page. */
static bool next_page(const redisReply *page, uint64_t count, char start[48])
{
	const redisReply *last;

	if (page->elements < count)
		return false;
	last = page->element[page->elements - 1];
	if (last->type != REDIS_REPLY_ARRAY || last->elements == 0 || !is_text(last->element[0]))
		return false;
	snprintf(start, 48, "(%s", last->element[0]->str);
	return true;
}

/* Compare the pages of XRANGE (group NULL), or of XPENDING of a group, of count entries each. */
static enum dyn_entropy_status pages(struct compare_value *v, const struct compare_bytes *group,
	uint64_t count, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	char start[48] = "-";
	bool more = true;

	while (more) {
		enum dyn_entropy_status status;
		bool same;

		compare_chunks_command(v, &c, group != NULL ? "XPENDING" : "XRANGE");
		if (group != NULL)
			compare_command_bytes(&c, group->bytes, group->len);
		compare_command_text(&c, start);
		compare_command_text(&c, "+");
		if (group == NULL)
			compare_command_text(&c, "COUNT");
		compare_command_number(&c, count);
		status = compare_chunks_both(v, &c, REDIS_REPLY_ARRAY, replies, err);
		if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
			return status;
		same = group != NULL ? pending_equal(replies[SIDE_A], replies[SIDE_B])
				     : compare_replies_equal(replies[SIDE_A], replies[SIDE_B]);
		if (!same)
			v->verdict = COMPARE_OTHER_VALUE;
		more = same && next_page(replies[SIDE_A], count, start);
		compare_replies_free(replies);
	}
	return DYN_ENTROPY_OK;
}

/* Compare groups with many pending entries: their consumers, and the entries page by page. */
static enum dyn_entropy_status large_groups(
	struct compare_value *v, const redisReply *groups, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	struct compare_command c;

	for (size_t i = 0; i < groups->elements; i++) {
		const redisReply *name = map_get(groups->element[i], "name");
		struct compare_bytes group;

		if (name == NULL || !is_text(name))
			continue;
		group = (struct compare_bytes){name->str, name->len};
		info_command(v, &c, "CONSUMERS");
		compare_command_bytes(&c, group.bytes, group.len);
		status = compare_info(v, &c, NULL, err);
		if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME)
			status = pages(v, &group, COMPARE_CHUNK_ITEMS, err);
		if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
			break;
	}
	return status;
}

/* Compare groups with at most `pending` pending entries each, in one reply with delivery times. */
static enum dyn_entropy_status small_groups(
	struct compare_value *v, uint64_t pending, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	enum dyn_entropy_status status;

	info_command(v, &c, "STREAM");
	compare_command_text(&c, "FULL");
	compare_command_text(&c, "COUNT");
	compare_command_number(&c, pending > 0 ? pending : 1); /* 0 would mean all entries */
	status = compare_chunks_both(v, &c, REDIS_REPLY_ARRAY, replies, err);
	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME) {
		const redisReply *a = map_get(replies[SIDE_A], "groups");
		const redisReply *b = map_get(replies[SIDE_B], "groups");

		if (a == NULL || b == NULL || !info_equal(a, b))
			v->verdict = COMPARE_OTHER_VALUE;
	}
	compare_replies_free(replies);
	return status;
}

static enum dyn_entropy_status compare_groups(
	struct compare_value *v, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;
	uint64_t most = 0;
	enum dyn_entropy_status status;

	info_command(v, &c, "GROUPS");
	status = compare_chunks_both(v, &c, REDIS_REPLY_ARRAY, replies, err);
	if (status != DYN_ENTROPY_OK || v->verdict != COMPARE_SAME)
		return status;
	if (!info_equal(replies[SIDE_A], replies[SIDE_B])) {
		v->verdict = COMPARE_OTHER_VALUE;
		goto done;
	}
	for (size_t i = 0; i < replies[SIDE_A]->elements; i++) {
		int64_t pending = map_number(replies[SIDE_A]->element[i], "pending");

		if (pending > 0 && (uint64_t)pending > most)
			most = (uint64_t)pending;
	}
	if (replies[SIDE_A]->elements == 0)
		goto done;
	status = most > FULL_PENDING_MAX ? large_groups(v, replies[SIDE_A], err)
					 : small_groups(v, most, err);
done:
	compare_replies_free(replies);
	return status;
}

enum dyn_entropy_status compare_chunks_stream(
	struct compare_value *v, struct dyn_entropy_error *err)
{
	struct compare_command c;
	uint64_t length = 0;
	enum dyn_entropy_status status;

	info_command(v, &c, "STREAM");
	status = compare_info(v, &c, &length, err);
	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME)
		status = compare_groups(v, err);
	if (status == DYN_ENTROPY_OK && v->verdict == COMPARE_SAME)
		status = pages(v, NULL, compare_chunks_items(v, length), err);
	return status;
}
