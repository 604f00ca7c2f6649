#include "base/file.h"
#include "base/log.h"
#include "journal/siphash.h"
#include "journal/wal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "dynwal1\n";
static const uint8_t check_key[SIPHASH_KEY_BYTES] = "log of a journal";

/* ---- Names and headers ---- */

const char *wal_segment_path(const struct wal *w, const struct wal_segment *s, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/wal-%016" PRIx64, w->dir, s->first);
	return path;
}

uint64_t wal_segment_place(const struct wal_segment *s, uint64_t offset)
{
	return s->first + offset * UINT64_C(0x9e3779b97f4a7c15);
}

void wal_segment_header(const struct wal *w, const struct wal_segment *s, uint8_t to[WAL_HEADER])
{
	uint64_t check;

	memcpy(to, magic, 8);
	memcpy(to + 8, &w->id, 8);
	memcpy(to + 16, &s->first, 8);
	check = siphash(check_key, to, 24);
	memcpy(to + 24, &check, 8);
}

bool wal_segment_set_whole(struct wal *w, bool whole)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/wal-whole", w->dir);
	if (whole)
		return file_replace(path, "", 0);
	return unlink(path) == 0 || errno == ENOENT;
}

/* ---- Files ---- */

bool wal_segment_read(
	const struct wal *w, const struct wal_segment *s, uint8_t **bytes, size_t *len)
{
	char path[PATH_MAX];
	int fd = open(wal_segment_path(w, s, path), O_RDONLY | O_CLOEXEC), error;
	struct stat st;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !(*bytes = malloc((size_t)st.st_size + 1)))
		goto failed;
	while (*len < (size_t)st.st_size) {
		ssize_t n = read(fd, *bytes + *len, (size_t)st.st_size - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto failed;
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	close(fd);
	return true;
failed:
	error = errno;
	close(fd);
	free(*bytes);
	*bytes = NULL;
	errno = error;
	return false;
}

/* Let the syncer sync and close a file. */
static void leave(struct wal *w, int fd)
{
	if (fd < 0 || syncer_ask(w->syncer, fd, w->position, true))
		return;
	fdatasync(fd); /* so many jobs wait that this one must */
	close(fd);
}

bool wal_segment_begin(struct wal *w)
{
	struct wal_segment *grown = realloc(w->segments, (w->n_segments + 1) * sizeof(*grown));
	struct wal_segment s = {.first = w->position, .bytes = WAL_HEADER, .end = WAL_NOT_YET};
	uint8_t header[WAL_HEADER];
	char path[PATH_MAX];
	int fd;

	if (!grown)
		return false;
	w->segments = grown;
	fd = open(wal_segment_path(w, &s, path),
		O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	wal_segment_header(w, &s, header);
	errno = ENOSPC;
	if (write(fd, header, sizeof(header)) != (ssize_t)sizeof(header)) {
		int error = errno;

		close(fd);
		unlink(path);
		errno = error;
		return false;
	}
	leave(w, w->fd);
	w->fd = fd;
	w->segments[w->n_segments++] = s;
	leave(w, open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); /* its name */
	return true;
}

void wal_segment_remove(struct wal *w, size_t n)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++)
		if (unlink(wal_segment_path(w, &w->segments[i], path)) != 0 && errno != ENOENT)
			log_warn("cannot remove %s: %s", path, strerror(errno));
	w->n_segments -= n;
	if (n > 0)
		memmove(w->segments, w->segments + n, w->n_segments * sizeof(*w->segments));
	if (w->n_segments == 0 && w->fd >= 0) {
		leave(w, w->fd);
		w->fd = -1;
	}
}

uint64_t wal_segment_bytes(const struct wal *w)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < w->n_segments; i++)
		bytes += w->segments[i].bytes;
	return bytes;
}

void wal_segment_trim(struct wal *w)
{
	uint64_t bytes = wal_segment_bytes(w);
	size_t newest = 0, n = 0;

	for (size_t i = 0; i < w->n_segments; i++)
		if (w->segments[i].end != WAL_NOT_YET)
			newest = i;
	/* Room for the next one is left, so that it does not go above the limit either. */
	while (n < newest && bytes + w->o.max_bytes / 4 > w->o.max_bytes)
		bytes -= w->segments[n++].bytes;
	wal_segment_remove(w, n);
}
