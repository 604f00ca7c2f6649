/*
 * recent - which keys were written through this node a short while ago.
 *
 * A filter of times, of a fixed size: it never overflows, and has no false negatives.  It has false
 * positives, the more the more keys were noted since the time asked about: about 2 % after 100,000
 * keys, 40 % after a million.
 *
 * recent_note() and recent_since() may be called by any threads, without a lock.
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

/* An empty filter, which knows nothing of the time before now_ms; release it with recent_free().
 * NULL when out of memory, or the system has no random bytes.  Times are of the monotonic clock, in
 * ms. */
struct recent *recent_new(int64_t now_ms);
void recent_free(struct recent *r);

/* Note that a key is written now.  Call it before the write can take effect, with times that never
 * decrease. */
void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms);

/* Whether the key may have been written at or after since_ms; false means that it was not. */
bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms);

#ifdef __cplusplus
}
#endif

#endif
