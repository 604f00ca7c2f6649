#include "tools/sink_file.h"

#include "entropy/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)256 * 1024)

struct sink_file {
	pthread_mutex_t lock;
	char *path, *partial; /* owned; partial is NULL once it was renamed */
	bool replace;
	uint64_t wanted, got;
	off_t end; /* of the last complete snapshot */
	int fd;
};

static enum dyn_entropy_status exists_already(
	const struct sink_file *f, struct dyn_entropy_error *err)
{
	return error_set(err, DYN_ENTROPY_ERR_SINK,
		"%s exists already: name another file, or say --force", f->path);
}

/* Make the rename durable. */
static void sync_directory(const struct sink_file *f)
{
	char *copy = strdup(f->path);
	int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

static enum dyn_entropy_status publish(struct sink_file *f, struct dyn_entropy_error *err)
{
	int flags = f->replace ? 0 : RENAME_NOREPLACE;

	if (fsync(f->fd) != 0)
		return error_set(err, DYN_ENTROPY_ERR_SINK, "cannot write %s: %m", f->partial);
	if (renameat2(AT_FDCWD, f->partial, AT_FDCWD, f->path, (unsigned)flags) != 0) {
		if (errno == EEXIST)
			return exists_already(f, err);
		/* Not every file system supports RENAME_NOREPLACE. */
		if (errno != EINVAL || (!f->replace && access(f->path, F_OK) == 0) ||
			rename(f->partial, f->path) != 0)
			return error_set(err, DYN_ENTROPY_ERR_SINK, "cannot rename %s to %s: %m",
				f->partial, f->path);
	}
	sync_directory(f);
	free(f->partial);
	f->partial = NULL;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status write_all(
	struct sink_file *f, const char *bytes, size_t len, struct dyn_entropy_error *err)
{
	while (len > 0) {
		ssize_t n = write(f->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(
				err, DYN_ENTROPY_ERR_SINK, "cannot write %s: %m", f->partial);
		bytes += n;
		len -= (size_t)n;
	}
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status copy_snapshot(
	struct sink_file *f, dyn_entropy_snapshot *snapshot, struct dyn_entropy_error *err)
{
	char *bytes = malloc(COPY_BYTES);
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	size_t len = 1;

	if (bytes == NULL)
		return error_no_memory(err);
	while (status == DYN_ENTROPY_OK && len > 0) {
		status = dyn_entropy_snapshot_read(snapshot, bytes, COPY_BYTES, &len, err);
		if (status == DYN_ENTROPY_OK)
			status = write_all(f, bytes, len, err);
	}
	free(bytes);
	return status;
}

static enum dyn_entropy_status apply(void *self, dyn_entropy_snapshot *snapshot,
	struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err)
{
	struct sink_file *f = self;
	off_t end;
	enum dyn_entropy_status status;

	(void)result;
	if (dyn_entropy_snapshot_len(snapshot) == 0)
		return DYN_ENTROPY_OK;
	pthread_mutex_lock(&f->lock);
	end = f->end + (off_t)dyn_entropy_snapshot_len(snapshot);
	if (f->partial == NULL) {
		status = error_set(err, DYN_ENTROPY_ERR_SINK, "%s is complete already", f->path);
		goto done;
	}
	status = copy_snapshot(f, snapshot, err);
	if (status == DYN_ENTROPY_OK && f->wanted > 0 && f->got + 1 == f->wanted)
		status = publish(f, err);
	if (status == DYN_ENTROPY_OK) {
		f->got++;
		f->end = end;
	} else if (ftruncate(f->fd, f->end) != 0 || lseek(f->fd, f->end, SEEK_SET) < 0) {
		status = error_set(err, DYN_ENTROPY_ERR_SINK, "cannot undo in %s: %m", f->partial);
	}
done:
	pthread_mutex_unlock(&f->lock);
	return status;
}

static void sink_free(void *self)
{
	struct sink_file *f = self;

	if (f->fd >= 0)
		close(f->fd);
	if (f->partial != NULL && f->fd >= 0 && f->got == 0)
		unlink(f->partial);
	free(f->path);
	free(f->partial);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct dyn_entropy_sink_ops ops = {
	.struct_size = sizeof(ops), .apply = apply, .free = sink_free};

enum dyn_entropy_status sink_file_new(const struct sink_file_options *options,
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err)
{
	struct sink_file *f = calloc(1, sizeof(*f));
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (f == NULL)
		return error_no_memory(err);
	pthread_mutex_init(&f->lock, NULL);
	f->fd = -1;
	f->replace = options->replace;
	f->wanted = options->wanted;
	f->path = strdup(options->path);
	if (f->path == NULL || asprintf(&f->partial, "%s.partial-XXXXXX", options->path) < 0) {
		f->partial = NULL;
		status = error_no_memory(err);
	} else if (!f->replace && access(f->path, F_OK) == 0) {
		status = exists_already(f, err);
	} else {
		f->fd = mkostemp(f->partial, O_CLOEXEC);
		if (f->fd < 0)
			status = error_set(err, DYN_ENTROPY_ERR_SINK,
				"cannot create a file beside %s: %m", f->path);
	}
	if (status != DYN_ENTROPY_OK) {
		sink_free(f);
		return status;
	}
	*out = (struct dyn_entropy_sink){.ops = &ops, .self = f};
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status sink_file_finish(
	const struct dyn_entropy_sink *s, struct dyn_entropy_error *err)
{
	struct sink_file *f = s->self;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	pthread_mutex_lock(&f->lock);
	if (f->partial != NULL && f->got > 0)
		status = publish(f, err);
	pthread_mutex_unlock(&f->lock);
	return status;
}

const char *sink_file_left_over(const struct dyn_entropy_sink *s)
{
	const struct sink_file *f = s->self;

	return f->got > 0 ? f->partial : NULL;
}
