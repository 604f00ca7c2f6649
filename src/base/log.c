#include "base/log.h"

#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX  2048
#define LOG_RARELY_MS 10000
#define LOG_RARELY_N  10

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *log_path;
static int log_fd = STDERR_FILENO;
static atomic_int log_threshold = LOG_LEVEL_DEFAULT;

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

bool log_open(const char *path, int level)
{
	log_set_level(level);
	log_close();
	if (!path)
		return true;
	log_path = strdup(path);
	if (!log_path)
		return false;
	log_fd = open_file(path);
	if (log_fd < 0) {
		log_fd = STDERR_FILENO;
		free(log_path);
		log_path = NULL;
		return false;
	}
	return true;
}

bool log_reopen(void)
{
	int fd;
	int old;

	if (!log_path)
		return true;
	fd = open_file(log_path);
	if (fd < 0)
		return false;
	pthread_mutex_lock(&lock);
	old = log_fd;
	log_fd = fd;
	pthread_mutex_unlock(&lock);
	close(old);
	return true;
}

void log_close(void)
{
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = STDERR_FILENO;
	free(log_path);
	log_path = NULL;
}

void log_set_level(int level)
{
	if (level < 0)
		level = 0;
	if (level > LOG_LEVEL_MAX)
		level = LOG_LEVEL_MAX;
	atomic_store(&log_threshold, level);
}

int log_get_level(void)
{
	return atomic_load(&log_threshold);
}

const char *log_level_name(int level)
{
	static const char *const names[] = {
		"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};

	return level >= 0 && level <= LOG_LEVEL_DEBUG ? names[level] : "verbose";
}

void log_line(int level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	int64_t now_ms;
	time_t seconds;
	struct tm tm;
	size_t len;
	int body;
	va_list args;

	if (level > log_get_level())
		return;
	now_ms = clock_wall_ms();
	seconds = (time_t)(now_ms / 1000);
	gmtime_r(&seconds, &tm);
	len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	len += (size_t)snprintf(line + len, sizeof(line) - len, ".%03dZ %s: ", (int)(now_ms % 1000),
		log_level_name(level));
	va_start(args, fmt);
	body = vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	va_end(args);
	if (body > 0)
		len += (size_t)body < sizeof(line) - len - 1 ? (size_t)body
							     : sizeof(line) - len - 2;
	line[len++] = '\n';
	pthread_mutex_lock(&lock);
	/* A full disk must not stop the program: a line that cannot be written is lost. */
	if (write(log_fd, line, len) < 0)
		(void)0;
	pthread_mutex_unlock(&lock);
}

void log_rarely(struct log_gate *g, int level, const char *fmt, ...)
{
	int64_t now_ms = clock_monotonic_ms();
	char text[LOG_LINE_MAX];
	va_list args;

	if (now_ms >= g->until_ms) {
		g->until_ms = now_ms + LOG_RARELY_MS;
		g->n = 0;
	}
	if (g->n++ >= LOG_RARELY_N) {
		g->suppressed++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (g->suppressed)
		log_line(level, "%s (and %" PRIu64 " more like this before)", text, g->suppressed);
	else
		log_line(level, "%s", text);
	g->suppressed = 0;
}
