#include "journal/recent.h"

#include "journal/siphash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A key's hash selects a line of the size of a cache line, so that a lookup costs one cache miss.
 */
#define LINES         524288 /* a power of two; 32 MiB, whose pages are allocated when first written */
#define KEYS_PER_LINE 7
#define LINE_BYTES    64

/* The unit of time: 32 bits last for eight years.  After that they stay at the maximum, and every
 * key noted then counts as recent for ever. */
#define TICK_MS 64

struct cache_line {
	/* The upper half of a key's hash, and below it the tick of its last write; 0: unused. */
	_Atomic uint64_t keys[KEYS_PER_LINE];
	/* The newest tick of a replaced key: any key of the line may have been written then. */
	_Atomic uint64_t evicted;
};

/*
 * A line is usually not in the CPU's cache: it is prefetched when a key is noted, and written a few
 * keys later.  Until then the key is here.
 */
#define PENDING 8

struct pending {
	_Atomic uint64_t hash;
	_Atomic uint32_t tick; /* 0: unused */
};

struct recent {
	uint8_t seed[SIPHASH_KEY_BYTES]; /* random, so that a client cannot choose keys that share a
					    line */
	int64_t made_ms;
	_Atomic int64_t held_ms;
	void *memory;             /* of the lines */
	struct cache_line *lines; /* aligned in it */
	struct pending pending[PENDING];
	size_t next; /* of pending: the next to use */
};

struct recent *recent_new(int64_t now_ms)
{
	struct recent *r = calloc(1, sizeof(*r));
	uintptr_t begin;

	if (!r)
		return NULL;
	r->made_ms = now_ms;
	atomic_init(&r->held_ms, RECENT_HELD_NONE);
	/* calloc() takes zero pages that are not allocated until written; aligned_alloc() and
	 * memset() would allocate them all. */
	r->memory = calloc(LINES + 1, sizeof(*r->lines));
	if (!r->memory || getentropy(r->seed, sizeof(r->seed)) != 0) {
		recent_free(r);
		return NULL;
	}
	begin = ((uintptr_t)r->memory + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	r->lines = (struct cache_line *)begin;
	return r;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	free(r->memory);
	free(r);
}

/* A time in ticks; times before made_ms count as made_ms. */
static uint32_t tick_of(const struct recent *r, int64_t ms)
{
	int64_t tick = ms < r->made_ms ? 1 : (ms - r->made_ms) / TICK_MS + 1;

	return tick < UINT32_MAX ? (uint32_t)tick : UINT32_MAX;
}

static struct cache_line *line_of(const struct recent *r, uint64_t hash)
{
	return r->lines + hash % LINES;
}

/* Store a key in its line. */
static void enter(struct recent *r, uint64_t hash, uint32_t tick)
{
	uint64_t entry = (hash & ~(uint64_t)UINT32_MAX) | tick;
	struct cache_line *line = line_of(r, hash);
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
	/* Set before the entry is replaced, so that a reader finds one or the other. */
	evicted = atomic_load_explicit(&line->evicted, memory_order_relaxed);
	if ((uint32_t)was > evicted)
		atomic_store_explicit(&line->evicted, (uint32_t)was, memory_order_release);
	atomic_store_explicit(&line->keys[oldest], entry, memory_order_release);
}

void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	struct pending *p = &r->pending[r->next++ % PENDING];
	uint32_t was = atomic_load_explicit(&p->tick, memory_order_relaxed);

	__builtin_prefetch(line_of(r, hash), 1);
	if (was)
		enter(r, atomic_load_explicit(&p->hash, memory_order_relaxed), was);
	/* The new tick is not older, so a reader that sees it with the old hash errs on the safe
	 * side. */
	atomic_store_explicit(&p->tick, tick_of(r, now_ms), memory_order_release);
	atomic_store_explicit(&p->hash, hash, memory_order_release);
}

bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms)
{
	uint64_t hash = siphash(r->seed, key, len);
	uint32_t since = tick_of(r, since_ms);
	struct cache_line *line = line_of(r, hash);

	/* Search here before the line: a key is stored in its line before it is removed here. */
	for (size_t i = 0; i < PENDING; i++) {
		const struct pending *p = &r->pending[i];

		if (atomic_load_explicit(&p->hash, memory_order_acquire) == hash &&
			atomic_load_explicit(&p->tick, memory_order_acquire) >= since)
			return true;
	}
	for (size_t i = 0; i < KEYS_PER_LINE; i++) {
		uint64_t e = atomic_load_explicit(&line->keys[i], memory_order_acquire);

		if (e >> 32 == hash >> 32 && (uint32_t)e >= since)
			return true;
	}
	return atomic_load_explicit(&line->evicted, memory_order_acquire) >= since;
}

void recent_hold(struct recent *r, int64_t since_ms)
{
	atomic_store_explicit(&r->held_ms, since_ms, memory_order_release);
}

int64_t recent_held_ms(const struct recent *r)
{
	return atomic_load_explicit(&r->held_ms, memory_order_acquire);
}
