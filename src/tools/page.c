#include "tools/page.h"

#include "conf/conf_load.h"
#include "tools/channel.h"
#include "tools/fetch.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES_MAX 1024

/* Replace a wildcard address, which cannot be connected to, by loopback. */
static void make_reachable(struct addr *a)
{
	if (strcmp(a->host, "0.0.0.0") == 0)
		strcpy(a->host, "127.0.0.1");
	else if (strcmp(a->host, "::") == 0)
		strcpy(a->host, "::1");
}

static int address_from_conf(const char *command, const char *path, struct addr *a)
{
	struct conf_report report = {0};
	struct conf *c = conf_load(path, &report);
	bool ok = channel_tell(command, &report) && c != NULL;

	if (ok && (!addr_parse(a, c->stats_listen) || a->port == 0)) {
		tool_error("%s: %s: stats_listen %s names no port: give --stats HOST:PORT, "
			   "which is in the node's log",
			command, path, c->stats_listen);
		ok = false;
	}
	conf_free(c);
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

int page_choose(const char *command, const struct page_settings *s, struct addr *from)
{
	const char *text = s->stats != NULL ? s->stats : PAGE_DEFAULT_STATS;
	int code = TOOL_EXIT_OK;

	if (s->stats == NULL && s->conf != NULL) {
		code = address_from_conf(command, s->conf, from);
	} else if (!addr_parse(from, text) || from->port == 0) {
		tool_error("%s: --stats %s: not HOST:PORT with a port of 1..65535", command, text);
		code = TOOL_EXIT_USAGE;
	}
	if (code == TOOL_EXIT_OK)
		make_reachable(from);
	return code;
}

/* False when it does not fit. */
static bool escape(const char *path, char *out, size_t cap)
{
	size_t at = 0;

	for (; *path && at + 4 <= cap; path++) {
		unsigned char c = (unsigned char)*path;

		if (isalnum(c) || strchr("-._~/:", c))
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, cap - at, "%%%02X", c);
	}
	out[at] = '\0';
	return *path == '\0';
}

bool page_get(const char *command, const struct page_settings *s, const struct addr *from,
	const char *path, struct buf *out)
{
	uint32_t timeout_ms =
		s->timeout_ms.given ? (uint32_t)s->timeout_ms.value : PAGE_DEFAULT_TIMEOUT_MS;
	dyn_entropy_cancel *cancel = tool_cancel();
	struct dyn_entropy_error err;
	char escaped[PATH_BYTES_MAX];

	if (cancel == NULL)
		return false;
	if (!escape(path, escaped, sizeof(escaped))) {
		tool_error("%s: the name is too long", command);
		return false;
	}
	if (fetch(from, escaped, timeout_ms, cancel, out, &err) == DYN_ENTROPY_OK)
		return true;
	tool_error("%s: %s", command, err.message);
	return false;
}

/* ---- Values of an object ---- */

double page_number(const struct json_view *object, const char *name)
{
	struct json_view v;

	return json_view_member(object, name, &v) ? json_view_number(&v, (double)NAN) : (double)NAN;
}

bool page_is_true(const struct json_view *object, const char *name)
{
	struct json_view v;

	return json_view_member(object, name, &v) && json_view_is_true(&v);
}

const char *page_count(
	const struct json_view *object, const char *name, char out[PROGRESS_TEXT_MAX])
{
	double n = page_number(object, name);

	if (!(n >= 0 && n < 1.8e19))
		return "-";
	return progress_count((uint64_t)n, out);
}

const char *page_text(const struct json_view *object, const char *name, char out[PAGE_TEXT_MAX])
{
	struct json_view v;

	if (!json_view_member(object, name, &v) || !json_view_text(&v, out, PAGE_TEXT_MAX))
		strcpy(out, "-");
	return out;
}
