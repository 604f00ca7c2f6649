#include "conf/conf_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 6144

bool conf_report_add(struct conf_list *to, const char *path, size_t line, const char *key,
	const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	size_t len = 0;

	text[0] = '\0';
	if (line)
		len = (size_t)snprintf(text, sizeof(text), "%s:%zu: ", path, line);
	else
		len = (size_t)snprintf(text, sizeof(text), "%s: ", path);
	if (key && len < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: ", key);
	if (len < sizeof(text))
		vsnprintf(text + len, sizeof(text) - len, fmt, args);
	return conf_list_add(to, text);
}

static void add_error(struct conf_report *report, const struct conf *c, size_t line,
	const char *key, const char *fmt, va_list args)
{
	if (report->errors.n > CONF_ERRORS_MAX)
		return;
	/* An error that cannot be noted must not look like none. */
	if (!conf_report_add(&report->errors, c->path, line, key, fmt, args))
		abort();
	if (report->errors.n == CONF_ERRORS_MAX)
		conf_error_at(report, c, 0, NULL, "%d errors: what else is wrong is not told",
			CONF_ERRORS_MAX);
}

void conf_error(
	struct conf_report *report, const struct conf *c, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_error(report, c, key ? conf_line(c, key) : 0, key, fmt, args);
	va_end(args);
}

void conf_error_at(struct conf_report *report, const struct conf *c, size_t line, const char *key,
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_error(report, c, line, key, fmt, args);
	va_end(args);
}

void conf_warning(
	struct conf_report *report, const struct conf *c, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!conf_report_add(
		    &report->warnings, c->path, key ? conf_line(c, key) : 0, key, fmt, args))
		abort();
	va_end(args);
}

/* NULL for a conf of no file, and for a name that is no key's. */
static const struct conf_place *find_place(const struct conf *c, const char *key)
{
	const struct conf_key *k = conf_key_find(key);

	return c->places && k ? &c->places[k - conf_keys] : NULL;
}

size_t conf_line(const struct conf *c, const char *key)
{
	const struct conf_place *place = find_place(c, key);

	return place ? place->line : 0;
}

bool conf_is_bad(const struct conf *c, const char *key)
{
	const struct conf_place *place = find_place(c, key);

	return place && place->bad;
}
