/*
 * shown - makes a text from outside safe to show in a message: printable, and not too long.
 *
 * Each function writes to out, of cap bytes (at least 1), and returns it.  Any thread.
 */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes other than printable ASCII become '?'; cut to cap. */
const char *shown_ascii(const void *bytes, size_t len, char *out, size_t cap);

/* The same for a word: a blank becomes '?' too. */
const char *shown_word(const void *bytes, size_t len, char *out, size_t cap);

/* As in C: printable ASCII unchanged, the rest as \n or \xHH.  Cut at the end of an escape; a byte
 * takes at most SHOWN_ESCAPE. */
#define SHOWN_ESCAPE 4
const char *shown_escaped(const void *bytes, size_t len, char *out, size_t cap);

/* Quoted UTF-8, with control characters as \xHH; a text that is too long is cut after a whole
 * character, with "..." at the end. */
#define SHOWN_QUOTED_MAX 96
const char *shown_quoted(const char *text, char out[SHOWN_QUOTED_MAX]);

/* The length of the control character at the start of text, in UTF-8; 0 when there is none. */
size_t shown_control_len(const char *text);

#ifdef __cplusplus
}
#endif

#endif
