#include "base/file.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/sized.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One snapshot, of bytes in memory or of a file. */
struct fixed {
	const uint8_t *bytes; /* borrowed; NULL for a file */
	int fd;               /* -1 for memory */
	uint32_t len;
	uint32_t pos;
	bool given;
};

static enum dyn_entropy_status fixed_next(
	void *self, uint32_t *len_bytes, struct dyn_entropy_error *err)
{
	struct fixed *f = self;

	(void)err;
	if (f->given)
		return DYN_ENTROPY_END;
	f->given = true;
	*len_bytes = f->len;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status fixed_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct fixed *f = self;
	ssize_t n;

	if (cap > f->len - f->pos)
		cap = f->len - f->pos;
	if (f->bytes || cap == 0) {
		if (cap > 0)
			memcpy(buf, f->bytes + f->pos, cap);
		n = (ssize_t)cap;
	} else {
		do
			n = read(f->fd, buf, cap);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE, "cannot read the file: %m");
	if (n == 0 && cap > 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"the file became shorter than the %" PRIu32
			" bytes it had when it was opened",
			f->len);
	f->pos += (uint32_t)n;
	*len = (size_t)n;
	return DYN_ENTROPY_OK;
}

static void fixed_totals(void *self, struct dyn_entropy_source_totals *out)
{
	const struct fixed *f = self;
	const struct dyn_entropy_source_totals totals = {.bytes_expected = f->len};

	sized_out(out, &totals, sizeof(totals));
}

static void fixed_free(void *self)
{
	struct fixed *f = self;

	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static const struct dyn_entropy_source_ops fixed_ops = {
	.struct_size = sizeof(fixed_ops),
	.next = fixed_next,
	.read = fixed_read,
	.totals = fixed_totals,
	.free = fixed_free,
};

static enum dyn_entropy_status fixed_new(const void *bytes, int fd, uint64_t len,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	struct fixed *f;

	if (len > DYN_ENTROPY_SNAPSHOT_MAX)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"%" PRIu64 " bytes are more than one snapshot holds (%" PRIu32 ")", len,
			DYN_ENTROPY_SNAPSHOT_MAX);
	f = calloc(1, sizeof(*f));
	if (!f)
		return error_no_memory(err);
	f->bytes = bytes;
	f->fd = fd;
	f->len = (uint32_t)len;
	out->ops = &fixed_ops;
	out->self = f;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_source_static(const void *bytes, size_t len,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	return fixed_new(len ? bytes : "", -1, len, out, err);
}

enum dyn_entropy_status dyn_entropy_source_file(
	const char *path, struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	char text[FILE_PROBLEM_MAX];
	uint64_t size;
	int fd;
	enum file_status opened = file_open(path, &fd, &size);

	if (opened != FILE_OK)
		return error_set(
			err, DYN_ENTROPY_ERR_SOURCE, "%s: %s", path, file_problem(opened, text));
	status = fixed_new(NULL, fd, size, out, err);
	if (status != DYN_ENTROPY_OK)
		close(fd);
	return status;
}
