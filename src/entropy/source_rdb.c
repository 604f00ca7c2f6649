#include "entropy/source_rdb.h"

#include "base/clock.h"
#include "base/file.h"
#include "entropy/error.h"
#include "entropy/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that a command adds to its key and value in the RDB, for the estimate of the total. */
#define COMMAND_OVERHEAD 70

struct rdb_source {
	struct source source; /* first */
	struct rdb_feed feed;
	struct rdb *rdb;
	struct rdb_entry pending; /* did not fit into the last segment */
	bool has_pending;
	uint64_t changed; /* left out */
};

/* ---- The source ------------------------------------------------------------------------------ */

/* Read from the feed; checks for cancelling at every piece. */
static enum dyn_entropy_status read_feed(
	void *arg, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct rdb_source *s = arg;

	if (watch_look(&s->source.watch))
		return error_cancelled(err);
	return s->feed.ops->read(s->feed.self, buf, cap, len, err);
}

/* Put the pending entry into the segment, unless it has changed.  *full: there is no room. */
static enum dyn_entropy_status add_pending(
	struct rdb_source *source, bool *full, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_source_options *o = &source->source.options;
	const struct rdb_entry *e = &source->pending;
	struct segment *s = &source->source.segment;

	*full = !segment_fits(s, e->key_len, e->payload_len);
	if (*full)
		return DYN_ENTROPY_OK;
	source->has_pending = false;
	if (o->is_changed && o->is_changed(o->is_changed_arg, e->key, e->key_len)) {
		source->changed++;
		return DYN_ENTROPY_OK;
	}
	/* Nothing changed it until now: it counts as read now. */
	segment_read_at(s, clock_monotonic_us());
	if (e->spool)
		return segment_add_spool(
			s, e->key, e->key_len, e->deadline_ms, e->spool, e->payload_len, err);
	return segment_add(
		s, e->key, e->key_len, e->deadline_ms, e->payload, (size_t)e->payload_len, err);
}

/* Until an entry does not fit or the segment must be sent (OK), or nothing is left (END). */
static enum dyn_entropy_status rdb_source_fill(struct source *source, struct dyn_entropy_error *err)
{
	struct rdb_source *s = (struct rdb_source *)source;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	bool full = false;

	while (status == DYN_ENTROPY_OK && !full &&
		!segment_is_due(&source->segment, clock_monotonic_us())) {
		if (!s->has_pending) {
			status = rdb_next(s->rdb, &s->pending, err);
			if (status == DYN_ENTROPY_END)
				break;
			if (status != DYN_ENTROPY_OK)
				return status;
			s->has_pending = true;
		}
		status = add_pending(s, &full, err);
	}
	if (status == DYN_ENTROPY_END) {
		enum dyn_entropy_status finished = s->feed.ops->finish(s->feed.self, s->rdb, err);

		if (finished != DYN_ENTROPY_OK)
			return finished;
	}
	return status;
}

static void rdb_source_totals(struct source *source, struct dyn_entropy_source_totals *totals)
{
	struct rdb_source *s = (struct rdb_source *)source;
	uint64_t length = s->feed.ops->length(s->feed.self);

	rdb_totals(s->rdb, totals);
	totals->changed = s->changed;
	if (length > 0)
		totals->bytes_expected = length + totals->keys_expected * COMMAND_OVERHEAD;
}

static void rdb_source_fini(struct source *source)
{
	struct rdb_source *s = (struct rdb_source *)source;

	rdb_free(s->rdb);
	s->feed.ops->free(s->feed.self);
}

static const struct source_kind rdb_source_kind = {
	.fill = rdb_source_fill,
	.totals = rdb_source_totals,
	.fini = rdb_source_fini,
};

enum dyn_entropy_status source_rdb_new(const struct rdb_feed *feed,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	struct rdb_source *s = calloc(1, sizeof(*s));
	enum dyn_entropy_status status;

	memset(out, 0, sizeof(*out));
	if (!s) {
		feed->ops->free(feed->self);
		return error_no_memory(err);
	}
	s->feed = *feed;
	status = source_init(&s->source, &rdb_source_kind, options, err);
	if (status == DYN_ENTROPY_OK) {
		const struct dyn_entropy_source_options *o = &s->source.options;
		const struct rdb_options rdb = {
			.read = read_feed,
			.read_arg = s,
			.name = feed->name,
			.spool_dir = o->spool_dir,
			.owns = o->owns,
			.owns_arg = o->owns_arg,
		};

		status = rdb_new(&rdb, &s->rdb, err);
	}
	return source_open(&s->source, status, out);
}

/* ---- A file ---------------------------------------------------------------------------------- */

struct file_feed {
	int fd;
	uint64_t length;
	char *path;
};

static enum dyn_entropy_status feed_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct file_feed *f = self;
	ssize_t n;

	do
		n = read(f->fd, buf, cap);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE, "%s: cannot read: %m", f->path);
	*len = (size_t)n;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status feed_finish(void *self, struct rdb *r, struct dyn_entropy_error *err)
{
	struct file_feed *f = self;
	uint8_t byte;
	size_t len;
	enum dyn_entropy_status status = rdb_rest(r, &byte, 1, &len, err);

	if (status == DYN_ENTROPY_OK && len > 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"%s: more bytes follow the end of the RDB: if it is an append-only file, "
			"dump an RDB (BGSAVE) and use that",
			f->path);
	return status;
}

static uint64_t feed_length(void *self)
{
	struct file_feed *f = self;

	return f->length;
}

static void feed_free(void *self)
{
	struct file_feed *f = self;

	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

static const struct rdb_feed_ops feed_ops = {
	.read = feed_read,
	.finish = feed_finish,
	.length = feed_length,
	.free = feed_free,
};

static enum dyn_entropy_status feed_open(
	struct file_feed *f, const char *path, struct dyn_entropy_error *err)
{
	enum file_status status;
	char text[FILE_PROBLEM_MAX];

	f->path = strdup(path);
	if (!f->path)
		return error_no_memory(err);
	status = file_open(path, &f->fd, &f->length);
	if (status != FILE_OK)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"%s: %s; name an RDB file, such as dump.rdb", path,
			file_problem(status, text));
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_source_rdb(const char *path,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	struct file_feed *f = calloc(1, sizeof(*f));
	enum dyn_entropy_status status;

	memset(out, 0, sizeof(*out));
	if (!f)
		return error_no_memory(err);
	f->fd = -1;
	status = feed_open(f, path, err);
	if (status != DYN_ENTROPY_OK) {
		feed_free(f);
		return status;
	}
	return source_rdb_new(&(struct rdb_feed){.ops = &feed_ops, .self = f, .name = f->path},
		options, out, err);
}
