/*
 * conf_report - the errors and warnings of a configuration, as lines of text.
 *
 * The loader and the later checks add to one report, so that all errors of a file are shown at
 * once.  An empty report is all zero.  Main thread.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* After this many errors one last line says that there are more. */
#define CONF_ERRORS_MAX 100

struct conf_report {
	struct conf_list errors, warnings; /* each a line "file:line: key: ..."; owned */
	bool no_memory;                    /* a line could not be stored */
	bool loading;                      /* set by the loader while it reads the file */
};

/* The place that a line names.  Line 0 and key NULL are left out.  Borrowed. */
struct conf_where {
	const char *path;
	size_t line;
	const char *key;
};

/* A key, with its line if it is set; an entry of it, at a line that the caller knows; the file as a
 * whole. */
struct conf_where conf_at(const struct conf *c, enum conf_key_id key);
struct conf_where conf_at_line(const struct conf *c, enum conf_key_id key, size_t line);
struct conf_where conf_at_file(const struct conf *c);

/* Add an error; add a warning. */
void conf_report_error(struct conf_report *report, struct conf_where where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_report_warning(struct conf_report *report, struct conf_where where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether there is no error. */
bool conf_report_is_good(const struct conf_report *report);

/* Whether there are CONF_ERRORS_MAX errors, so that no more are added. */
bool conf_report_is_full(const struct conf_report *report);

/* Release the lines and make the report empty. */
void conf_report_fini(struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
