#include "journal/wal_internal.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Going through the log ---- */

/* The items of a batch. */
static bool walk_body(
	const struct wal_walk *walk, size_t segment, struct wal_reader *reader, uint64_t *position)
{
	struct wal_item it;
	bool bad;

	for (;;) {
		const uint8_t *begin = reader->at;

		if (!wal_item_read(reader, &it, &bad))
			return !bad;
		if (it.type <= WAL_SKIP)
			it.position = ++*position;
		if (it.type == WAL_SKIP)
			*position += it.n;
		if (!walk->fn(walk->arg, segment, &it, begin, (size_t)(reader->at - begin)))
			return false;
	}
}

static bool walk_segment(struct wal *w, const struct wal_walk *walk, size_t segment)
{
	const struct wal_segment *s = &w->segments[segment];
	struct wal_reader reader = {0};
	uint64_t position = s->first;
	uint8_t *bytes;
	size_t len, at = WAL_HEADER;
	bool ok = wal_segment_read(w, s, &bytes, &len);

	while (ok && at < s->bytes) {
		uint32_t body;

		ok = len - at >= WAL_BATCH_HEAD;
		if (!ok)
			break;
		memcpy(&body, bytes + at, 4);
		at += WAL_BATCH_HEAD;
		ok = body <= len - at;
		if (!ok)
			break;
		reader.at = bytes + at;
		reader.end = reader.at + body;
		at += body;
		ok = walk_body(walk, segment, &reader, &position);
	}
	wal_reader_fini(&reader);
	free(bytes);
	return ok;
}

bool wal_walk(struct wal *w, const struct wal_walk *walk)
{
	bool ok = true;

	for (size_t i = walk->segment; i < w->n_segments && ok; i++)
		ok = walk_segment(w, walk, i);
	return ok;
}

/* ---- What is void ---- */

bool wal_is_void(const struct wal *w, uint64_t position, uint32_t lane)
{
	for (size_t i = 0; i < w->n_voids; i++)
		if (w->voids[i].at > position && position > w->voids[i].past[lane])
			return true;
	return false;
}

bool wal_is_void_record(const struct wal *w, uint64_t position)
{
	for (size_t i = 0; i < w->n_voids; i++)
		if (w->voids[i].at > position && position > w->voids[i].first)
			return true;
	return false;
}

bool wal_add_void(struct wal *w, uint64_t first, const uint64_t *past)
{
	struct wal_void *grown = realloc(w->voids, (w->n_voids + 1) * sizeof(*grown));
	struct wal_item it = {.type = WAL_VOID, .n = first};

	if (!grown)
		return false;
	w->voids = grown;
	buf_clear(&w->item);
	if (!wal_lanes_write(&w->item, past))
		return false;
	it.bytes = buf_head(&w->item);
	it.len = buf_len(&w->item);
	grown[w->n_voids].at = wal_put_record(w, &it);
	grown[w->n_voids].first = first;
	memcpy(grown[w->n_voids].past, past, sizeof(grown->past));
	w->n_voids++;
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		if (w->last[i] > past[i])
			w->last[i] = past[i];
	return true;
}

/* The segment to begin with: the newest snapshot that has nothing of what became void later.
 * SIZE_MAX: there is none. */
static size_t base_of(const struct wal *w)
{
	for (size_t i = w->n_segments; i-- > 0;) {
		const struct wal_segment *s = &w->segments[i];
		bool ok = s->end != WAL_NOT_YET;

		for (size_t v = 0; v < w->n_voids && ok; v++)
			ok = w->voids[v].at <= s->first || w->voids[v].first > s->end;
		if (ok)
			return i;
	}
	return SIZE_MAX;
}

bool wal_can_replay(const struct wal *w)
{
	return base_of(w) != SIZE_MAX;
}

/* ---- Doing records again ---- */

struct replay {
	struct wal *wal;
	size_t base;
	bool (*fn)(void *arg, uint32_t share, const struct journal_record *r);
	void *arg;
	struct wal_queue open[WAL_LANES_MAX];
	struct wal_reader reader; /* of commands that are answered */
};

static bool apply(const struct replay *x, const struct wal_item *it)
{
	return x->fn(x->arg, it->share, &it->r);
}

