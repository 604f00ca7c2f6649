/*
 * scan_pace - how many keys the next batch of a scan asks for, and how long to wait before
 * it.
 *
 * Redis serves one command at a time, so a batch delays all its other clients.  Paced (with a
 * rate), a batch is small, gets smaller when Redis answers more slowly than before, and is
 * followed by a rest of four times its duration, so that a scan occupies Redis at most a fifth of
 * the time.  Without a rate there is no rest; only large values make a batch smaller.  A plain
 * value without I/O; times are those of clock_monotonic_us.  One thread at a time.
 */
#ifndef ENTROPY_SCAN_PACE_H
#define ENTROPY_SCAN_PACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCAN_PACE_BATCH_MAX 128 /* keys */

struct scan_pace {
	uint64_t max_rate;  /* bytes per second; 0: no pause */
	uint32_t batch;     /* keys to ask for next, 1..batch_max */
	uint32_t batch_max; /* keys */
	int64_t next_us;    /* when the next batch may begin */
	/* Private. */
	uint32_t size;      /* what batch would be if no value were large */
	double rtt_us;      /* of a request that is trivial for Redis */
	double key_us;      /* running average that a key adds to it; 0: not known yet */
	double large_bytes; /* the largest recent value; decays */
};

/* rtt_us: how long Redis took to answer something trivial. */
void scan_pace_init(struct scan_pace *p, uint64_t max_rate, int64_t rtt_us);

/* The measured batch. */
struct scan_pace_batch {
	uint32_t keys;
	uint64_t bytes;         /* of all values */
	uint64_t largest_bytes; /* of one value */
	int64_t begin_us, end_us;
};

/* Learn from a finished batch, and set batch and next_us for the next one. */
void scan_pace_done(struct scan_pace *p, const struct scan_pace_batch *b);

#ifdef __cplusplus
}
#endif

#endif
