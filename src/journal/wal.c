#include "journal/wal_internal.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A batch is ended at this size: a torn one is lost as a whole. */
#define BATCH_BYTES (1U << 20)

/* A broken log is tried again after this. */
#define RETRY_MS 1000

/* ---- Appending ---- */

void wal_break(struct wal *w, const char *doing, int error)
{
	if (!w->broken && !w->mending)
		log_error("the log of writes in %s is broken: %s: %s; the node goes on with its "
			  "journal in memory, and the log is begun again when that works",
			w->dir, doing, strerror(error));
	wal_segment_set_whole(w, false);
	w->broken = true;
	w->mending = w->snapshot = false;
	w->retry_ms = 0;
	buf_clear(&w->out);
	w->in_batch = false;
}

static void end_batch(struct wal *w)
{
	const struct wal_segment *s;
	uint8_t *head;
	size_t len;

	if (!w->in_batch)
		return;
	w->in_batch = false;
	s = &w->segments[w->n_segments - 1];
	head = w->out.data + w->out.pos + w->batch_at;
	len = buf_len(&w->out) - w->batch_at - WAL_BATCH_HEAD;
	wal_batch_seal(head, len, w->id, wal_segment_place(s, s->bytes + w->batch_at));
}

void wal_put(struct wal *w, const struct wal_item *it)
{
	size_t before;

	if (w->broken)
		return;
	if (w->in_batch && buf_len(&w->out) - w->batch_at > BATCH_BYTES)
		end_batch(w);
	if (it->r.len + it->r.n_entries * sizeof(*it->r.entries) > WAL_BODY_MAX - 2 * BATCH_BYTES) {
		wal_break(w, "a record is too large", EFBIG);
		return;
	}
	if (!w->in_batch) {
		w->batch_at = buf_len(&w->out);
		if (!buf_reserve(&w->out, WAL_BATCH_HEAD)) {
			wal_break(w, "a record", ENOMEM);
			return;
		}
		buf_commit(&w->out, WAL_BATCH_HEAD);
		w->in_batch = true;
	}
	before = buf_len(&w->out);
	if (!wal_item_write(&w->out, it))
		wal_break(w, "a record", ENOMEM);
	w->item_len = buf_len(&w->out) - before;
}

uint64_t wal_put_record(struct wal *w, struct wal_item *it)
{
	it->position = ++w->position;
	wal_put(w, it);
	return it->position;
}

void wal_put_answers(struct wal *w)
{
	for (size_t i = 0; i < w->n_answering; i++) {
		struct wal_lane *l = &w->lanes[w->answering[i]];
		struct wal_item it = {.type = WAL_ANSWERED, .lane = w->answering[i]};

		it.back = w->position + 1 - l->answered;
		wal_put_record(w, &it);
		l->answered = 0;
	}
	w->n_answering = 0;
}

/* A write or a repair that is sent. */
static uint64_t append_command(struct wal *w, struct wal_item *it)
{
	const uint8_t *bytes;
	size_t len;

	if (w->lanes[it->lane].answered)
		wal_put_answers(w); /* the key's chain may end with one of them */
	wal_put_record(w, it);
	if (w->broken) {
		buf_clear(&w->item);
		if (!wal_item_write(&w->item, it))
			return w->position;
		bytes = buf_head(&w->item);
		len = buf_len(&w->item);
	} else {
		bytes = w->out.data + w->out.end - w->item_len;
		len = w->item_len;
	}
	if (!wal_queue_push(&w->lanes[it->lane].open, w->position, it, bytes, len))
		wal_break(w, "a record", ENOMEM);
	w->last[it->lane] = w->position;
	return w->position;
}

/* An answer.  Mostly it is that of the oldest command of its lane, which was carried out: of those
 * only the last one is noted, when the turn ends. */
static uint64_t append_answer(struct wal *w, struct wal_item *it)
{
	struct wal_lane *l = &w->lanes[it->lane];
	struct wal_open *o = wal_queue_find(&l->open, it->share, &it->r);

	if (!o)
		return w->position; /* not of this log, or answered by a replay */
	if (it->r.action == JOURNAL_WITHDRAWN || (it->r.mixed && !o->mixed) ||
		o != wal_queue_next(&l->open, NULL)) {
		struct wal_item answer = {
			.type = WAL_ANSWER,
			.lane = it->lane,
			.r = {.action = it->r.action, .mixed = it->r.mixed},
		};

		wal_put_answers(w);
		answer.back = w->position + 1 - o->position;
		wal_put_record(w, &answer);
	} else {
		if (!l->answered)
			w->answering[w->n_answering++] = (uint8_t)it->lane;
		l->answered = o->position;
	}
	wal_queue_answer(&l->open, o);
	return w->position;
}

