/*
 * kept_keys - copies of the keys that a write may change, for as long as its call lives.
 *
 * A zeroed struct holds none, and costs nothing.  One short key needs no allocation.  Event loop's
 * thread.
 */
#ifndef PROXY_KEPT_KEYS_H
#define PROXY_KEPT_KEYS_H

#include "proxy/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEPT_KEYS_INLINE 48 /* bytes of a key */

struct kept_keys {
	struct write_key *keys; /* n of them; &one, or owned */
	void *memory;           /* private, owned: of their bytes */
	uint8_t *bytes;         /* private: where those of the next one go */
	uint32_t n;
	struct write_key one;
	uint8_t room[KEPT_KEYS_INLINE];
};

/* Make room for n keys, of so many bytes together.  False when memory is short. */
bool kept_keys_reserve(struct kept_keys *k, uint32_t n, size_t bytes);

/* Copy one more, behind the others; there must be room for it. */
void kept_keys_add(struct kept_keys *k, const void *key, size_t len, uint64_t mark);

/*
 * Sort them by group: group_of has one for each key, in the order in which they were added, begin
 * how many keys the groups before each have (plan_sort()).  None may be as well.  False when memory
 * is short; the order stays then.
 */
bool kept_keys_sort(
	struct kept_keys *k, const uint32_t *group_of, uint32_t *begin, uint32_t n_groups);

void kept_keys_free(struct kept_keys *k);

static inline void kept_keys_fini(struct kept_keys *k)
{
	if (k->keys) /* most calls keep none */
		kept_keys_free(k);
}

#ifdef __cplusplus
}
#endif

#endif
