#include "journal/recent.h"

#include "journal/siphash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A blocked Bloom filter with a time in place of each bit: a key has two slots in one cache line,
 * so that a lookup costs one cache miss. */
#define LINES          131072 /* a power of two; 8 MiB, whose pages are allocated when first written */
#define SLOTS_PER_LINE 16
#define LINE_BYTES     64

/* The unit of time: 32 bits last for eight years.  After that they stay at the maximum, and every
 * key noted then counts as recent for ever. */
#define TICK_MS 64

struct cache_line {
	_Atomic uint32_t slots[SLOTS_PER_LINE]; /* 0: never */
};

struct recent {
	uint8_t seed[SIPHASH_KEY_BYTES]; /* random, so that a client cannot choose keys that share
					    slots */
	int64_t made_ms;
	struct cache_line *lines;
};

struct recent *recent_new(int64_t now_ms)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->made_ms = now_ms;
	/* calloc() takes zero pages that are not allocated until written; aligned_alloc() and
	 * memset() would allocate them all. */
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

/* The value of a slot for a time; times before made_ms count as made_ms. */
static uint32_t tick_of(const struct recent *r, int64_t ms)
{
	int64_t tick = ms < r->made_ms ? 1 : (ms - r->made_ms) / TICK_MS + 1;

	return tick < UINT32_MAX ? (uint32_t)tick : UINT32_MAX;
}

/* The two slots of a key. */
struct key_slots {
	_Atomic uint32_t *first, *second;
};

static struct key_slots slots_of(const struct recent *r, const void *key, size_t len)
{
	uint64_t hash = siphash(r->seed, key, len);
	uintptr_t lines = ((uintptr_t)r->lines + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	struct cache_line *line = (struct cache_line *)lines + hash % LINES;
	uint32_t first = hash >> 32 & (SLOTS_PER_LINE - 1);
	/* never 0, so that the slots are different */
	uint32_t step = 1 + (uint32_t)(hash >> 40) % (SLOTS_PER_LINE - 1);

	return (struct key_slots){
		&line->slots[first], &line->slots[(first + step) % SLOTS_PER_LINE]};
}

/* Relaxed order is enough: between a note and the lookup that must see it, the write goes to the
 * datastore and its reply comes back. */

void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms)
{
	uint32_t tick = tick_of(r, now_ms);
	struct key_slots slots = slots_of(r, key, len);

	atomic_store_explicit(slots.first, tick, memory_order_relaxed);
	atomic_store_explicit(slots.second, tick, memory_order_relaxed);
}

bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms)
{
	uint32_t since = tick_of(r, since_ms);
	struct key_slots slots = slots_of(r, key, len);

	return atomic_load_explicit(slots.first, memory_order_relaxed) >= since &&
	       atomic_load_explicit(slots.second, memory_order_relaxed) >= since;
}