uint64_t wal_append(struct wal *w, uint32_t share, uint32_t lane, const struct journal_record *r)
{
	struct wal_item it = {.share = share, .lane = lane, .r = *r};

	switch (r->action) {
	case JOURNAL_SENT:
	case JOURNAL_REPAIR:
		it.type = WAL_COMMAND;
		return append_command(w, &it);
	case JOURNAL_TAKEN:
	case JOURNAL_WITHDRAWN:
	case JOURNAL_REPAIRED:
		return append_answer(w, &it);
	default:
		/* What is decided after an answer is noted after it. */
		wal_put_answers(w);
		it.type = WAL_RECORD;
		return wal_put_record(w, &it);
	}
}

/* ---- Shares, and what is kept of them ---- */

bool wal_add_share(struct wal *w, uint64_t id)
{
	size_t n = w->n_shares + 1;
	uint64_t *shares = realloc(w->shares, n * sizeof(*shares));
	struct wal_bytes *kept;

	if (!shares)
		return false;
	w->shares = shares;
	kept = realloc(w->kept, n * sizeof(*kept));
	if (!kept)
		return false;
	w->kept = kept;
	memset(&kept[w->n_shares], 0, sizeof(*kept));
	w->shares[w->n_shares++] = id;
	return true;
}

uint32_t wal_share(struct wal *w, uint64_t id)
{
	struct wal_item it = {.type = WAL_SHARE, .n = id};

	for (uint32_t i = 0; i < w->n_shares; i++)
		if (w->shares[i] == id)
			return i;
	if (w->n_shares == WAL_SHARES_MAX || !wal_add_share(w, id))
		return UINT32_MAX;
	it.share = w->n_shares - 1;
	wal_put(w, &it);
	return it.share;
}

uint64_t wal_share_id(const struct wal *w, uint32_t share)
{
	return w->shares[share];
}

void wal_keep(struct wal *w, uint32_t share, const void *bytes, size_t len)
{
	const struct wal_item it = {.type = WAL_KEPT, .share = share, .bytes = bytes, .len = len};
	uint8_t *copy = malloc(len + 1);

	if (!copy || len > WAL_KEPT_MAX) {
		free(copy);
		wal_break(w, "what is kept of a share", copy ? EFBIG : ENOMEM);
		return;
	}
	memcpy(copy, bytes, len);
	free(w->kept[share].bytes);
	w->kept[share] = (struct wal_bytes){copy, len};
	wal_put_answers(w);
	wal_put(w, &it);
}

const void *wal_kept(const struct wal *w, uint32_t share, size_t *len)
{
	*len = w->kept[share].len;
	return w->kept[share].bytes;
}

/* ---- Writing ---- */

bool wal_write_out(struct wal *w)
{
	struct wal_segment *s = &w->segments[w->n_segments - 1];
	size_t left = buf_len(&w->out);
	const uint8_t *at;

	end_batch(w);
	at = buf_head(&w->out);
	while (left > 0) {
		ssize_t n = write(w->fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = errno;

			if (ftruncate(w->fd, (off_t)s->bytes) != 0)
				log_warn("cannot cut off the end of the log of writes in %s: %s",
					w->dir, strerror(errno));
			wal_break(w, "cannot write it", error);
			return false;
		}
		at += n;
		left -= (size_t)n;
	}
	s->bytes += buf_len(&w->out);
	buf_clear(&w->out);
	return true;
}

/* A broken log begins with a new snapshot.  What is older does not go on in it, and takes room. */
static void mend(struct wal *w, int64_t now_ms)
{
	if (w->retry_ms == 0)
		w->retry_ms = now_ms + RETRY_MS; /* the first time, after it broke */
	if (now_ms < w->retry_ms)
		return;
	w->retry_ms = now_ms + RETRY_MS;
	wal_segment_remove(w, w->n_segments);
	w->broken = false;
	w->mending = true;
	wal_begin_snapshot(w);
	if (w->broken)
		w->retry_ms = now_ms + RETRY_MS;
}

