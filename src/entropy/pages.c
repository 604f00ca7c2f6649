#include "entropy/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CAP_MIN ((size_t)4096)

#ifdef PAGES_FROM_HEAP

uint8_t *pages_new(size_t len)
{
	return malloc(len);
}

static uint8_t *grow(uint8_t *p, size_t len, size_t new_len)
{
	(void)len;
	return realloc(p, new_len);
}

void pages_free(uint8_t *p, size_t len)
{
	(void)len;
	free(p);
}

#else

uint8_t *pages_new(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint8_t *grow(uint8_t *p, size_t len, size_t new_len)
{
	void *grown = mremap(p, len, new_len, MREMAP_MAYMOVE);

	return grown == MAP_FAILED ? NULL : grown;
}

void pages_free(uint8_t *p, size_t len)
{
	if (p)
		munmap(p, len);
}

#endif

bool pages_reserve(struct pages *p, size_t len)
{
	size_t cap = p->cap ? p->cap : CAP_MIN;
	uint8_t *bytes;

	if (len <= p->cap)
		return true;
	while (cap < len)
		cap *= 2;
	bytes = p->bytes ? grow(p->bytes, p->cap, cap) : pages_new(cap);
	if (!bytes)
		return false;
	p->bytes = bytes;
	p->cap = cap;
	return true;
}

void pages_fini(struct pages *p)
{
	pages_free(p->bytes, p->cap);
	memset(p, 0, sizeof(*p));
}
