/*
 * recent - which keys were written through this node a short while ago.
 *
 * A table of fixed size, 32 MiB, of keys' hashes and the times of their last writes.  A new key
 * replaces the least recently written one of its line; all other keys of that line count as written
 * at the time of the replaced one from then on.  So there are no false negatives, and false
 * positives only when very many keys were noted since the time asked about: 0.1 % after a
 * million keys, 4 % after two million, 60 % after four million.
 *
 * recent_note() and recent_hold() may be called by one thread, the others by any; there is no lock.
 */
#ifndef JOURNAL_RECENT_H
#define JOURNAL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct recent;

/* An empty table, which knows nothing of the time before now_ms; release it with recent_free().
 * NULL when out of memory, or the system has no random bytes.  Times are of the monotonic clock, in
 * ms. */
struct recent *recent_new(int64_t now_ms);
void recent_free(struct recent *r);

/* Note that a key is written now.  Call it before the write can take effect, with times that never
 * decrease. */
void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms);

/* Whether the key may have been written at or after since_ms; false means that it was not. */
bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms);

/* What may be said instead of a time: that every key matters, or none. */
#define RECENT_HELD_ALL  INT64_MIN
#define RECENT_HELD_NONE INT64_MAX

/* Say since when the keys that were noted still matter, however long ago that is.  recent_held_ms()
 * is what was said last, RECENT_HELD_NONE before that. */
void recent_hold(struct recent *r, int64_t since_ms);
int64_t recent_held_ms(const struct recent *r);

#ifdef __cplusplus
}
#endif

#endif
