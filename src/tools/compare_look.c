#include "tools/compare_look.h"

#include "base/clock.h"

#include <string.h>

/* Larger values are compared in chunks. */
#define LARGE_BYTES ((uint64_t)512 * 1024)

/* The most bytes of values requested at a time, which Redis and the kernel may have to buffer. */
#define BATCH_BYTES ((uint64_t)4 * 1024 * 1024)

/* After the value in a DUMP: two bytes of RDB version, and a checksum. */
#define DUMP_FOOTER 10

typedef enum dyn_entropy_status (*answer_fn)(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err);

struct stage {
	bool (*wants)(const struct compare_look *k);
	const char *command; /* followed by the key; NULL: depends on its type */
	const char *subcommand;
	answer_fn answer;
	bool reads_values; /* batches are bounded by BATCH_BYTES */
};

/* ---- The stages: which command is sent for which keys, and how replies are used
 * --------------------
 */

static bool wants_any(const struct compare_look *k)
{
	(void)k;
	return true;
}

static bool wants_dump(const struct compare_look *k)
{
	return k->usage <= LARGE_BYTES;
}

static bool wants_value(const struct compare_look *k)
{
	return k->open;
}

static bool wants_whole(const struct compare_look *k)
{
	return k->open && k->type != NULL && k->usage <= LARGE_BYTES;
}

static bool wants_module_dump(const struct compare_look *k)
{
	return k->open && k->type == NULL;
}

