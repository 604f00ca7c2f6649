/*
 * file - reads a small file into memory: a configuration, a key, a password; and replaces one.
 *
 * The content may be secret: it is in one buffer only, and file_fini() wipes it.
 * Any thread.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum file_status {
	FILE_OK = 0,
	FILE_NOT_OPENED, /* errno says why */
	FILE_DIRECTORY,
	FILE_NOT_REGULAR, /* a device, a pipe */
	FILE_NOT_READ,    /* errno says why */
	FILE_TOO_LARGE,
	FILE_NO_MEMORY,
};

struct file {
	uint8_t *bytes; /* owned; a NUL follows them */
	size_t len;
};

/*
 * Open a regular file for reading.  Anything else is not opened, since that may block or have side
 * effects.  *fd is -1 on failure; *size is the current size.
 */
enum file_status file_open(const char *path, int *fd, uint64_t *size);

/* Read a regular file of at most max bytes.  On failure *f is empty. */
enum file_status file_read(const char *path, size_t max, struct file *f);

/*
 * Read the first line, of at most max bytes, without its line ending.  The file may also be a pipe
 * or a terminal; blocks until the line has ended.
 */
enum file_status file_read_line(const char *path, size_t max, struct file *f);

/* Wipe and release; harmless for an empty one. */
void file_fini(struct file *f);

/*
 * Give a file a new content, durably: whatever happens, it has the old one or the new one.  Writes
 * to path with ".new" behind it, readable by its owner only, and renames that.  False, with errno
 * set and the old file left, on failure.
 */
bool file_replace(const char *path, const void *bytes, size_t len);

/* Make the names in the directory of path durable.  False with errno set. */
bool file_sync_directory(const char *path);

/* The error as text, to follow the file's name; errno must be that of the failure. */
#define FILE_PROBLEM_MAX 128
const char *file_problem(enum file_status status, char text[FILE_PROBLEM_MAX]);

#ifdef __cplusplus
}
#endif

#endif
