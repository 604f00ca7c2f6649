/*
 * conf_load - read a dynomite.yml, and report everything that is wrong with it at once.
 *
 * A file has one root key, of any name, whose value is a mapping, as in Dynomite.  Main thread.
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
 * Load and validate a file; release the result with conf_free().  NULL when there was an error:
 * report->errors then has every one that a single pass finds; its former contents are dropped.
 * Memory is bounded by the file's size, at most CONF_FILE_MAX bytes.
 */
#define CONF_FILE_MAX ((size_t)1024 * 1024)
struct conf *conf_load(const char *path, struct conf_report *report);

/*
 * The same, but returns the values despite errors if the file could be read to its end, so that
 * later checks can run as well.  A key whose value was refused has its default then, or none, and
 * its place is marked bad.
 */
struct conf *conf_load_partly(const char *path, struct conf_report *report);

/* Both, for a text in memory; path is only used in messages, *report must be empty. */
struct conf *conf_load_text(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);
struct conf *conf_load_text_partly(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
