/*
 * nearest - the known name that an unknown one was meant to be.  Any thread.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The place, in names, of the one that text most resembles: of those that it is a part of the
 * shortest; else the one with the fewest letters to change, where a common beginning speaks for it.
 * names is an array of n entries, at least one, of stride bytes that each begin with a const char
 * *.  Capitals and small letters are the same.
 */
size_t nearest(const char *text, const void *names, size_t n, size_t stride);

/* Whether text is so close to name that it may be a slip of it: a part, or a few letters off. */
bool nearest_is_slip(const char *text, const char *name);

#ifdef __cplusplus
}
#endif

#endif
