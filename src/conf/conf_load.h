/*
 * conf_load - read a dynomite.yml, and report everything that is wrong with it at once.
 *
 * A file has one root key of any name whose value is one mapping, as Dynomite has it.  Main thread.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/conf.h"
#include "conf/conf_report.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Load and validate a file; release the result with conf_free().  NULL when there was an error; all
 * that could be found in one reading are in report->errors, whose former contents are forgotten.
 * Memory is bounded by the file's size, which is at most CONF_FILE_MAX.
 */
#define CONF_FILE_MAX ((size_t)1024 * 1024)
struct conf *conf_load(const char *path, struct conf_report *report);

/*
 * The same, but with errors too when the file could be read to its end, so that what others make of
 * the values can be checked as well: a key whose value was refused has its default then, or nothing
 * (conf->places says so).
 */
struct conf *conf_load_partly(const char *path, struct conf_report *report);

/* Both, of a text that is in memory already; path is only for messages, *report is empty. */
struct conf *conf_load_text(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);
struct conf *conf_load_text_partly(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
