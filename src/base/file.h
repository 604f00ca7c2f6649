/*
 * file - a file read into memory, up to a bound: a configuration, a key, a password.
 *
 * What is read may be secret: it lies in one buffer and nowhere else, and file_fini() wipes it.
 * Any thread.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

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
 * Open a regular file for reading, without waiting for anything; nothing else is even opened, since
 * that may wait or do something.  *fd is -1 on failure; *size is what the file has now.
 */
enum file_status file_open(const char *path, int *fd, uint64_t *size);

/* Read a regular file of at most max bytes.  On failure *f is empty. */
enum file_status file_read(const char *path, size_t max, struct file *f);

/*
 * Read the first line, of at most max bytes, without what ends it.  The file may be anything that
 * can be read, a pipe or a terminal too: it is read up to the line's end, and waited for.
 */
enum file_status file_read_line(const char *path, size_t max, struct file *f);

/* Wipe and release; an empty one stays as it is. */
void file_fini(struct file *f);

/* What is wrong, to be put between a file's name and a remedy; errno as the failure left it. */
#define FILE_PROBLEM_MAX 128
const char *file_problem(enum file_status status, char text[FILE_PROBLEM_MAX]);

#ifdef __cplusplus
}
#endif

#endif
