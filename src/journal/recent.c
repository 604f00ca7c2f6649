#include "journal/recent.h"

#include "journal/siphash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* The key's hash chooses a line of the size of a cache line, so that a look costs one miss. */
#define LINES         262144 /* a power of two; 16 MiB, which cost memory only once written to */
#define KEYS_PER_LINE 7
#define LINE_BYTES    64

/* The unit of a stamp: 32 bits last for eight years, after which they stay at the last moment, and
 * what is noted then is recent for ever. */
#define STAMP_MS 64

struct line {
	/* The upper half of a key's hash above the stamp of its last write; 0: never used. */
	_Atomic uint64_t keys[KEYS_PER_LINE];
	/* The newest stamp of a key that made room for another: any key of the line may have been
	 * written then. */
	_Atomic uint64_t evicted;
};

struct recent {
	uint8_t seed[SIPHASH_KEY_BYTES]; /* nobody outside can find keys that share a line */
	int64_t made_ms;
	struct line *lines;
};

struct recent *recent_new(int64_t now_ms)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->made_ms = now_ms;
	/* Zeros by calloc() are pages that are not there yet; from aligned_alloc() they would be.
	 */
	r->lines = calloc(LINES + 1, sizeof(*r->lines));
	if (!r->lines || getentropy(r->seed, sizeof(r->seed)) != 0) {
		recent_free(r);
		return NULL;
	}
	return r;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	free(r->lines);
	free(r);
}

/* A time as a stamp; one before the first is the first. */
static uint32_t stamp_of(const struct recent *r, int64_t ms)
{
	int64_t stamp = ms < r->made_ms ? 1 : (ms - r->made_ms) / STAMP_MS + 1;

	return stamp < UINT32_MAX ? (uint32_t)stamp : UINT32_MAX;
}

static struct line *line_of(const struct recent *r, uint64_t hash)
{
	uintptr_t lines = ((uintptr_t)r->lines + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;

	return (struct line *)lines + hash % LINES;
}

void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	uint64_t entry = (hash & ~(uint64_t)UINT32_MAX) | stamp_of(r, now_ms);
	struct line *line = line_of(r, hash);
	size_t oldest = 0;
	uint64_t was = UINT64_MAX, evicted;

	for (size_t i = 0; i < KEYS_PER_LINE; i++) {
		uint64_t e = atomic_load_explicit(&line->keys[i], memory_order_relaxed);

		if (e >> 32 == hash >> 32) {
			atomic_store_explicit(&line->keys[i], entry, memory_order_release);
			return;
		}
		if ((uint32_t)e < (uint32_t)was) {
			was = e;
			oldest = i;
		}
	}
	/* Who does not find the entry any more finds this. */
	evicted = atomic_load_explicit(&line->evicted, memory_order_relaxed);
	if ((uint32_t)was > evicted)
		atomic_store_explicit(&line->evicted, (uint32_t)was, memory_order_release);
	atomic_store_explicit(&line->keys[oldest], entry, memory_order_release);
}

bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	uint32_t since = stamp_of(r, since_ms);
	struct line *line = line_of(r, hash);

	for (size_t i = 0; i < KEYS_PER_LINE; i++) {
		uint64_t e = atomic_load_explicit(&line->keys[i], memory_order_acquire);

		if (e >> 32 == hash >> 32 && (uint32_t)e >= since)
			return true;
	}
	return atomic_load_explicit(&line->evicted, memory_order_acquire) >= since;
}
