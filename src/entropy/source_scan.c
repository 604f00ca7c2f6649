#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/redis_conn.h"
#include "entropy/scan_batch.h"
#include "entropy/scan_pace.h"
#include "entropy/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_SIZE 24     /* a decimal uint64_t */
#define TICK_US     100000 /* progress is reported this often during a rest */

/* Values that did not fit into a segment are read again for the next one if they are older then. */
#define LEFT_OVER_MAX_US 1000000

/* Keys as replies, owned, first in first out. */
struct key_queue {
	redisReply **keys;
	size_t begin, end, cap;
};

/*
 * One request dumps a batch of keys in a transaction and asks SCAN for more keys.  Values that do
 * not fit into the segment are kept for the next one.
 */
struct scan {
	struct source source; /* first */
	struct redis_conn *conn;
	struct scan_pace pace;
	char cursor[CURSOR_SIZE]; /* of the next SCAN */
	bool cursor_done;
	struct key_queue queue; /* not dumped yet */
	struct scan_batch batch;
	int64_t read_us; /* when the batch was requested; monotonic */
	uint64_t dbsize, owned;
	uint64_t not_owned, too_large, of_modules;
};

/* ---- The queue of keys ---- */

static size_t queue_len(const struct key_queue *q)
{
	return q->end - q->begin;
}

/* Takes ownership of the key, also on failure. */
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

/* ---- Requests and replies ---- */

static enum dyn_entropy_status append_scan(struct scan *s, struct dyn_entropy_error *err)
{
	char count[CURSOR_SIZE];
	const char *argv[] = {"SCAN", s->cursor, "COUNT", count};

	snprintf(count, sizeof(count), "%u", s->pace.batch_max);
	return redis_conn_append(s->conn, 4, argv, NULL, err);
}

