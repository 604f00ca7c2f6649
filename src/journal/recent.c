#include "journal/recent.h"

#include "journal/siphash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A blocked Bloom filter, with a time in the place of a bit: a key has two slots of one cache line,
 * so that a look costs one miss of the cache. */
#define LINES          131072 /* a power of two; 8 MiB, which cost memory only once written to */
#define SLOTS_PER_LINE 16
#define LINE_BYTES     64

/* The unit of a stamp: 32 bits last for eight years, after which they stay at the last moment, and
 * what is noted then is recent for ever. */
#define STAMP_MS 64

struct line {
	_Atomic uint32_t slots[SLOTS_PER_LINE]; /* 0: never */
};

struct recent {
	uint8_t seed[SIPHASH_KEY_BYTES]; /* nobody outside can find keys that share their slots */
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

/* What a time is in a slot; one before the first is the first. */
static uint32_t stamp_of(const struct recent *r, int64_t ms)
{
	int64_t stamp = ms < r->made_ms ? 1 : (ms - r->made_ms) / STAMP_MS + 1;

	return stamp < UINT32_MAX ? (uint32_t)stamp : UINT32_MAX;
}

/* The two slots of a key. */
struct place {
	_Atomic uint32_t *first, *second;
};

static struct place place_of(const struct recent *r, const void *key, size_t len)
{
	uint64_t hash = siphash(r->seed, key, len);
	uintptr_t lines = ((uintptr_t)r->lines + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	struct line *line = (struct line *)lines + hash % LINES;
	uint32_t first = hash >> 32 & (SLOTS_PER_LINE - 1);
	/* Another than the first. */
	uint32_t step = 1 + (uint32_t)(hash >> 40) % (SLOTS_PER_LINE - 1);

	return (struct place){&line->slots[first], &line->slots[(first + step) % SLOTS_PER_LINE]};
}

/* The stamps need no order of their own: between a note and a look that must see it lies a write's
 * way to the datastore and an answer's way back. */

void recent_note(struct recent *r, const void *key, size_t len, int64_t now_ms)
{
	uint32_t stamp = stamp_of(r, now_ms);
	struct place place = place_of(r, key, len);

	atomic_store_explicit(place.first, stamp, memory_order_relaxed);
	atomic_store_explicit(place.second, stamp, memory_order_relaxed);
}

bool recent_since(const struct recent *r, const void *key, size_t len, int64_t since_ms)
{
	uint32_t since = stamp_of(r, since_ms);
	struct place place = place_of(r, key, len);

	return atomic_load_explicit(place.first, memory_order_relaxed) >= since &&
	       atomic_load_explicit(place.second, memory_order_relaxed) >= since;
}
