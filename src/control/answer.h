/*
 * answer - the response of a page.  Event loop's thread.
 */
#ifndef CONTROL_ANSWER_H
#define CONTROL_ANSWER_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A page writes its text into to, and sets code and type where the defaults do not fit. */
struct control_answer {
	FILE *to;         /* a memory stream */
	int code;         /* HTTP status; default 200 */
	const char *type; /* media type; default text/plain; static storage */
	const char *from; /* the client's address, for the log; borrowed */
};

/* Answer with this HTTP status and one line of text, replacing what was written so far. */
void control_answer_refuse(struct control_answer *a, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CONTROL_ANSWER_SHOWN_MAX 64
/* A value from outside (NULL: none) made printable and short enough for a message.  Returns out. */
const char *control_answer_shown(const char *value, char out[CONTROL_ANSWER_SHOWN_MAX]);

#ifdef __cplusplus
}
#endif

#endif
