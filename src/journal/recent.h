/*
 * recent - which keys were written through this node a short while ago.
 *
 * A filter of time stamps, of a fixed size: it never overflows, and it never misses a key that was
 * noted.  What it gets wrong it gets wrong to one side: it may take a key for written that was not,
 * the more often the more keys were noted since the time that it is asked about (of 100,000 keys
 * about 2 in 100 asks, of a million 4 in 10).
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

/* An empty one; times before now_ms are none of it.  NULL when memory is short, or the system has
 * no random bytes.  Times are of the monotonic clock, in milliseconds. */
struct recent *recent_new(int64_t now_ms);
void recent_free(struct recent *r);

/* A key is written now.  To be called before the write can take effect, and with times that do not
 * go back. */
void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms);

/* Whether the key may have been written at or after since_ms; false is certain. */
bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms);

#ifdef __cplusplus
}
#endif

#endif
