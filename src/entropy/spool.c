#include "entropy/spool.h"

#include "entropy/error.h"
#include "entropy/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_BLOCK_BYTES ((size_t)256 * 1024)
#define FILE_PIECE_BYTES  ((size_t)1024 * 1024) /* written at a time */

/* The first memory_bytes are in blocks, the rest in the file. */
struct spool {
	char *dir;
	size_t memory_bytes; /* a multiple of the block size */
	uint8_t **blocks;    /* memory_bytes / SPOOL_BLOCK_BYTES slots */
	size_t n_blocks;     /* slots in use; they stay allocated until the spool is cleared */
	int fd;              /* -1: no file yet */
	uint64_t len;
	uint64_t read_pos;
	const struct watch *watch; /* borrowed, may be NULL */
};

static const char *default_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp";
}

enum dyn_entropy_status spool_new(
	const char *dir, size_t memory_bytes, struct spool **out, struct dyn_entropy_error *err)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return error_no_memory(err);
	s->fd = -1;
	s->memory_bytes =
		(memory_bytes + SPOOL_BLOCK_BYTES - 1) / SPOOL_BLOCK_BYTES * SPOOL_BLOCK_BYTES;
	s->dir = strdup(dir && *dir ? dir : default_dir());
	s->blocks = calloc(s->memory_bytes / SPOOL_BLOCK_BYTES + 1, sizeof(*s->blocks));
	if (!s->dir || !s->blocks) {
		spool_free(s);
		return error_no_memory(err);
	}
	*out = s;
	return DYN_ENTROPY_OK;
}

void spool_watch(struct spool *s, const struct watch *w)
{
	s->watch = w;
}

static void shrink_to(struct spool *s, size_t n_blocks)
{
	while (s->n_blocks > n_blocks)
		pages_free(s->blocks[--s->n_blocks], SPOOL_BLOCK_BYTES);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->len = 0;
	s->read_pos = 0;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	if (s->blocks)
		shrink_to(s, 0);
	free(s->blocks);
	free(s->dir);
	free(s);
}

void spool_clear(struct spool *s)
{
	shrink_to(s, s->n_blocks ? 1 : 0);
}

uint64_t spool_len(const struct spool *s)
{
	return s->len;
}

static enum dyn_entropy_status open_file(struct spool *s, struct dyn_entropy_error *err)
{
	char path[4096];

	/* Unnamed where the file system supports it, else unlinked at once. */
	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0)
		return DYN_ENTROPY_OK;
	if ((size_t)snprintf(path, sizeof(path), "%s/dynentropy.XXXXXX", s->dir) >= sizeof(path))
		errno = ENAMETOOLONG;
	else
		s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd < 0)
		return error_set(
			err, DYN_ENTROPY_ERR_IO, "%s: cannot make a spool file there: %m", s->dir);
	unlink(path);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status append_file(
	struct spool *s, const uint8_t *bytes, size_t len, struct dyn_entropy_error *err)
{
	if (s->fd < 0) {
		enum dyn_entropy_status status = open_file(s, err);

		if (status != DYN_ENTROPY_OK)
			return status;
	}
	while (len > 0) {
		size_t piece = len < FILE_PIECE_BYTES ? len : FILE_PIECE_BYTES;
		ssize_t n;

		if (watch_look(s->watch))
			return error_cancelled(err);
		n = pwrite(s->fd, bytes, piece, (off_t)(s->len - s->memory_bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, DYN_ENTROPY_ERR_IO,
				"%s: cannot write to the spool file: %m; free some space or choose "
				"another directory",
				s->dir);
		bytes += n;
		len -= (size_t)n;
		s->len += (uint64_t)n;
	}
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status spool_append(
	struct spool *s, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	const uint8_t *from = bytes;

	while (len > 0 && s->len < s->memory_bytes) {
		size_t block = (size_t)(s->len / SPOOL_BLOCK_BYTES);
		size_t at = (size_t)(s->len % SPOOL_BLOCK_BYTES);
		size_t n = SPOOL_BLOCK_BYTES - at < len ? SPOOL_BLOCK_BYTES - at : len;

		if (at == 0 && watch_look(s->watch))
			return error_cancelled(err);
		if (block == s->n_blocks) {
			s->blocks[block] = pages_new(SPOOL_BLOCK_BYTES);
			if (!s->blocks[block])
				return error_no_memory(err);
			s->n_blocks++;
		}
		memcpy(s->blocks[block] + at, from, n);
		s->len += n;
		from += n;
		len -= n;
	}
	return len > 0 ? append_file(s, from, len, err) : DYN_ENTROPY_OK;
}

enum dyn_entropy_status spool_read(
	struct spool *s, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	uint64_t left = s->len - s->read_pos;
	size_t at = (size_t)(s->read_pos % SPOOL_BLOCK_BYTES);
	ssize_t n;

	if (cap > left)
		cap = (size_t)left;
	*len = 0;
	if (cap == 0)
		return DYN_ENTROPY_OK;
	if (s->read_pos < s->memory_bytes) {
		*len = cap < SPOOL_BLOCK_BYTES - at ? cap : SPOOL_BLOCK_BYTES - at;
		memcpy(buf, s->blocks[s->read_pos / SPOOL_BLOCK_BYTES] + at, *len);
		s->read_pos += *len;
		return DYN_ENTROPY_OK;
	}
	do
		n = pread(s->fd, buf, cap, (off_t)(s->read_pos - s->memory_bytes));
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		if (n == 0)
			errno = EIO;
		return error_set(
			err, DYN_ENTROPY_ERR_IO, "%s: cannot read the spool file: %m", s->dir);
	}
	*len = (size_t)n;
	s->read_pos += (uint64_t)n;
	return DYN_ENTROPY_OK;
}

void spool_rewind(struct spool *s)
{
	s->read_pos = 0;
}

enum dyn_entropy_status spool_append_spool(
	struct spool *s, struct spool *from, uint64_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	uint8_t *piece = pages_new(SPOOL_BLOCK_BYTES);

	if (!piece)
		return error_no_memory(err);
	while (status == DYN_ENTROPY_OK && len > 0) {
		size_t n = len < SPOOL_BLOCK_BYTES ? (size_t)len : SPOOL_BLOCK_BYTES;

		status = spool_read(from, piece, n, &n, err);
		if (status == DYN_ENTROPY_OK)
			status = spool_append(s, piece, n, err);
		len -= n;
	}
	pages_free(piece, SPOOL_BLOCK_BYTES);
	return status;
}
