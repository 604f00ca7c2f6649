/*
 * shown - a text from outside, made fit for a message: printable, and not too long.
 *
 * Each function fills out, of cap bytes (at least 1), and returns it.  Any thread.
 */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is not printable ASCII becomes '?'; cut to cap. */
const char *shown_ascii(const void *bytes, size_t len, char *out, size_t cap);

/* The same for a word: a blank becomes '?' too. */
const char *shown_word(const void *bytes, size_t len, char *out, size_t cap);

/* As in C: printable ASCII as it is, the rest as \n or \xHH.  Cut before what does not fit; a byte
 * takes at most SHOWN_ESCAPE of them. */
#define SHOWN_ESCAPE 4
const char *shown_escaped(const void *bytes, size_t len, char *out, size_t cap);

/* Quoted UTF-8, with control characters as \xHH; what is too long ends with "..." behind a whole
 * character. */
#define SHOWN_QUOTED_MAX 96
const char *shown_quoted(const char *text, char out[SHOWN_QUOTED_MAX]);

/* The bytes of the control character that text begins with, in UTF-8; 0 when it begins with none.
 */
size_t shown_control_len(const char *text);

#ifdef __cplusplus
}
#endif

#endif
