#include "journal/wal_internal.h"

#include "base/log.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What may have been given out before a crash is not given out again: markers tell the two apart.
 */
#define SKIP_LEAST (UINT64_C(1) << 32)

/* ---- Finding the files ---- */

static int compare_segments(const void *a, const void *b)
{
	const struct wal_segment *sa = a, *sb = b;

	return (sa->first > sb->first) - (sa->first < sb->first);
}

static bool parse_name(const char *name, uint64_t *first)
{
	char back[32];

	if (sscanf(name, "wal-%16" SCNx64, first) != 1)
		return false;
	snprintf(back, sizeof(back), "wal-%016" PRIx64, *first);
	return strcmp(back, name) == 0;
}

static bool list_segments(struct wal *w, bool *is_whole)
{
	DIR *d = opendir(w->dir);
	const struct dirent *e;
	bool ok = d != NULL;

	*is_whole = false;
	while (ok && (errno = 0, e = readdir(d))) {
		struct wal_segment s = {.end = WAL_NOT_YET}, *grown;

		if (strcmp(e->d_name, "wal-whole") == 0)
			*is_whole = true;
		if (!parse_name(e->d_name, &s.first))
			continue;
		grown = realloc(w->segments, (w->n_segments + 1) * sizeof(*grown));
		ok = grown != NULL;
		if (!ok)
			break;
		w->segments = grown;
		w->segments[w->n_segments++] = s;
	}
	ok = ok && errno == 0;
	if (d)
		closedir(d);
	if (w->n_segments > 0)
		qsort(w->segments, w->n_segments, sizeof(*w->segments), compare_segments);
	return ok;
}

/* ---- Reading them ---- */

static bool note_share(struct wal *w, const struct wal_item *it)
{
	if (it->share >= WAL_SHARES_MAX)
		return false;
	while (w->n_shares <= it->share)
		if (!wal_add_share(w, it->n))
			return false;
	w->shares[it->share] = it->n;
	return true;
}

static bool note_kept(struct wal *w, const struct wal_item *it)
{
	uint8_t *copy = it->share < w->n_shares ? malloc(it->len + 1) : NULL;

	if (!copy)
		return false;
	memcpy(copy, it->bytes, it->len);
	free(w->kept[it->share].bytes);
	w->kept[it->share] = (struct wal_bytes){copy, it->len};
	return true;
}

static bool note_void(struct wal *w, const struct wal_item *it)
{
	struct wal_void *grown = realloc(w->voids, (w->n_voids + 1) * sizeof(*grown));

	if (!grown)
		return false;
	w->voids = grown;
	grown[w->n_voids].at = it->position;
	grown[w->n_voids].first = it->n;
	if (!wal_lanes_read(it->bytes, it->len, grown[w->n_voids].past))
		return false;
	for (size_t i = 0; i < WAL_LANES_MAX; i++)
		if (w->last[i] > grown[w->n_voids].past[i])
			w->last[i] = grown[w->n_voids].past[i];
	w->n_voids++;
	return true;
}

/* An item in the file that is read. */
static bool note(struct wal *w, struct wal_segment *s, const struct wal_item *it, bool is_first)
{
	switch (it->type) {
	case WAL_COMMAND:
		w->last[it->lane] = it->position;
		break;
	case WAL_VOID:
		return note_void(w, it);
	case WAL_SHARE:
		return note_share(w, it);
	case WAL_KEPT:
		return note_kept(w, it);
	case WAL_BEGIN:
		return !is_first || wal_lanes_read(it->bytes, it->len, w->last);
	case WAL_END:
		s->end = w->position;
		break;
	default:
		break;
	}
	return true;
}

static bool read_body(
	struct wal *w, struct wal_segment *s, const uint8_t *body, size_t len, bool is_first)
{
	struct wal_reader reader = {.at = body, .end = body + len};
	struct wal_item it;
	bool bad, ok = true;

	while (ok && wal_item_read(&reader, &it, &bad)) {
		if (it.type <= WAL_SKIP)
			it.position = ++w->position;
		if (it.type == WAL_SKIP)
			w->position += it.n;
		ok = note(w, s, &it, is_first);
	}
	wal_reader_fini(&reader);
	return ok && !bad;
}

/* Read one, up to its end or to what is damaged; sets its size to that.  False: nothing of it is
 * good. */
static bool read_segment(
	struct wal *w, struct wal_segment *s, const uint8_t *bytes, size_t len, bool is_first)
{
	uint8_t header[WAL_HEADER];
	size_t at = WAL_HEADER, body;

