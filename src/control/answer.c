#include "control/answer.h"

#include "base/shown.h"

#include <stdarg.h>
#include <string.h>

void control_answer_refuse(struct control_answer *a, int code, const char *fmt, ...)
{
	va_list args;

	rewind(a->to); /* discard what the page wrote */
	a->code = code;
	a->type = "text/plain; charset=utf-8";
	va_start(args, fmt);
	vfprintf(a->to, fmt, args);
	va_end(args);
	fputc('\n', a->to);
}

const char *control_answer_shown(const char *value, char out[CONTROL_ANSWER_SHOWN_MAX])
{
	if (!value || !*value)
		value = "nothing";
	return shown_word(value, strlen(value), out, CONTROL_ANSWER_SHOWN_MAX);
}
