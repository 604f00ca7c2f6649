#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

bool recon_names_add(struct names *l, uint64_t hash, const void *key, size_t len)
{
	size_t at = buf_len(&l->bytes);

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct name *grown = realloc(l->list, cap * sizeof(*grown));

		if (!grown)
			return false;
		l->list = grown;
		l->cap = cap;
	}
	if (len > 0 && !buf_append(&l->bytes, key, len))
		return false;
	l->list[l->n++] = (struct name){hash, at, (uint32_t)len};
	return true;
}

/* By hash, then by the key. */
static int compare(const void *pa, const void *pb, void *bytes)
{
	const struct name *a = pa, *b = pb;
	const uint8_t *base = bytes;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len ? memcmp(base + a->at, base + b->at, a->len) : 0;
}

void recon_names_sort(struct names *l)
{
	uint8_t *base = l->bytes.data ? l->bytes.data + l->bytes.pos : NULL;
	size_t kept = 0;

	if (l->n == 0)
		return;
	qsort_r(l->list, l->n, sizeof(*l->list), compare, base);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || compare(&l->list[kept - 1], &l->list[i], base) != 0)
			l->list[kept++] = l->list[i];
	l->n = kept;
}

void recon_names_clear(struct names *l)
{
	buf_clear(&l->bytes);
	l->n = 0;
}

void recon_names_fini(struct names *l)
{
	buf_fini(&l->bytes);
	free(l->list);
	memset(l, 0, sizeof(*l));
}
