/*
 * pages - large buffers straight from the kernel, which has them back as soon as they are freed.
 *
 * From the heap they would stay with the process: glibc keeps several MiB for each thread that once
 * freed a large block.  What was not touched yet costs nothing.  Any thread.
 */
#ifndef ENTROPY_PAGES_H
#define ENTROPY_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The sanitizers see the bounds and the comings and goings of what is from the heap alone. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAGES_FROM_HEAP
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PAGES_FROM_HEAP
#endif
#endif

/* NULL when memory is short. */
uint8_t *pages_new(size_t len);

/* len: as it was asked for.  Harmless on NULL. */
void pages_free(uint8_t *p, size_t len);

/* Some that grow.  A zeroed struct is empty. */
struct pages {
	uint8_t *bytes;
	size_t cap;
};

/* Let there be room for len bytes in all.  The content stays, also when memory is short (false). */
bool pages_reserve(struct pages *p, size_t len);
void pages_fini(struct pages *p);

#ifdef __cplusplus
}
#endif

#endif