static enum dyn_entropy_status take_usage(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	(void)p, (void)bytes, (void)err;
	for (int side = 0; side < SIDES; side++) {
		const redisReply *r = replies[side];

		if (r->type == REDIS_REPLY_INTEGER && (uint64_t)r->integer > k->usage)
			k->usage = (uint64_t)r->integer;
	}
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_deadline(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	(void)bytes;
	for (int side = 0; side < SIDES; side++) {
		if (replies[side]->type != REDIS_REPLY_INTEGER)
			return compare_pair_refused(p, side, "PEXPIRETIME", replies[side], err);
		k->deadline_ms[side] = replies[side]->integer;
		k->there[side] = replies[side]->integer != -2;
	}
	k->open = k->there[SIDE_A] && k->there[SIDE_B];
	return DYN_ENTROPY_OK;
}

static bool same_payload(const redisReply *a, const redisReply *b)
{
	return a->len == b->len && a->len > DUMP_FOOTER &&
	       memcmp(a->str, b->str, a->len - DUMP_FOOTER) == 0;
}

static enum dyn_entropy_status take_dump(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	for (int side = 0; side < SIDES; side++) {
		const redisReply *r = replies[side];

		if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_NIL)
			return compare_pair_refused(p, side, "DUMP", r, err);
		/* The key may have expired or been deleted since its deadline was read. */
		k->there[side] = k->there[side] && r->type == REDIS_REPLY_STRING;
		*bytes += r->len;
	}
	k->open = k->there[SIDE_A] && k->there[SIDE_B];
	if (k->open && same_payload(replies[SIDE_A], replies[SIDE_B]))
		k->open = false;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_module_dump(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = take_dump(p, k, replies, bytes, err);

	/* Different encodings may have the same content, which only the module knows. */
	if (status == DYN_ENTROPY_OK && k->open)
		k->value = COMPARE_UNCLEAR;
	k->open = false;
	return status;
}

static enum dyn_entropy_status take_type(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	(void)bytes;
	for (int side = 0; side < SIDES; side++) {
		if (replies[side]->type != REDIS_REPLY_STATUS)
			return compare_pair_refused(p, side, "TYPE", replies[side], err);
		if (strcmp(replies[side]->str, "none") == 0)
			k->there[side] = k->open = false;
	}
	if (!k->open)
		return DYN_ENTROPY_OK;
	if (strcmp(replies[SIDE_A]->str, replies[SIDE_B]->str) != 0) {
		k->value = COMPARE_OTHER_TYPE;
		k->open = false;
		return DYN_ENTROPY_OK;
	}
	k->type = compare_type_find(replies[SIDE_A]->str);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_whole(struct compare_pair *p, struct compare_look *k,
	redisReply *replies[SIDES], uint64_t *bytes, struct dyn_entropy_error *err)
{
	*bytes += 2 * k->usage;
	k->open = false;
	return compare_type_replies(k->type, p, replies, &k->value, err);
}

/* ---- Running the stages -------------------------------------------------------------------------
 */

/* False when this stage does not ask for the key. */
static bool stage_command(const struct stage *s, const struct compare_pair *p,
	const struct compare_look *k, struct compare_command *c)
{
	if (!s->wants(k))
		return false;
	if (s->command == NULL)
		return compare_type_whole(k->type, p, k->key, c);
	compare_command_begin(c, s->command);
	if (s->subcommand != NULL)
		compare_command_text(c, s->subcommand);
	compare_command_bytes(c, k->key.bytes, k->key.len);
	return true;
}

/* Ask for keys[*at] and later ones, as many as fit in a batch; sets *at to the next key. */
static enum dyn_entropy_status ask_batch(struct compare_pair *p, const struct stage *s,
	struct compare_look *keys, size_t n, size_t *at, struct dyn_entropy_error *err)
{
	uint64_t asked = 0;
	struct compare_command c;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (; *at < n && asked < BATCH_BYTES && status == DYN_ENTROPY_OK; ++*at) {
		if (!stage_command(s, p, &keys[*at], &c))
			continue;
		status = compare_pair_ask_both(p, &c, err);
		if (s->reads_values)
			asked += keys[*at].usage;
	}
	return status == DYN_ENTROPY_OK ? compare_pair_send(p, err) : status;
}

static enum dyn_entropy_status run_stage(struct compare_pair *p, const struct stage *s,
	struct compare_look *keys, size_t n, uint64_t *bytes, struct dyn_entropy_error *err)
{
	redisReply *replies[SIDES];
	struct compare_command c;

	for (size_t next = 0, at = 0; at < n;) {
		enum dyn_entropy_status status = ask_batch(p, s, keys, n, &next, err);

		for (; at < next && status == DYN_ENTROPY_OK; at++) {
			if (!stage_command(s, p, &keys[at], &c))
				continue;
			status = compare_pair_replies(p, replies, err);
			if (status == DYN_ENTROPY_OK)
				status = s->answer(p, &keys[at], replies, bytes, err);
			compare_replies_free(replies);
		}
		if (status != DYN_ENTROPY_OK)
			return status;
	}
	return DYN_ENTROPY_OK;
}

/* Compare the remaining keys, which are too large to be read whole or have no command for that. */
static enum dyn_entropy_status look_in_chunks(struct compare_pair *p, struct compare_look *keys,
	size_t n, uint64_t *bytes, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (size_t i = 0; i < n && status == DYN_ENTROPY_OK; i++) {
		struct compare_look *k = &keys[i];

		if (!k->open)
			continue;
		status = compare_type_chunks(k->type, p, k->key, k->usage, &k->value, err);
		*bytes += 2 * k->usage;
	}
	return status;
}

static enum compare_verdict judge(const struct compare_look *k, int64_t now_ms)
{
	bool there[SIDES];

	for (int side = 0; side < SIDES; side++)
		there[side] = k->there[side] &&
			      (k->deadline_ms[side] < 0 || k->deadline_ms[side] > now_ms);
	if (!there[SIDE_A] && !there[SIDE_B])
		return COMPARE_SAME;
	if (!there[SIDE_A])
		return COMPARE_MISSING_IN_A;
	if (!there[SIDE_B])
		return COMPARE_MISSING_IN_B;
	if (k->value != COMPARE_SAME)
		return k->value;
	if (k->deadline_ms[SIDE_A] != k->deadline_ms[SIDE_B])
		return COMPARE_OTHER_DEADLINE;
	return COMPARE_SAME;
}

enum dyn_entropy_status compare_look_at(struct compare_pair *p, struct compare_look *keys, size_t n,
	uint64_t *bytes, struct dyn_entropy_error *err)
{
	static const struct stage usage = {wants_any, "MEMORY", "USAGE", take_usage, false};
	static const struct stage stages[] = {
		{wants_any, "PEXPIRETIME", NULL, take_deadline, false},
		{wants_dump, "DUMP", NULL, take_dump, true},
		{wants_value, "TYPE", NULL, take_type, false},
		{wants_module_dump, "DUMP", NULL, take_module_dump, true},
		{wants_whole, NULL, NULL, take_whole, true},
	};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	int64_t now_ms;

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct compare_look){.key = keys[i].key};
	if (!p->no_usage)
		status = run_stage(p, &usage, keys, n, bytes, err);
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && status == DYN_ENTROPY_OK; i++)
		status = run_stage(p, &stages[i], keys, n, bytes, err);
	if (status == DYN_ENTROPY_OK)
		status = look_in_chunks(p, keys, n, bytes, err);
	now_ms = clock_wall_ms();
	for (size_t i = 0; i < n; i++)
		keys[i].verdict = judge(&keys[i], now_ms);
	return status;
}