static enum dyn_entropy_status take_keys(
	struct scan *s, redisReply *keys, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_source_options *o = &s->source.options;

	for (size_t i = 0; i < keys->elements; i++) {
		redisReply *key = keys->element[i];

		if (key->type != REDIS_REPLY_STRING)
			return redis_conn_refused(s->conn, "SCAN", key, err);
		if (o->owns && !o->owns(o->owns_arg, key->str, key->len)) {
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
		.keys = (uint32_t)s->batch.n, .begin_us = begin_us, .end_us = clock_monotonic_us()};

	for (size_t i = 0; i < s->batch.n; i++) {
		uint64_t len = s->batch.values[i].payload_len;

		done.bytes += len;
		if (len > done.largest_bytes)
			done.largest_bytes = len;
	}
	scan_pace_done(&s->pace, &done);
}

/* Wait as long as the pace says; true when cancelled. */
static bool rest(struct scan *s)
{
	int64_t now_us = clock_monotonic_us();

	while (now_us < s->pace.next_us) {
		int64_t until_us =
			now_us + TICK_US < s->pace.next_us ? now_us + TICK_US : s->pace.next_us;

		if (cancel_sleep_until(s->source.watch.cancel, until_us) ||
			watch_look(&s->source.watch))
			return true;
		now_us = clock_monotonic_us();
	}
	return watch_look(&s->source.watch);
}

/* Send one request, as soon as the pace allows, and read the replies. */
static enum dyn_entropy_status exchange(struct scan *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	struct scan_batch *b = &s->batch;
	int64_t begin_us;
	bool more;

	if (rest(s))
		return error_cancelled(err);
	while (b->n < s->pace.batch && queue_len(&s->queue) > 0)
		b->keys[b->n++] = s->queue.keys[s->queue.begin++];
	more = !s->cursor_done && queue_len(&s->queue) < s->pace.batch_max;
	s->read_us = begin_us = clock_monotonic_us();
	if (b->n > 0)
		status = scan_batch_ask(b, s->conn, err);
	if (status == DYN_ENTROPY_OK && more)
		status = append_scan(s, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_send(s->conn, NULL, 0, err);
	if (status == DYN_ENTROPY_OK && b->n > 0)
		status = scan_batch_read(b, s->conn, err);
	if (status == DYN_ENTROPY_OK && more)
		status = read_scan(s, err);
	if (status == DYN_ENTROPY_OK)
		measure_batch(s, begin_us);
	return status;
}

/* Put the batch's next key into the segment.  *full: it does not fit. */
static enum dyn_entropy_status place(struct scan *s, bool *full, struct dyn_entropy_error *err)
{
	const redisReply *key = s->batch.keys[s->batch.next];
	const struct scan_value *v = &s->batch.values[s->batch.next];

	switch (v->fate) {
	case SCAN_GONE:
		break;
	case SCAN_TOO_LARGE:
		s->too_large++;
		break;
	case SCAN_OF_MODULE:
		s->of_modules++;
		break;
	case SCAN_PLAIN:
		*full = !segment_fits(&s->source.segment, key->len, v->payload_len);
		if (*full)
			break;
		segment_read_at(&s->source.segment, s->read_us);
		return segment_add_spool(&s->source.segment, key->str, key->len, v->deadline_ms,
			s->batch.payloads, v->payload_len, err);
	}
	return DYN_ENTROPY_OK;
}

/* The rest of the batch has aged while the previous segment was sent. */
static enum dyn_entropy_status read_again_if_old(struct scan *s, struct dyn_entropy_error *err)
{
	if (s->batch.next == s->batch.n || clock_monotonic_us() - s->read_us < LEFT_OVER_MAX_US)
		return DYN_ENTROPY_OK;
	scan_batch_unread(&s->batch);
	return exchange(s, err);
}

/* ---- The source ---- */

static enum dyn_entropy_status scan_fill(struct source *source, struct dyn_entropy_error *err)
{
	struct scan *s = (struct scan *)source;
	enum dyn_entropy_status status = read_again_if_old(s, err);
	bool full = false;

	if (status != DYN_ENTROPY_OK)
		return status;
	for (;;) {
		while (s->batch.next < s->batch.n) {
			status = place(s, &full, err);
			if (status != DYN_ENTROPY_OK || full)
				return status;
			s->batch.next++;
		}
		scan_batch_clear(&s->batch);
		if (s->cursor_done && queue_len(&s->queue) == 0)
			return DYN_ENTROPY_END;
		if (segment_is_due(&source->segment, clock_monotonic_us()) ||
			segment_is_due(&source->segment, s->pace.next_us))
			return DYN_ENTROPY_OK;
		status = exchange(s, err);
		if (status != DYN_ENTROPY_OK)
			return status;
	}
}

static void scan_totals(struct source *source, struct dyn_entropy_source_totals *t)
{
	const struct scan *s = (const struct scan *)source;
	uint64_t seen = s->owned + s->not_owned;

	t->not_owned = s->not_owned;
	t->not_carried = s->too_large + s->of_modules;
	t->keys_expected = s->dbsize;
	if (seen > 0)
		t->keys_expected = (uint64_t)((double)s->dbsize * (double)s->owned / (double)seen);
	if (t->keys_expected < t->keys)
		t->keys_expected = t->keys;
	if (t->keys > 0)
		t->bytes_expected =
			(uint64_t)((double)t->bytes * (double)t->keys_expected / (double)t->keys);
	if (s->too_large)
		snprintf(t->not_carried_what, sizeof(t->not_carried_what),
			"%" PRIu64 " values larger than 512 MiB", s->too_large);
	if (s->of_modules) {
		size_t n = strlen(t->not_carried_what);

		snprintf(t->not_carried_what + n, sizeof(t->not_carried_what) - n,
			"%s%" PRIu64 " values of modules", n ? ", " : "", s->of_modules);
	}
}

static void scan_fini(struct source *source)
{
	struct scan *s = (struct scan *)source;

	scan_batch_fini(&s->batch);
	queue_fini(&s->queue);
	redis_conn_free(s->conn);
}

/* Ask how many keys there are, and whether Redis knows PEXPIRETIME; time the answers. */
static enum dyn_entropy_status probe_redis(
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
	/* Only for the progress: a user without the permission can still scan. */
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		s->dbsize = (uint64_t)reply->integer;
	freeReplyObject(reply);
	status = redis_conn_call(s->conn, 2, pexpiretime, NULL, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	s->batch.has_pexpiretime = reply->type == REDIS_REPLY_INTEGER;
	freeReplyObject(reply);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_source_scan(const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	static const struct source_kind kind = {
		.fill = scan_fill,
		.totals = scan_totals,
		.fini = scan_fini,
	};
	struct dyn_entropy_source_options o;
	struct dyn_entropy_redis endpoint;
	enum dyn_entropy_status status = source_take_redis(&endpoint, &o, redis, options, err);
	struct scan *s;

	memset(out, 0, sizeof(*out));
	if (status != DYN_ENTROPY_OK)
		return status;
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_no_memory(err);
	s->cursor[0] = '0';
	status = source_init(&s->source, &kind, &o, err);
	if (status == DYN_ENTROPY_OK)
		status = scan_batch_init(&s->batch, o.spool_dir, &s->source.watch, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_open(&endpoint, DYN_ENTROPY_ERR_SOURCE, &s->conn, err);
	if (status == DYN_ENTROPY_OK)
		status = probe_redis(s, o.max_rate, err);
	return source_open(&s->source, status, out);
}
