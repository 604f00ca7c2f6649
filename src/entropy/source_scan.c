#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/redis_conn.h"
#include "entropy/redis_words.h"
#include "entropy/scan_pace.h"
#include "entropy/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_SIZE 24 /* a decimal uint64_t */

/* The first byte of a DUMP payload is the type; these two are a module's. */
#define DUMP_TYPE_MODULE   6
#define DUMP_TYPE_MODULE_2 7

/* Keys as replies, owned, first in first out. */
struct key_queue {
	redisReply **keys;
	size_t begin, end, cap;
};

/*
 * One request to Redis dumps a batch of keys in a transaction and asks SCAN for more keys.  What
 * came of it stays until the segment has taken it: values beyond the segment's end wait for the
 * next one.
 */
struct scan {
	struct redis_conn *conn;          /* NULL once it has failed */
	const dyn_entropy_cancel *cancel; /* borrowed */
	bool (*owns)(void *arg, const void *key, size_t len);
	void *owns_arg;
	struct segment segment;
	struct scan_pace pace;
	bool has_pexpiretime;     /* Redis 7 */
	char cursor[CURSOR_SIZE]; /* of the next SCAN */
	bool cursor_done;
	struct key_queue queue;                 /* not dumped yet */
	redisReply *batch[SCAN_PACE_BATCH_MAX]; /* the keys asked for */
	size_t batch_n, batch_next;             /* their number; the first not in a segment */
	redisReply *values;                     /* what EXEC said to them */
	uint64_t keys, bytes, dbsize, owned;
	uint64_t not_owned, too_large, of_modules;
};

/* ---- The queue of keys ---- */

static size_t queue_len(const struct key_queue *q)
{
	return q->end - q->begin;
}

/* Takes the key over, also when it fails. */
static bool queue_push(struct key_queue *q, redisReply *key)
{
	if (q->end == q->cap && q->begin > 0) {
		memmove(q->keys, q->keys + q->begin, queue_len(q) * sizeof(*q->keys));
		q->end -= q->begin;
		q->begin = 0;
	}
	if (q->end == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : SCAN_PACE_BATCH_MAX;
		redisReply **grown = realloc(q->keys, cap * sizeof(*grown));

		if (!grown) {
			freeReplyObject(key);
			return false;
		}
		q->keys = grown;
		q->cap = cap;
	}
	q->keys[q->end++] = key;
	return true;
}

static void queue_fini(struct key_queue *q)
{
	while (q->begin < q->end)
		freeReplyObject(q->keys[q->begin++]);
	free(q->keys);
}

/* ---- Requests ---- */

static enum dyn_entropy_status append_word(
	struct scan *s, const char *word, struct dyn_entropy_error *err)
{
	return redis_conn_append(s->conn, 1, &word, NULL, err);
}

static enum dyn_entropy_status append_key_command(
	struct scan *s, const char *name, const redisReply *key, struct dyn_entropy_error *err)
{
	const char *argv[] = {name, key->str};
	size_t len[] = {strlen(name), key->len};

	return redis_conn_append(s->conn, 2, argv, len, err);
}

/* The batch in one transaction: nothing can come between a value and its deadline. */
static enum dyn_entropy_status append_batch(struct scan *s, struct dyn_entropy_error *err)
{
	const char *deadline = s->has_pexpiretime ? "PEXPIRETIME" : "PTTL";
	enum dyn_entropy_status status = append_word(s, "MULTI", err);

	if (status == DYN_ENTROPY_OK && !s->has_pexpiretime)
		status = append_word(s, "TIME", err);
	for (size_t i = 0; status == DYN_ENTROPY_OK && i < s->batch_n; i++) {
		status = append_key_command(s, "DUMP", s->batch[i], err);
		if (status == DYN_ENTROPY_OK)
			status = append_key_command(s, deadline, s->batch[i], err);
	}
	return status == DYN_ENTROPY_OK ? append_word(s, "EXEC", err) : status;
}

