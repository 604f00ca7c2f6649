/*
 * conf_report - what is wrong with a configuration, in lines for people.
 *
 * The loader and those who make something of the values add to one report, so that all that is
 * wrong with a file is told at once.  An empty report is all zero.  Main thread.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* After as many there comes no more but a line that says so. */
#define CONF_ERRORS_MAX 100

struct conf_report {
	struct conf_list errors, warnings; /* a line each, "file:line: key: ..."; owned */
	bool no_memory;                    /* there is more than could be kept */
	bool loading;                      /* the loader's: the file is being read */
};

/* What a line is about.  Line 0 and key NULL are left out.  Borrowed. */
struct conf_where {
	const char *path;
	size_t line;
	const char *key;
};

/* The key, and the line on which it stands, if it does; an entry of it, on a line that the caller
 * knows; the file as a whole. */
struct conf_where conf_at(const struct conf *c, enum conf_key_id key);
struct conf_where conf_at_line(const struct conf *c, enum conf_key_id key, size_t line);
struct conf_where conf_at_file(const struct conf *c);

/* Add what is wrong, or what may be. */
void conf_report_error(struct conf_report *report, struct conf_where where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_report_warning(struct conf_report *report, struct conf_where where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether nothing is wrong. */
bool conf_report_is_good(const struct conf_report *report);

/* Whether there are so many errors that no more are added. */
bool conf_report_is_full(const struct conf_report *report);

/* Release the lines, and make it empty. */
void conf_report_fini(struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
