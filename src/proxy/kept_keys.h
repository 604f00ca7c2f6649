/*
 * kept_keys - copies of the keys that a write may change, kept while its call lives.
 *
 * A zeroed struct is empty.  A single short key needs no allocation.  Event loop's thread.
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

#define KEPT_KEYS_INLINE 48 /* bytes of the single key that fits in the struct */

struct kept_keys {
	struct write_key *keys; /* n of them; &one, or owned */
	void *memory;           /* private: for their bytes; owned */
	uint8_t *bytes;         /* private: where the bytes of the next key go */
	uint32_t n;
	struct write_key one;
	uint8_t room[KEPT_KEYS_INLINE];
};

/* Make room for n keys of a total of so many bytes.  False when out of memory. */
bool kept_keys_reserve(struct kept_keys *k, uint32_t n, size_t bytes);

/* Append a copy of a key, and return it for its other fields; room must have been reserved. */
struct write_key *kept_keys_add(struct kept_keys *k, const void *key, size_t len);

/*
 * Sort the keys by group: group_of has the group of each key, in the order in which they were
 * added; begin has, for each group, the number of keys in the groups before it (plan_sort()).  Does
 * nothing for an empty struct.  False, with the order unchanged, when out of memory.
 */
bool kept_keys_sort(
	struct kept_keys *k, const uint32_t *group_of, uint32_t *begin, uint32_t n_groups);

/* The general case of kept_keys_fini(): release the memory and empty the struct. */
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