static enum dyn_entropy_status append_scan(struct scan *s, struct dyn_entropy_error *err)
{
	char count[CURSOR_SIZE];
	const char *argv[] = {"SCAN", s->cursor, "COUNT", count};

	snprintf(count, sizeof(count), "%u", s->pace.batch_max);
	return redis_conn_append(s->conn, 4, argv, NULL, err);
}

/* ---- Replies ---- */

/*
 * The replies up to EXEC's, which becomes s->values.  When Redis turns a command down, its first
 * word on that says more than that of EXEC.
 */
static enum dyn_entropy_status read_batch(struct scan *s, struct dyn_entropy_error *err)
{
	size_t n_exec = 2 * s->batch_n + (s->has_pexpiretime ? 0 : 1);
	enum dyn_entropy_status status;
	redisReply *reply = NULL;

	for (size_t i = 0; i < n_exec + 1; i++) {
		status = redis_conn_reply(s->conn, &reply, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		if (reply->type != REDIS_REPLY_STATUS)
			status = redis_conn_refused(s->conn, "reading keys", reply, err);
		freeReplyObject(reply);
		if (status != DYN_ENTROPY_OK)
			return status;
	}
	status = redis_conn_reply(s->conn, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == n_exec) {
		s->values = reply;
		return DYN_ENTROPY_OK;
	}
	status = redis_conn_refused(s->conn, "reading keys (EXEC)", reply, err);
	freeReplyObject(reply);
	return status;
}

static enum dyn_entropy_status take_keys(
	struct scan *s, redisReply *keys, struct dyn_entropy_error *err)
{
	for (size_t i = 0; i < keys->elements; i++) {
		redisReply *key = keys->element[i];

		if (key->type != REDIS_REPLY_STRING)
			return redis_conn_refused(s->conn, "SCAN", key, err);
		if (s->owns && !s->owns(s->owns_arg, key->str, key->len)) {
			s->not_owned++;
			continue;
		}
		s->owned++;
		keys->element[i] = NULL;
		if (!queue_push(&s->queue, key))
			return error_no_memory(err);
	}
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status read_scan(struct scan *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	redisReply *reply = NULL;

	status = redis_conn_reply(s->conn, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		reply->element[0]->type == REDIS_REPLY_STRING &&
		reply->element[0]->len < sizeof(s->cursor) &&
		reply->element[1]->type == REDIS_REPLY_ARRAY) {
		snprintf(s->cursor, sizeof(s->cursor), "%s", reply->element[0]->str);
		s->cursor_done = strcmp(s->cursor, "0") == 0;
		status = take_keys(s, reply->element[1], err);
	} else {
		status = redis_conn_refused(s->conn, "SCAN", reply, err);
	}
	freeReplyObject(reply);
	return status;
}

/* ---- A batch, and what becomes of it ---- */

static void measure_batch(struct scan *s, int64_t begin_us)
{
	struct scan_pace_batch done = {
		.keys = (uint32_t)s->batch_n, .begin_us = begin_us, .end_us = clock_monotonic_us()};

	for (size_t i = 0; s->values && i < s->values->elements; i++) {
		const redisReply *r = s->values->element[i];

		if (r->type != REDIS_REPLY_STRING)
			continue;
		done.bytes += r->len;
		if (r->len > done.largest_bytes)
			done.largest_bytes = r->len;
	}
	scan_pace_done(&s->pace, &done);
}

/* Send one request, as soon as the pace allows, and read what Redis says to it. */
static enum dyn_entropy_status exchange(struct scan *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	int64_t begin_us;
	bool more;

	if (cancel_sleep_until(s->cancel, s->pace.next_us))
		return error_cancelled(err);
	while (s->batch_n < s->pace.batch && queue_len(&s->queue) > 0)
		s->batch[s->batch_n++] = s->queue.keys[s->queue.begin++];
	more = !s->cursor_done && queue_len(&s->queue) < s->pace.batch_max;
	begin_us = clock_monotonic_us();
	if (s->batch_n > 0)
		status = append_batch(s, err);
	if (status == DYN_ENTROPY_OK && more)
		status = append_scan(s, err);
	if (status == DYN_ENTROPY_OK && s->batch_n > 0)
		status = read_batch(s, err);
	if (status == DYN_ENTROPY_OK && more)
		status = read_scan(s, err);
	if (status == DYN_ENTROPY_OK)
		measure_batch(s, begin_us);
	return status;
}

static void drop_batch(struct scan *s)
{
	for (size_t i = 0; i < s->batch_n; i++)
		freeReplyObject(s->batch[i]);
	if (s->values)
		freeReplyObject(s->values);
	s->values = NULL;
	s->batch_n = 0;
	s->batch_next = 0;
}

/* The absolute deadline in a reply, 0 for none.  False when the key is gone. */
static bool deadline_of(const struct scan *s, const redisReply *r, int64_t *deadline_ms)
{
	*deadline_ms = 0;
	if (r->integer == -1)
		return true;
	if (r->integer < 0)
		return false;
	*deadline_ms = r->integer;
	if (!s->has_pexpiretime) {
		const redisReply *time = s->values->element[0];

		if (time->type != REDIS_REPLY_ARRAY || time->elements != 2)
			return false;
		*deadline_ms += strtoll(time->element[0]->str, NULL, 10) * 1000 +
				strtoll(time->element[1]->str, NULL, 10) / 1000;
	}
	return true;
}

/* Put the key at batch_next into the segment.  *full when it has no room for it any more. */
static enum dyn_entropy_status place(struct scan *s, bool *full, struct dyn_entropy_error *err)
{
	const redisReply *key = s->batch[s->batch_next];
	size_t at = 2 * s->batch_next + (s->has_pexpiretime ? 0 : 1);
	redisReply *value = s->values->element[at];
	const redisReply *deadline = s->values->element[at + 1];
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	int64_t deadline_ms;

