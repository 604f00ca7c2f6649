/*
 * pages - large buffers mapped from the kernel, which gets them back as soon as they are freed.
 *
 * On the heap they would stay with the process: glibc keeps several MiB for each thread that once
 * freed a large block.  Untouched pages cost nothing.  Any thread.
 */
#ifndef ENTROPY_PAGES_H
#define ENTROPY_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The sanitizers check bounds and lifetimes only of heap memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAGES_FROM_HEAP
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PAGES_FROM_HEAP
#endif
#endif

/* NULL when memory is short. */
uint8_t *pages_new(size_t len);

/* len: as given to pages_new().  NULL is harmless. */
void pages_free(uint8_t *p, size_t len);

/* A buffer that grows.  A zeroed struct is empty. */
struct pages {
	uint8_t *bytes;
	size_t cap;
};

/* Make cap at least len.  False when memory is short; the content is kept in either case. */
bool pages_reserve(struct pages *p, size_t len);
void pages_fini(struct pages *p);

#ifdef __cplusplus
}
#endif

#endif