/* A command's answer. */
static bool answer(
	struct replay *x, uint32_t lane, struct wal_open *o, enum journal_action action, bool mixed)
{
	struct wal_item it;
	bool bad, ok;

	x->reader.at = o->bytes;
	x->reader.end = o->bytes + o->len;
	if (!wal_item_read(&x->reader, &it, &bad))
		return false;
	it.r.mixed = mixed;
	it.r.action = action;
	ok = apply(x, &it);
	wal_queue_answer(&x->open[lane], o);
	return ok;
}

static enum journal_action done_action(const struct wal_open *o)
{
	return o->is_repair ? JOURNAL_REPAIRED : JOURNAL_TAKEN;
}

static bool answer_all(struct replay *x, uint32_t lane, uint64_t upto)
{
	struct wal_open *o;

	while ((o = wal_queue_next(&x->open[lane], NULL)) && o->position <= upto)
		if (!answer(x, lane, o, done_action(o), false))
			return false;
	return true;
}

static bool answer_one(struct replay *x, const struct wal_item *it)
{
	struct wal_open *o = wal_queue_at(&x->open[it->lane], it->position - it->back);

	return !o || answer(x, it->lane, o, it->r.action, it->r.mixed);
}

static bool on_item(
	void *arg, size_t segment, const struct wal_item *it, const uint8_t *bytes, size_t len)
{
	struct replay *x = arg;

	if (it->back > it->position)
		return false;
	switch (it->type) {
	case WAL_OPEN:
		if (segment != x->base)
			return true;
		return wal_queue_push(&x->open[it->lane], it->position, it, bytes, len) &&
		       apply(x, it);
	case WAL_COMMAND:
		if (wal_is_void(x->wal, it->position, it->lane))
			return true;
		return wal_queue_push(&x->open[it->lane], it->position, it, bytes, len) &&
		       apply(x, it);
	case WAL_ANSWERED:
		return answer_all(x, it->lane, it->position - it->back);
	case WAL_ANSWER:
		return answer_one(x, it);
	case WAL_RECORD:
		return wal_is_void_record(x->wal, it->position) || apply(x, it);
	case WAL_PART:
		return segment != x->base || apply(x, it);
	case WAL_VOID:
	case WAL_SKIP:
	case WAL_SHARE:
	case WAL_KEPT:
	case WAL_BEGIN:
	case WAL_END:
	case WAL_N_TYPES:
		break;
	}
	return true;
}

/* What was carried out without our hearing of it.  Redis may have refused it, so it is mixed. */
static bool take_unheard(struct replay *x, uint32_t lane)
{
	struct wal_open *o;

	while ((o = wal_queue_next(&x->open[lane], NULL))) {
		struct wal_item it = {
			.type = WAL_ANSWER,
			.lane = lane,
			.back = x->wal->position + 1 - o->position,
			.r = {.action = done_action(o), .mixed = !o->is_repair},
		};

		wal_put_record(x->wal, &it);
		if (!answer(x, lane, o, it.r.action, it.r.mixed))
			return false;
	}
	return true;
}

bool wal_replay(struct wal *w,
	bool (*fn)(void *arg, uint32_t share, const struct journal_record *r), void *arg)
{
	struct replay *x = calloc(1, sizeof(*x));
	struct wal_walk walk = {.fn = on_item};
	bool ok = x != NULL;

	if (ok) {
		*x = (struct replay){.wal = w, .base = base_of(w), .fn = fn, .arg = arg};
		walk.segment = x->base;
		walk.arg = x;
		errno = 0;
		ok = x->base != SIZE_MAX && wal_walk(w, &walk);
	}
	for (uint32_t i = 0; i < WAL_LANES_MAX && x; i++) {
		ok = ok && take_unheard(x, i);
		wal_queue_fini(&x->open[i]);
		wal_queue_fini(&w->lanes[i].open); /* all have their answer */
	}
	if (x)
		wal_reader_fini(&x->reader);
	free(x);
	if (!ok)
		log_error("cannot read the log of writes in %s again: %s", w->dir,
			errno ? strerror(errno) : "no memory, or it has changed");
	return ok;
}
