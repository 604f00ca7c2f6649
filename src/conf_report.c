#include "conf_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES 1024

static void add_line(struct conf_list *list, const char *fmt, va_list args)
{
	char line[LINE_MAX_BYTES];

	vsnprintf(line, sizeof(line), fmt, args);
	/* An error that cannot be noted must not look like none. */
	if (!conf_list_add(list, line))
		abort();
}

void conf_report_error(struct conf_report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(&report->errors, fmt, args);
	va_end(args);
}

void conf_report_warning(struct conf_report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(&report->warnings, fmt, args);
	va_end(args);
}