	if (value->type != REDIS_REPLY_STRING && value->type != REDIS_REPLY_NIL)
		return redis_conn_refused(s->conn, "DUMP", value, err);
	if (deadline->type != REDIS_REPLY_INTEGER)
		return redis_conn_refused(s->conn, "PEXPIRETIME", deadline, err);
	if (value->type == REDIS_REPLY_NIL || !deadline_of(s, deadline, &deadline_ms))
		return DYN_ENTROPY_OK; /* it has vanished since SCAN named it */
	if (value->len > SEGMENT_PAYLOAD_MAX) {
		s->too_large++;
	} else if (value->len > 0 &&
		   (value->str[0] == DUMP_TYPE_MODULE || value->str[0] == DUMP_TYPE_MODULE_2)) {
		s->of_modules++;
	} else if (!segment_fits(&s->segment, key->len, value->len)) {
		*full = true;
		return DYN_ENTROPY_OK;
	} else {
		status = segment_add(
			&s->segment, key->str, key->len, deadline_ms, value->str, value->len, err);
	}
	/* A large one is not kept any longer than it must. */
	freeReplyObject(value);
	s->values->element[at] = NULL;
	return status;
}

static enum dyn_entropy_status fill_segment(struct scan *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	bool full = false;

	for (;;) {
		while (s->batch_next < s->batch_n) {
			status = place(s, &full, err);
			if (status != DYN_ENTROPY_OK || full)
				return status;
			s->batch_next++;
		}
		drop_batch(s);
		if (s->cursor_done && queue_len(&s->queue) == 0)
			return DYN_ENTROPY_OK;
		status = exchange(s, err);
		if (status != DYN_ENTROPY_OK)
			return status;
	}
}

/* ---- The source ---- */

static enum dyn_entropy_status scan_next(
	void *self, uint32_t *len_bytes, struct dyn_entropy_error *err)
{
	struct scan *s = self;
	enum dyn_entropy_status status;

	*len_bytes = 0;
	if (!s->conn)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE, "the scan has failed before");
	segment_clear(&s->segment);
	status = fill_segment(s, err);
	if (status != DYN_ENTROPY_OK) {
		redis_conn_free(s->conn);
		s->conn = NULL;
		return status;
	}
	if (s->segment.keys == 0)
		return DYN_ENTROPY_END;
	*len_bytes = (uint32_t)spool_len(s->segment.spool);
	s->keys += s->segment.keys;
	s->bytes += *len_bytes;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status scan_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct scan *s = self;

