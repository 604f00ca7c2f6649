/*
 * recent - which keys were written through this node a short while ago.
 *
 * A table of fixed size, 16 MiB, of keys' hashes and the time of their last write.  A new key takes
 * the place of the one written longest ago; where that was recent too, all keys that share its
 * place count as written then.  So a key that was noted is never missed, and a key that was not is
 * taken for one that was only when very many were noted since the time that is asked about: of
 * 500,000 keys one ask in 1,000 is wrong, of a million 4 in 100, of two million 6 in 10.
 *
 * recent_note() is for one thread, recent_since() for any; there is no lock.
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
