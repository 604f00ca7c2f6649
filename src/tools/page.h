/*
 * page - the pages that a running node serves on its stats_listen: which node is asked, and the
 * values of an answer in JSON.
 *
 * Main thread.
 */
#ifndef TOOLS_PAGE_H
#define TOOLS_PAGE_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/json_view.h"
#include "tools/options.h"
#include "tools/progress.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The settings of a command that asks a node begin with these. */
struct page_settings {
	const char *stats, *conf;
	struct option_number timeout_ms;
	bool json, quiet;
};

#define PAGE_DEFAULT_STATS      "127.0.0.1:22222"
#define PAGE_DEFAULT_TIMEOUT_MS 5000

/* The rows of those settings in the command's table of options. */
#define PAGE_AT(field) offsetof(struct page_settings, field)
#define PAGE_OPTIONS                                                                               \
	{0, "stats", "HOST:PORT",                                                                  \
		"the stats_listen of the node\n(default " PAGE_DEFAULT_STATS ")", OPTION_TEXT,     \
		PAGE_AT(stats), 0, 0, 0},                                                          \
		{'c', "conf", "FILE", "take stats_listen from this dynomite.yml", OPTION_TEXT,     \
			PAGE_AT(conf), 0, 0, 0},                                                   \
		{0, "timeout", "MS", "to wait for the whole reply", OPTION_NUMBER,                 \
			PAGE_AT(timeout_ms), 1, 3600000, PAGE_DEFAULT_TIMEOUT_MS},                 \
		{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, PAGE_AT(json),   \
			0, 0, 0},                                                                  \
	{                                                                                          \
		'q', "quiet", NULL, "print errors only", OPTION_FLAG, PAGE_AT(quiet), 0, 0, 0      \
	}

/* Choose the node to ask.  Returns an exit code, after a message if it is not TOOL_EXIT_OK. */
int page_choose(const char *command, const struct page_settings *s, struct addr *from);

/* Append the page at path to out; what is no unreserved character of a URL, nor one of "/:", is
 * escaped.  False after a message. */
bool page_get(const char *command, const struct page_settings *s, const struct addr *from,
	const char *path, struct buf *out);

/* ---- Values of an object ---- */

#define PAGE_TEXT_MAX 512

double page_number(const struct json_view *object, const char *name); /* NaN: there is none */
bool page_is_true(const struct json_view *object, const char *name);

/* "1,234", or "-" when unknown. */
const char *page_count(
	const struct json_view *object, const char *name, char out[PROGRESS_TEXT_MAX]);

/* "-" where there is none. */
const char *page_text(const struct json_view *object, const char *name, char out[PAGE_TEXT_MAX]);

#ifdef __cplusplus
}
#endif

#endif