	if (len < WAL_HEADER)
		return false;
	if (is_first)
		memcpy(&w->id, bytes + 8, 8);
	wal_segment_header(w, s, header);
	if (memcmp(header, bytes, WAL_HEADER) != 0)
		return false;
	w->position = s->first;
	while (wal_batch_check(bytes + at, len - at, w->id, wal_segment_place(s, at), &body)) {
		if (!read_body(w, s, bytes + at + WAL_BATCH_HEAD, body, is_first))
			break;
		at += WAL_BATCH_HEAD + body;
		if (s->end == w->position && s->snapshot_bytes == 0)
			s->snapshot_bytes = at;
	}
	s->bytes = at;
	return true;
}

/* Take the segments from n on out of those that count, and remove the files. */
static void drop_from(struct wal *w, size_t n)
{
	char path[PATH_MAX];

	while (w->n_segments > n)
		unlink(wal_segment_path(w, &w->segments[--w->n_segments], path));
}

/* Read all, and keep the run of segments that follow each other up to the end. */
static bool read_all(struct wal *w, char why[WAL_WHY_MAX])
{
	char path[PATH_MAX];

	for (size_t i = 0; i < w->n_segments;) {
		struct wal_segment *s = &w->segments[i];
		uint8_t *bytes;
		size_t len;
		bool good;

		if (!wal_segment_read(w, s, &bytes, &len)) {
			snprintf(why, WAL_WHY_MAX, "cannot read %s: %s",
				wal_segment_path(w, s, path), strerror(errno));
			return false;
		}
		if (i > 0 && s->first != w->position) {
			log_warn("%s does not go on where the file before it ends, which is not "
				 "used any more",
				wal_segment_path(w, s, path));
			wal_segment_remove(w, i);
			wal_forget(w);
			free(bytes);
			i = 0;
			continue;
		}
		good = read_segment(w, s, bytes, len, i == 0);
		free(bytes);
		if (!good) {
			log_warn("%s is damaged: the log of writes ends before it",
				wal_segment_path(w, s, path));
			drop_from(w, i);
			break;
		}
		if (s->bytes < len)
			log_warn("%s ends with %zu bytes that are torn or damaged: the log of "
				 "writes ends before them",
				wal_segment_path(w, s, path), len - (size_t)s->bytes);
		i++;
	}
	return true;
}

/* ---- Going on ---- */

/* Go on in the last segment. */
static bool go_on(struct wal *w, char why[WAL_WHY_MAX])
{
	struct wal_segment *s = &w->segments[w->n_segments - 1];
	struct wal_item skip = {.type = WAL_SKIP};
	char path[PATH_MAX];
	uint32_t random;

	w->fd = open(wal_segment_path(w, s, path), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (w->fd < 0 || ftruncate(w->fd, (off_t)s->bytes) != 0 ||
		getentropy(&random, sizeof(random)) != 0) {
		snprintf(why, WAL_WHY_MAX, "cannot write %s: %s", path, strerror(errno));
		return false;
	}
	skip.n = SKIP_LEAST + random;
	wal_put_record(w, &skip);
	w->position += skip.n;
	if (s->end == WAL_NOT_YET)
		w->wants_snapshot = true; /* it was cut off */
	return true;
}

/* Begin a log that knows nothing. */
static bool begin(struct wal *w)
{
	uint64_t before = w->id;

	while (w->id == before || w->id == 0)
		if (getentropy(&w->id, sizeof(w->id)) != 0)
			return false;
	wal_forget(w);
	w->is_new = true;
	w->broken = w->mending = w->snapshot = false;
	w->position++;
	buf_clear(&w->out);
	w->in_batch = false;
	if (!wal_segment_set_whole(w, true))
		return false;
	wal_begin_snapshot(w);
	if (!w->broken)
		wal_snapshot_go_on(w); /* of what is there already, mostly nothing */
	return !w->broken;
}

void wal_restart(struct wal *w)
{
	wal_segment_remove(w, w->n_segments);
	if (!begin(w))
		wal_break(w, "cannot begin it again", errno);
}

bool wal_open_read(struct wal *w, char why[WAL_WHY_MAX])
{
	bool is_whole;

	if (!list_segments(w, &is_whole)) {
		snprintf(why, WAL_WHY_MAX, "cannot read the directory %s: %s", w->dir,
			strerror(errno));
		return false;
	}
	if (!read_all(w, why))
		return false;
	if (w->n_segments > 0 && !is_whole)
		log_warn("the log of writes in %s was broken when the node ended: a new one is "
			 "begun",
			w->dir);
	else if (w->n_segments > 0 && !wal_can_replay(w))
		log_warn("the log of writes in %s has no beginning: a new one is begun", w->dir);
	else if (w->n_segments > 0)
		return go_on(w, why);
	wal_segment_remove(w, w->n_segments);
	wal_forget_shares(w);
	if (begin(w))
		return true;
	snprintf(why, WAL_WHY_MAX, "cannot begin the log of writes in %s: %s", w->dir,
		strerror(errno));
	return false;
}
