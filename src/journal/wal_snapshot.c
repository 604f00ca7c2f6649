#include "journal/wal_internal.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A part of a snapshot, which the event loop writes in one turn: less than a millisecond. */
#define PART_BYTES 32768
#define PART_KEYS  64

/* ---- The beginning ---- */

static void put_begin(struct wal *w)
{
	struct wal_item it = {.type = WAL_BEGIN, .n = w->position};

	buf_clear(&w->item);
	if (!wal_lanes_write(&w->item, w->last)) {
		wal_break(w, "a snapshot", ENOMEM);
		return;
	}
	it.bytes = buf_head(&w->item);
	it.len = buf_len(&w->item);
	wal_put(w, &it);
}

static void put_limits(struct wal *w, uint32_t share)
{
	const struct journal *j = w->o.journal(w->o.arg, share);
	struct wal_item it = {.type = WAL_PART, .share = share};
	struct journal_limits limits;

	if (!j)
		return;
	limits = journal_get_limits(j);
	it.r.action = JOURNAL_KEPT_LIMITS;
	it.r.limits = &limits;
	wal_put(w, &it);
}

static void put_shares(struct wal *w)
{
	for (uint32_t i = 0; i < w->n_shares; i++) {
		const struct wal_item share = {.type = WAL_SHARE, .share = i, .n = w->shares[i]};
		const struct wal_item kept = {
			.type = WAL_KEPT,
			.share = i,
			.bytes = w->kept[i].bytes,
			.len = w->kept[i].len,
		};

		wal_put(w, &share);
		if (kept.bytes)
			wal_put(w, &kept);
		put_limits(w, i);
	}
}

/* The commands that have no answer yet. */
static void put_open(struct wal *w, const struct wal_queue *q)
{
	struct wal_reader reader = {0};
	const struct wal_open *o = NULL;
	struct wal_item it;
	bool bad;

	while ((o = wal_queue_next(q, o))) {
		reader.at = o->bytes;
		reader.end = o->bytes + o->len;
		if (!wal_item_read(&reader, &it, &bad)) {
			wal_break(w, "a snapshot", ENOMEM);
			break;
		}
		it.type = WAL_OPEN;
		it.position = o->position;
		wal_put(w, &it);
	}
	wal_reader_fini(&reader);
}

void wal_begin_snapshot(struct wal *w)
{
	if (w->broken)
		return;
	w->snapshot = w->wants_snapshot = false;
	wal_put_answers(w);
	if (w->n_segments > 0 && !wal_write_out(w))
		return;
	/* Its first position, which is its name, is another one than that of the last segment. */
	if (w->n_segments > 0 && w->segments[w->n_segments - 1].first == w->position) {
		struct wal_item skip = {.type = WAL_SKIP, .n = 0};

		wal_put_record(w, &skip);
		if (!wal_write_out(w))
			return;
	}
	if (!wal_segment_begin(w)) {
		wal_break(w, "cannot begin a file of it", errno);
		return;
	}
	put_begin(w);
	put_shares(w);
	for (size_t i = 0; i < WAL_LANES_MAX && !w->broken; i++)
		put_open(w, &w->lanes[i].open);
	w->snapshot = !w->broken;
	w->share = 0;
	w->cursor = 0;
	if (!w->broken)
		wal_write_out(w);
}

/* ---- The chains, in parts ---- */

struct part {
	struct wal *wal;
	uint32_t share;
};

static void put_chain(void *arg, const void *key, size_t len, const struct journal_chain *c)
{
	const struct part *p = arg;
	const struct wal_item it = {
		.type = WAL_PART,
		.share = p->share,
		.r = {.action = JOURNAL_KEPT_CHAIN,
			.key = key,
			.len = len,
			.stamp = c->repaired,
			.entries = c->entries,
			.n_entries = c->n},
	};

	if (c->n > 0 || c->repaired)
		wal_put(p->wal, &it);
}

/* ---- The end ---- */

static void put_epochs(struct wal *w, uint32_t share)
{
	const struct journal *j = w->o.journal(w->o.arg, share);
	struct wal_item it = {.type = WAL_PART, .share = share};
	const struct journal_epoch *epochs;
	size_t n;

	if (!j)
		return;
	epochs = journal_epochs(j, &n);
	it.r.action = JOURNAL_KEPT_EPOCH;
	for (size_t i = 0; i < n; i++) {
		it.r.marks = &epochs[i];
		wal_put(w, &it);
	}
	put_limits(w, share);
}

/* With this the snapshot is complete: it is what the journals are now. */
static void end(struct wal *w)
{
	const struct wal_item it = {.type = WAL_END};
	struct wal_segment *s = &w->segments[w->n_segments - 1];
	uint64_t position = w->position;

	for (uint32_t i = 0; i < w->n_shares; i++)
		put_epochs(w, i);
	wal_put(w, &it);
	w->snapshot = false;
	if (w->broken || !wal_write_out(w))
		return;
	s->end = position;
	s->snapshot_bytes = s->bytes;
	w->snapshots++;
	if (w->mending) {
		if (fdatasync(w->fd) != 0 || !wal_segment_set_whole(w, true)) {
			wal_break(w, "cannot sync it", errno);
			return;
		}
		w->mending = false;
		log_notice("the log of writes in %s is whole again", w->dir);
	}
	syncer_ask(w->syncer, w->fd, w->position, false);
	wal_segment_trim(w);
}

void wal_snapshot_go_on(struct wal *w)
{
	size_t until = buf_len(&w->out) + PART_BYTES;

	while (w->share < w->n_shares && buf_len(&w->out) < until && !w->broken) {
		const struct journal *j = w->o.journal(w->o.arg, w->share);
		struct part p = {w, w->share};

		if (!j || !journal_each_part(j, &w->cursor, PART_KEYS, put_chain, &p)) {
			w->share++;
			w->cursor = 0;
		}
	}
	if (w->share == w->n_shares && !w->broken)
		end(w);
}
