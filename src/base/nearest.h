/*
 * nearest - the known name that is most similar to a misspelled one.  Any thread.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The index of the name that is nearest to text: the shortest one that contains text; else the one
 * with the smallest edit distance, less for a common prefix.  names is an array of n >= 1 entries
 * of stride bytes, each of which begins with a const char *.  Case is ignored.
 */
size_t nearest(const char *text, const void *names, size_t n, size_t stride);

/* Whether text may be a misspelling of name: a part of it, or a few letters off. */
bool nearest_is_slip(const char *text, const char *name);

#ifdef __cplusplus
}
#endif

#endif
