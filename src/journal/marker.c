#include "journal/marker.h"

#include "base/log.h"
#include "base/number.h"
#include "journal/wal_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS 16

/* ---- Keys and values ---- */

size_t marker_key(uint32_t lane, char key[MARKER_KEY_MAX])
{
	return (size_t)snprintf(key, MARKER_KEY_MAX, MARKER_PREFIX "%" PRIu32, lane);
}

bool marker_is_key(const void *key, size_t len)
{
	return len >= strlen(MARKER_PREFIX) &&
	       memcmp(key, MARKER_PREFIX, strlen(MARKER_PREFIX)) == 0;
}

size_t marker_format(const struct marker *m, char value[MARKER_VALUE_MAX])
{
	return (size_t)snprintf(value, MARKER_VALUE_MAX, "%016" PRIx64 ":%" PRIu32 ":%" PRIu64,
		m->log, m->lane, m->position);
}

bool marker_parse(struct marker *m, const void *value, size_t len)
{
	char text[MARKER_VALUE_MAX], back[MARKER_VALUE_MAX];

	if (len >= sizeof(text))
		return false;
	memcpy(text, value, len);
	text[len] = '\0';
	if (sscanf(text, "%16" SCNx64 ":%" SCNu32 ":%" SCNu64, &m->log, &m->lane, &m->position) !=
		3)
		return false;
	/* Only as it was written: no blanks, signs or leading zeros. */
	return marker_format(m, back) == len && memcmp(back, text, len) == 0 &&
	       m->lane < WAL_LANES_MAX;
}

/* ---- What is void ---- */

struct look {
	struct wal *wal;
	uint64_t past[WAL_LANES_MAX]; /* the markers */
	bool is_known[WAL_LANES_MAX]; /* a marker has the position of a command, or is missing */
	uint64_t first_void;          /* 0: none */
	bool is_foreign, is_too_old;
};

/* The markers of this log, in look.  False when there is another one. */
static bool take_markers(struct look *l, const struct marker_found found[WAL_LANES_MAX])
{
	for (uint32_t i = 0; i < WAL_LANES_MAX; i++) {
		const struct marker *m = &found[i].marker;

		if (found[i].what == MARKER_FOREIGN)
			return false;
		if (found[i].what == MARKER_NONE)
			continue;
		if (m->log != l->wal->id || m->lane != i)
			return false;
		l->past[i] = m->position;
	}
	return true;
}

/* The log begins with these commands as the last ones of their lanes. */
static void look_at_begin(struct look *l, const struct wal_item *it)
{
	uint64_t last[WAL_LANES_MAX];

	if (!wal_lanes_read(it->bytes, it->len, last))
		return;
	for (size_t i = 0; i < WAL_LANES_MAX; i++) {
		l->is_known[i] = l->past[i] == last[i] || l->past[i] == 0;
		if (l->past[i] < last[i])
			l->is_too_old = true;
	}
}

static void look_at_command(struct look *l, const struct wal_item *it)
{
	if (wal_is_void(l->wal, it->position, it->lane))
		return; /* a marker there is of a dataset that came back once more */
	if (it->position == l->past[it->lane])
		l->is_known[it->lane] = true;
	if (it->position > l->past[it->lane] &&
		(l->first_void == 0 || it->position < l->first_void))
		l->first_void = it->position;
}

static bool on_item(
	void *arg, size_t segment, const struct wal_item *it, const uint8_t *bytes, size_t len)
{
	struct look *l = arg;

	(void)bytes;
	(void)len;
	if (it->type == WAL_BEGIN && segment == 0)
		look_at_begin(l, it);
	if (it->type == WAL_COMMAND)
		look_at_command(l, it);
	return true;
}

static bool has_commands(const struct wal *w)
{
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		if (w->last[i])
			return true;
	return false;
}

static bool has_marker(const struct look *l)
{
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		if (l->past[i])
			return true;
	return false;
}

/* What the markers say, with nothing changed. */
static enum marker_verdict judge(struct look *l, bool is_empty)
{
	const struct wal_walk walk = {.fn = on_item, .arg = l};

	if (!has_commands(l->wal) && !has_marker(l))
		return MARKER_INTACT;
	if (!has_marker(l) && !is_empty)
		return MARKER_UNKNOWN;
	if (!wal_walk(l->wal, &walk)) {
		log_error("cannot read the log of writes in %s again", l->wal->dir);
		return MARKER_UNKNOWN;
	}
	if (l->is_too_old)
		return MARKER_TOO_OLD;
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		if (!l->is_known[i])
			return MARKER_UNKNOWN;
	return l->first_void ? MARKER_LOST : MARKER_INTACT;
}

/* ---- Making the journals what the dataset is ---- */

/* The journals are in memory, and all commands were carried out. */
static bool hear_all(struct wal *w, const struct marker_host *host)
{
	struct wal_reader reader = {0};
	struct wal_item it;
	bool bad, ok = true;

	for (uint32_t i = 0; i < WAL_LANES_MAX && ok; i++) {
		struct wal_open *o;

		while (ok && (o = wal_queue_next(&w->lanes[i].open, NULL))) {
			reader.at = o->bytes;
			reader.end = o->bytes + o->len;
			ok = wal_item_read(&reader, &it, &bad);
			it.r.action = o->is_repair ? JOURNAL_REPAIRED : JOURNAL_TAKEN;
			it.r.mixed = !o->is_repair; /* Redis may have refused it */
			if (!ok)
				break;
			ok = host->apply(host->arg, it.share, &it.r);
			wal_append(w, it.share, i, &it.r);
		}
	}
	wal_reader_fini(&reader);
	return ok;
}

static enum marker_verdict begin_anew(
	struct wal *w, const struct marker_host *host, enum marker_verdict verdict)
{
	host->restart(host->arg);
	wal_restart(w);
	return verdict;
}

static enum marker_verdict rebuild(struct look *l, enum marker_verdict verdict, bool has_journals,
	const struct marker_host *host)
{
	struct wal *w = l->wal;

	if (verdict == MARKER_INTACT && has_journals && hear_all(w, host))
		return verdict;
	w->snapshot = false; /* one that is under way is of other journals */
	w->wants_snapshot = true;
	if (verdict == MARKER_LOST && !wal_add_void(w, l->first_void, l->past))
		return begin_anew(w, host, MARKER_UNKNOWN);
	if (!wal_can_replay(w))
		return begin_anew(w, host, MARKER_TOO_OLD);
	host->restart(host->arg);
	if (!wal_replay(w, host->apply, host->arg))
		return begin_anew(w, host, MARKER_UNKNOWN);
	return verdict;
}

enum marker_verdict marker_rebuild(struct wal *w, const struct marker_found found[WAL_LANES_MAX],
	bool is_empty, bool has_journals, const struct marker_host *host)
{
	struct look *l = calloc(1, sizeof(*l));
	enum marker_verdict verdict = MARKER_UNKNOWN;

	if (l && !w->broken) {
		l->wal = w;
		wal_put_answers(w);
		if (wal_write_out(w) && !w->mending && take_markers(l, found))
			verdict = judge(l, is_empty);
	}
	if (verdict == MARKER_INTACT || verdict == MARKER_LOST)
		verdict = rebuild(l, verdict, has_journals, host);
	else
		verdict = begin_anew(w, host, verdict);
	free(l);
	return verdict;
}
