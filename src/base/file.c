#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY)

static enum file_status check_kind(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return FILE_DIRECTORY;
	return S_ISREG(st->st_mode) ? FILE_OK : FILE_NOT_REGULAR;
}

/* Close fd and leave errno as it was. */
static void close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

enum file_status file_open(const char *path, int *fd, uint64_t *size)
{
	enum file_status status;
	struct stat st;

	*fd = -1;
	if (stat(path, &st) != 0)
		return FILE_NOT_OPENED;
	status = check_kind(&st);
	if (status != FILE_OK)
		return status;
	*fd = open(path, OPEN_FLAGS | O_NONBLOCK);
	if (*fd < 0)
		return FILE_NOT_OPENED;
	/* The name may refer to another file by now, so check again. */
	status = fstat(*fd, &st) == 0 ? check_kind(&st) : FILE_NOT_OPENED;
	*size = (uint64_t)st.st_size;
	if (status != FILE_OK) {
		close_quietly(*fd);
		*fd = -1;
	}
	return status;
}

/* Read up to max + 1 bytes, or up to the end of a line. */
static enum file_status fill(int fd, size_t max, bool line, struct file *f)
{
	f->bytes = malloc(max + 2); /* not realloc(), which could leave a copy of a secret */
	if (!f->bytes)
		return FILE_NO_MEMORY;
	while (f->len <= max) {
		ssize_t n = read(fd, f->bytes + f->len, max + 1 - f->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FILE_NOT_READ;
		f->len += (size_t)n;
		if (n == 0 || (line && memchr(f->bytes + f->len - n, '\n', (size_t)n)))
			return FILE_OK;
	}
	return FILE_TOO_LARGE;
}

/* Close fd, and wipe what was read unless status is good. */
static enum file_status finish(int fd, enum file_status status, struct file *f)
{
	close_quietly(fd);
	if (status != FILE_OK) {
		int saved = errno;

		file_fini(f);
		errno = saved;
		return status;
	}
	f->bytes[f->len] = '\0';
	return FILE_OK;
}

enum file_status file_read(const char *path, size_t max, struct file *f)
{
	uint64_t size;
	int fd;
	enum file_status status = file_open(path, &fd, &size);

	memset(f, 0, sizeof(*f));
	if (status != FILE_OK)
		return status;
	return finish(fd, fill(fd, max, false, f), f);
}

enum file_status file_read_line(const char *path, size_t max, struct file *f)
{
	int fd = open(path, OPEN_FLAGS);
	enum file_status status;
	uint8_t *end;

	memset(f, 0, sizeof(*f));
	if (fd < 0)
		return FILE_NOT_OPENED;
	status = fill(fd, max + 1, true, f); /* CR and LF too */
	if (status == FILE_OK) {
		end = memchr(f->bytes, '\n', f->len);
		if (!end)
			end = f->bytes + f->len;
		if (end > f->bytes && end[-1] == '\r')
			end--;
		explicit_bzero(end, (size_t)(f->bytes + f->len - end));
		f->len = (size_t)(end - f->bytes);
		if (f->len > max)
			status = FILE_TOO_LARGE;
	}
	return finish(fd, status, f);
}

void file_fini(struct file *f)
{
	if (f->bytes)
		explicit_bzero(f->bytes, f->len);
	free(f->bytes);
	memset(f, 0, sizeof(*f));
}

/* Write all and sync.  False with errno set. */
static bool write_durably(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

bool file_sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	bool ok;
	int fd;

	if (!slash || slash == path)
		strcpy(dir, slash ? "/" : ".");
	else if (snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path) >= (int)sizeof(dir))
		return errno = ENAMETOOLONG, false;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close_quietly(fd);
	return ok;
}

bool file_replace(const char *path, const void *bytes, size_t len)
{
	char new_path[PATH_MAX];
	bool ok;
	int fd;

	if (snprintf(new_path, sizeof(new_path), "%s.new", path) >= (int)sizeof(new_path))
		return errno = ENAMETOOLONG, false;
	fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write_durably(fd, bytes, len);
	close_quietly(fd);
	if (ok && rename(new_path, path) == 0)
		return file_sync_directory(path);
	fd = errno;
	unlink(new_path);
	errno = fd;
	return false;
}

const char *file_problem(enum file_status status, char text[FILE_PROBLEM_MAX])
{
	switch (status) {
	case FILE_OK:
		return "is as it should be";
	case FILE_NOT_OPENED:
		snprintf(text, FILE_PROBLEM_MAX, "cannot be opened: %m");
		return text;
	case FILE_DIRECTORY:
		return "is a directory, not a regular file";
	case FILE_NOT_REGULAR:
		return "is not a regular file";
	case FILE_NOT_READ:
		snprintf(text, FILE_PROBLEM_MAX, "cannot be read: %m");
		return text;
	case FILE_TOO_LARGE:
		return "is too large";
	case FILE_NO_MEMORY:
		return "cannot be read: not enough memory";
	}
	return "?";
}
