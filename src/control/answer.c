#include "control/answer.h"

#include <stdarg.h>

void control_answer_refuse(struct control_answer *a, int code, const char *fmt, ...)
{
	va_list args;

	rewind(a->to); /* whatever it was about to say */
	a->code = code;
	a->type = "text/plain; charset=utf-8";
	va_start(args, fmt);
	vfprintf(a->to, fmt, args);
	va_end(args);
	fputc('\n', a->to);
}

const char *control_answer_shown(const char *value, char out[CONTROL_ANSWER_SHOWN_MAX])
{
	size_t len = 0;

	if (!value || !*value)
		value = "nothing";
	for (; value[len] && len + 1 < CONTROL_ANSWER_SHOWN_MAX; len++)
		out[len] = value[len] > ' ' && value[len] < 0x7f ? value[len] : '?';
	out[len] = '\0';
	return out;
}