/* The last segment is big: what it has besides its snapshot is a quarter of all, or as much as the
 * snapshot. */
static bool is_big(const struct wal *w)
{
	const struct wal_segment *s = &w->segments[w->n_segments - 1];
	uint64_t most = w->o.max_bytes / 4;

	if (s->end == WAL_NOT_YET)
		return false;
	return s->bytes - s->snapshot_bytes > (most > s->snapshot_bytes ? most : s->snapshot_bytes);
}

bool wal_flush(struct wal *w, int64_t now_ms)
{
	int error = syncer_failure(w->syncer);

	if (error)
		wal_break(w, "cannot sync it", error);
	if (w->broken) {
		w->n_answering = 0;
		for (size_t i = 0; i < WAL_LANES_MAX; i++)
			w->lanes[i].answered = 0;
		mend(w, now_ms);
		return false;
	}
	wal_put_answers(w);
	if (w->snapshot)
		wal_snapshot_go_on(w);
	if (w->broken)
		return false;
	if (buf_len(&w->out) > 0) {
		if (!wal_write_out(w))
			return false;
		syncer_ask(w->syncer, w->fd, w->position, false); /* else the next one will do */
	}
	if (!w->snapshot && (w->wants_snapshot || is_big(w)))
		wal_begin_snapshot(w);
	return !wal_is_broken(w);
}

/* ---- Views ---- */

bool wal_is_new(const struct wal *w)
{
	return w->is_new;
}

bool wal_is_broken(const struct wal *w)
{
	return w->broken || w->mending;
}

uint64_t wal_id(const struct wal *w)
{
	return w->id;
}

uint64_t wal_lane_position(const struct wal *w, uint32_t lane)
{
	return w->last[lane];
}

uint64_t wal_position(const struct wal *w)
{
	return w->position;
}

uint64_t wal_durable(const struct wal *w)
{
	return syncer_done(w->syncer);
}

void wal_count(const struct wal *w, struct wal_figures *f)
{
	*f = (struct wal_figures){
		.bytes = wal_segment_bytes(w),
		.segments = w->n_segments,
		.snapshots = w->snapshots,
	};
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		f->under_way += w->lanes[i].open.n;
}

/* ---- Beginning and end ---- */

void wal_forget(struct wal *w)
{
	for (size_t i = 0; i < WAL_LANES_MAX; i++) {
		wal_queue_fini(&w->lanes[i].open);
		w->lanes[i].answered = w->last[i] = 0;
	}
	w->n_answering = 0;
	free(w->voids);
	w->voids = NULL;
	w->n_voids = 0;
}

void wal_forget_shares(struct wal *w)
{
	for (uint32_t i = 0; i < w->n_shares; i++)
		free(w->kept[i].bytes);
	free(w->kept);
	free(w->shares);
	w->kept = NULL;
	w->shares = NULL;
	w->n_shares = 0;
}

static void release(struct wal *w)
{
	wal_forget(w);
	wal_forget_shares(w);
	free(w->segments);
	buf_fini(&w->out);
	buf_fini(&w->item);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

void wal_close(struct wal *w)
{
	if (!w)
		return;
	if (!w->broken) {
		wal_put_answers(w);
		if (wal_write_out(w))
			syncer_ask(w->syncer, w->fd, w->position, false);
	}
	syncer_free(w->syncer);
	release(w);
}

struct wal *wal_open(const struct wal_options *o, char why[WAL_WHY_MAX])
{
	struct wal *w = calloc(1, sizeof(*w));

	if (!w || strlen(o->dir) >= sizeof(w->dir)) {
		snprintf(why, WAL_WHY_MAX, "no memory for the log of writes, or a path too long");
		free(w);
		return NULL;
	}
	w->o = *o;
	strcpy(w->dir, o->dir);
	w->o.dir = w->dir;
	w->fd = -1;
	w->syncer = syncer_new(WAL_SYNC_GAP_MS);
	if (!w->syncer) {
		snprintf(why, WAL_WHY_MAX, "no thread or memory for the log of writes");
		release(w);
		return NULL;
	}
	if (!wal_open_read(w, why)) {
		syncer_free(w->syncer);
		release(w);
		return NULL;
	}
	return w;
}