	return spool_read(s->segment.spool, buf, cap, len, err);
}

static void scan_totals(void *self, struct dyn_entropy_source_totals *t)
{
	const struct scan *s = self;
	uint64_t seen = s->owned + s->not_owned;

	memset(t, 0, sizeof(*t));
	t->keys = s->keys;
	t->not_owned = s->not_owned;
	t->not_carried = s->too_large + s->of_modules;
	t->keys_expected = s->dbsize;
	if (seen > 0)
		t->keys_expected = (uint64_t)((double)s->dbsize * (double)s->owned / (double)seen);
	if (t->keys_expected < s->keys)
		t->keys_expected = s->keys;
	if (s->keys > 0)
		t->bytes_expected =
			(uint64_t)((double)s->bytes * (double)t->keys_expected / (double)s->keys);
	if (s->too_large)
		snprintf(t->not_carried_what, sizeof(t->not_carried_what),
			"%" PRIu64 " values larger than 512 MiB", s->too_large);
	if (s->of_modules) {
		size_t n = strlen(t->not_carried_what);

		snprintf(t->not_carried_what + n, sizeof(t->not_carried_what) - n,
			"%s%" PRIu64 " values of modules", n ? ", " : "", s->of_modules);
	}
}

static void scan_free(void *self)
{
	struct scan *s = self;

	drop_batch(s);
	queue_fini(&s->queue);
	segment_fini(&s->segment);
	redis_conn_free(s->conn);
	free(s);
}

/* Ask how many keys there are, and whether Redis knows PEXPIRETIME; time the answers. */
static enum dyn_entropy_status get_acquainted(
	struct scan *s, uint64_t max_rate, struct dyn_entropy_error *err)
{
	const char *dbsize[] = {"DBSIZE"};
	const char *pexpiretime[] = {"PEXPIRETIME", ""};
	int64_t begin_us = clock_monotonic_us();
	enum dyn_entropy_status status;
	redisReply *reply = NULL;

	status = redis_conn_call(s->conn, 1, dbsize, NULL, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	scan_pace_init(&s->pace, max_rate, clock_monotonic_us() - begin_us);
	/* It is only for the progress: a user that may not ask for it can still scan. */
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		s->dbsize = (uint64_t)reply->integer;
	freeReplyObject(reply);
	status = redis_conn_call(s->conn, 2, pexpiretime, NULL, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	s->has_pexpiretime = reply->type == REDIS_REPLY_INTEGER;
	freeReplyObject(reply);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_source_scan(const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	static const struct dyn_entropy_source_ops ops = {
		.next = scan_next, .read = scan_read, .totals = scan_totals, .free = scan_free};
	static const struct dyn_entropy_source_options defaults;
	const struct dyn_entropy_source_options *o = options ? options : &defaults;
	uint32_t limit = o->segment_bytes ? o->segment_bytes : DYN_ENTROPY_DEFAULT_SEGMENT_BYTES;
	struct scan *s = calloc(1, sizeof(*s));
	enum dyn_entropy_status status;

	memset(out, 0, sizeof(*out));
	if (!s)
		return error_no_memory(err);
	s->cancel = redis->cancel;
	s->owns = o->owns;
	s->owns_arg = o->owns_arg;
	s->cursor[0] = '0';
	status = segment_init(&s->segment,
		limit < DYN_ENTROPY_SNAPSHOT_MAX ? limit : DYN_ENTROPY_SNAPSHOT_MAX, o->spool_dir,
		err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_open(redis, DYN_ENTROPY_ERR_SOURCE, &s->conn, err);
	if (status == DYN_ENTROPY_OK)
		status = get_acquainted(s, o->max_rate, err);
	if (status != DYN_ENTROPY_OK) {
		scan_free(s);
		return status;
	}
	out->ops = &ops;
	out->self = s;
	return DYN_ENTROPY_OK;
}
