/*
 * log - the log of the program.
 *
 * Lines go to a file or to standard error, each with the time in UTC and its level.  The levels are
 * those of Dynomite's -v (0 emerg .. 11 verbose).  Keys, values and key material are never logged.
 * Every function may be called from any thread after log_open(); log_open() and log_close() belong
 * to the main thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum log_level {
	LOG_LEVEL_EMERG = 0,
	LOG_LEVEL_ALERT = 1,
	LOG_LEVEL_CRIT = 2,
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
	LOG_LEVEL_VERBOSE = 11,
};

#define LOG_LEVEL_MAX     LOG_LEVEL_VERBOSE
#define LOG_LEVEL_DEFAULT LOG_LEVEL_NOTICE

/* Write to path (appending), or to standard error when path is NULL.  False with errno set on
 * failure. */
bool log_open(const char *path, int level);

/* Open the file again under its name, after a rotation.  Keeps the old one when that fails (false).
 */
bool log_reopen(void);

/* Close the file; lines go to standard error from now on. */
void log_close(void);

/* The highest level that is written, clamped to 0..LOG_LEVEL_MAX when it is set. */
void log_set_level(int level);
int log_get_level(void);

/* A level as a word, such as "notice".  Static storage. */
const char *log_level_name(int level);

/* Write a line, unless its level is above the one set.  A line that is too long is cut; one that
 * cannot be written is lost. */
void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)  log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)   log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)   log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)  log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * A rate limit for lines that others can cause at will: at most ten in ten seconds are written, and
 * the next one says how many were suppressed.  A gate is zeroed at first; one thread for each gate.
 */
struct log_gate {
	int64_t until_ms; /* monotonic */
	uint64_t n;       /* lines written until then */
	uint64_t suppressed;
};

/* Write a line unless the gate's limit is reached. */
void log_rarely(struct log_gate *g, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
