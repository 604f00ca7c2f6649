#include "conf/conf_report.h"

#include "conf/conf_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 6144

struct conf_where conf_at(const struct conf *c, enum conf_key_id key)
{
	return conf_at_line(c, key, c->places[key].line);
}

struct conf_where conf_at_line(const struct conf *c, enum conf_key_id key, size_t line)
{
	return (struct conf_where){c->path, line, conf_keys[key].name};
}

struct conf_where conf_at_file(const struct conf *c)
{
	return (struct conf_where){c->path, 0, NULL};
}

/* False when out of memory. */
static bool add_line(
	struct conf_list *to, const struct conf_where *where, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	size_t len = 0;

	if (where->line)
		len = (size_t)snprintf(text, sizeof(text), "%s:%zu: ", where->path, where->line);
	else
		len = (size_t)snprintf(text, sizeof(text), "%s: ", where->path);
	if (where->key && len < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: ", where->key);
	if (len < sizeof(text))
		vsnprintf(text + len, sizeof(text) - len, fmt, args);
	return conf_list_add(to, text);
}

static void add_last_error(struct conf_report *report, const char *path)
{
	char text[LINE_MAX_BYTES];

	snprintf(text, sizeof(text), "%s: %d errors: %s", path, CONF_ERRORS_MAX,
		report->loading ? "the rest of the file was not read"
				: "what else is wrong is not told");
	if (!conf_list_add(&report->errors, text))
		report->no_memory = true;
}

void conf_report_error(struct conf_report *report, struct conf_where where, const char *fmt, ...)
{
	va_list args;

	if (conf_report_is_full(report))
		return;
	va_start(args, fmt);
	if (!add_line(&report->errors, &where, fmt, args))
		report->no_memory = true;
	va_end(args);
	if (report->errors.n == CONF_ERRORS_MAX)
		add_last_error(report, where.path);
}

void conf_report_warning(struct conf_report *report, struct conf_where where, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!add_line(&report->warnings, &where, fmt, args))
		report->no_memory = true;
	va_end(args);
}

bool conf_report_is_good(const struct conf_report *report)
{
	return report->errors.n == 0 && !report->no_memory;
}

bool conf_report_is_full(const struct conf_report *report)
{
	return report->errors.n > CONF_ERRORS_MAX;
}

void conf_report_fini(struct conf_report *report)
{
	conf_list_fini(&report->errors);
	conf_list_fini(&report->warnings);
	memset(report, 0, sizeof(*report));
}
