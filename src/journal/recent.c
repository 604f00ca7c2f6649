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

/*
 * A line is far away in memory: it is asked for when a key is noted, and written to some keys
 * later, when it has come.  Until then the key stands here.
 */
#define PENDING 8

struct pending {
	_Atomic uint64_t hash;
	_Atomic uint32_t stamp; /* 0: never used */
};

struct recent {
	uint8_t seed[SIPHASH_KEY_BYTES]; /* nobody outside can find keys that share a line */
	int64_t made_ms;
	struct line *lines;
	struct pending pending[PENDING];
	size_t next; /* of pending, to be used */
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

/* Put a key into its line. */
static void enter(struct recent *r, uint64_t hash, uint32_t stamp)
{
	uint64_t entry = (hash & ~(uint64_t)UINT32_MAX) | stamp;
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
	/* A reader that no longer finds the old entry finds this. */
	evicted = atomic_load_explicit(&line->evicted, memory_order_relaxed);
	if ((uint32_t)was > evicted)
		atomic_store_explicit(&line->evicted, (uint32_t)was, memory_order_release);
	atomic_store_explicit(&line->keys[oldest], entry, memory_order_release);
}

void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	struct pending *p = &r->pending[r->next++ % PENDING];
	uint32_t was = atomic_load_explicit(&p->stamp, memory_order_relaxed);

	__builtin_prefetch(line_of(r, hash), 1);
	if (was)
		enter(r, atomic_load_explicit(&p->hash, memory_order_relaxed), was);
	/* Stamps only grow: a reader that finds the old hash with the new one errs to the safe
	 * side.
	 */
	atomic_store_explicit(&p->stamp, stamp_of(r, now_ms), memory_order_release);
	atomic_store_explicit(&p->hash, hash, memory_order_release);
}

bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	uint32_t since = stamp_of(r, since_ms);
	struct line *line = line_of(r, hash);

	/* First here, then in the line: a key comes into its line before it leaves here. */
	for (size_t i = 0; i < PENDING; i++) {
		const struct pending *p = &r->pending[i];

		if (atomic_load_explicit(&p->hash, memory_order_acquire) == hash &&
			atomic_load_explicit(&p->stamp, memory_order_acquire) >= since)
			return true;
	}
	for (size_t i = 0; i < KEYS_PER_LINE; i++) {
		uint64_t e = atomic_load_explicit(&line->keys[i], memory_order_acquire);

		if (e >> 32 == hash >> 32 && (uint32_t)e >= since)
			return true;
	}
	return atomic_load_explicit(&line->evicted, memory_order_acquire) >= since;
}
