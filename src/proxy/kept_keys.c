#include "proxy/kept_keys.h"

#include <stdlib.h>
#include <string.h>

bool kept_keys_reserve(struct kept_keys *k, uint32_t n, size_t bytes)
{
	if (n == 1 && bytes <= sizeof(k->room)) {
		k->keys = &k->one;
		k->bytes = k->room;
		return true;
	}
	k->keys = malloc(n * sizeof(k->keys[0]));
	k->memory = malloc(bytes + 1); /* a key may be empty */
	k->bytes = k->memory;
	if (k->keys && k->memory)
		return true;
	kept_keys_free(k);
	return false;
}

struct write_key *kept_keys_add(struct kept_keys *k, const void *key, size_t len)
{
	struct write_key *added = &k->keys[k->n++];

	memcpy(k->bytes, key, len);
	*added = (struct write_key){.bytes = k->bytes, .len = len};
	k->bytes += len;
	return added;
}

bool kept_keys_sort(
	struct kept_keys *k, const uint32_t *group_of, uint32_t *begin, uint32_t n_groups)
{
	struct write_key *sorted;

	if (k->n <= 1)
		return true;
	sorted = malloc(k->n * sizeof(*sorted));
	if (!sorted)
		return false;
	/* Counting sort: each group's begin advances to its end, where the next group began. */
	for (uint32_t i = 0; i < k->n; i++)
		sorted[begin[group_of[i]]++] = k->keys[i];
	for (uint32_t g = n_groups; g > 0; g--)
		begin[g] = begin[g - 1];
	begin[0] = 0;
	free(k->keys);
	k->keys = sorted;
	return true;
}

void kept_keys_free(struct kept_keys *k)
{
	if (k->keys != &k->one)
		free(k->keys);
	free(k->memory);
	k->keys = NULL;
	k->memory = NULL;
	k->n = 0;
}
