/*
 * redis_words - the error replies of Redis as text: what may be shown of them, and what to do.
 *
 * Any thread.
 */
#ifndef ENTROPY_REDIS_WORDS_H
#define ENTROPY_REDIS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REDIS_WORDS_SIZE 256

/*
 * Copy an error reply's text, safe for a message: repeated arguments of a command, which may be
 * keys and values, become "...", and bytes that are not printable become '?'.  Cut to cap, which is
 * at least 1.  Returns text.
 */
const char *redis_words_clean(const char *reply, size_t len, char *text, size_t cap);

/* Whether the first word of words is this one ("OOM"). */
bool redis_words_begin(const char *words, const char *word);

/* What an operator can do about this error, or "".  Static storage. */
const char *redis_words_remedy(const char *words);

#ifdef __cplusplus
}
#endif

#endif
