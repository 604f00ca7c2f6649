/*
 * stamp - a hybrid logical timestamp: one number that orders all writes of a ring.
 *
 * 42 bits of milliseconds since 2020-01-01T00:00:00Z, 10 bits of the node that took the write from
 * its client, 12 bits of a counter: a hybrid logical clock (Kulkarni et al., "Logical Physical
 * Clocks", 2014).  A node draws stamps that are greater than any that it has drawn or seen, so a
 * write made after seeing another one has the greater stamp, even if clocks differ.
 *
 * Plain values; the clock belongs to one thread.
 */
#ifndef JOURNAL_STAMP_H
#define JOURNAL_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STAMP_NODES_MAX   1024
#define STAMP_COUNTER_MAX 4095

/* Stamps further ahead of the local clock than this, in ms, are refused. */
#define STAMP_AHEAD_MAX_MS 10000

/* An epoch is 2^13 ms. */
#define STAMP_EPOCH_MS_BITS 13

struct stamp_clock {
	uint64_t last; /* the greatest stamp drawn or seen */
	uint32_t node; /* below STAMP_NODES_MAX */
};

static inline uint64_t stamp_make(uint64_t ms, uint32_t node, uint32_t counter)
{
	return ms << 22 | (uint64_t)node << 12 | counter;
}

static inline uint64_t stamp_ms(uint64_t stamp)
{
	return stamp >> 22;
}

static inline uint32_t stamp_node(uint64_t stamp)
{
	return stamp >> 12 & (STAMP_NODES_MAX - 1);
}

static inline uint32_t stamp_epoch(uint64_t stamp)
{
	return (uint32_t)(stamp >> (22 + STAMP_EPOCH_MS_BITS));
}

/* A new stamp, greater than all before.  now_ms is the wall clock, in ms since 2020. */
uint64_t stamp_draw(struct stamp_clock *c, uint64_t now_ms);

/* Advance the clock to another node's stamp.  False, with the clock unchanged, when the stamp is
 * too far ahead. */
bool stamp_see(struct stamp_clock *c, uint64_t stamp, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
