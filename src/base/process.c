#include "base/process.h"

#include "base/file.h"
#include "base/number.h"

#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PROC_FILE_MAX     4096
#define DESCRIPTORS_LEAST 256 /* assumed when the limit is unknown */

/* The number after the n-th blank of a file of /proc, counted from the last mark, or from the start
 * when mark is 0. */
static bool read_field(const char *path, char mark, int n, uint64_t *value)
{
	const char *at;
	struct file f;
	size_t used;
	bool found;

	if (file_read(path, PROC_FILE_MAX, &f) != FILE_OK)
		return false;
	at = mark ? strrchr((const char *)f.bytes, mark) : (const char *)f.bytes;
	for (; at && n > 0; n--) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	found = at && number_read_front(at, strlen(at), INT64_MAX, value, &used) == NUMBER_OK;
	file_fini(&f);
	return found;
}

uint64_t process_resident_bytes(void)
{
	uint64_t pages;

	return read_field("/proc/self/statm", 0, 1, &pages)
		       ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : 0;
}

int64_t process_uptime_s(void)
{
	struct timespec now;
	uint64_t ticks;

	/* The start time is the 20th field after the name, which is in parentheses. */
	if (!read_field("/proc/self/stat", ')', 20, &ticks) ||
		clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return now.tv_sec - (int64_t)ticks / sysconf(_SC_CLK_TCK);
}

size_t process_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return DESCRIPTORS_LEAST;
	if (limit.rlim_cur != limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}
