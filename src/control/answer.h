/*
 * answer - what a page says to whoever asks.  Event loop's thread.
 */
#ifndef CONTROL_ANSWER_H
#define CONTROL_ANSWER_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A page writes into to, and changes code and type where they differ. */
struct control_answer {
	FILE *to;         /* a memory stream */
	int code;         /* of HTTP; 200 */
	const char *type; /* text/plain */
	const char *from; /* the address that asks, for the log */
};

/* Answer with this HTTP code and line of text, in place of what was written so far. */
void control_answer_refuse(struct control_answer *a, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CONTROL_ANSWER_SHOWN_MAX 64
/* A value from outside (NULL: none), fit for a message: printable, and not too long.  Returns out.
 */
const char *control_answer_shown(const char *value, char out[CONTROL_ANSWER_SHOWN_MAX]);

#ifdef __cplusplus
}
#endif

#endif
