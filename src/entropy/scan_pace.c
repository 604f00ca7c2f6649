#include "entropy/scan_pace.h"

#include <string.h>

#define BATCH_FIRST     1  /* keys; the first may be large */
#define PACED_BATCH_MAX 16 /* keys; with 20, GETs of other clients took 1.7 times as long (p99) */

/* Bytes of one batch, if all values were as large as the largest recent one. */
#define BATCH_BYTES       (4.0 * 1024 * 1024)
#define PACED_BATCH_BYTES (256.0 * 1024)

#define REST_FACTOR   4     /* the rest after a batch, in durations of the batch */
#define SLOW_FACTOR   2.0   /* a batch is slow when it takes this many times the expected time */
#define SLOW_SLACK_US 100.0 /* and this much more, for the scheduler's noise */
#define AVERAGE_OVER  16.0  /* batches */
#define FORGET_OVER   32.0  /* batches */

void scan_pace_init(struct scan_pace *p, uint64_t max_rate, int64_t rtt_us)
{
	memset(p, 0, sizeof(*p));
	p->max_rate = max_rate;
	p->batch_max = max_rate > 0 ? PACED_BATCH_MAX : SCAN_PACE_BATCH_MAX;
	p->size = BATCH_FIRST;
	p->batch = BATCH_FIRST;
	p->rtt_us = (double)rtt_us;
}

/* Whether the batch took clearly longer than earlier ones; updates the average. */
static int was_slow(struct scan_pace *p, const struct scan_pace_batch *b)
{
	double took_us = (double)(b->end_us - b->begin_us);
	double key_us = took_us > p->rtt_us ? (took_us - p->rtt_us) / b->keys : 0;
	double expected_us = p->rtt_us + b->keys * p->key_us;
	int slow = p->key_us > 0 && took_us > SLOW_FACTOR * expected_us + SLOW_SLACK_US;

	if (p->key_us <= 0)
		p->key_us = key_us;
	/* One outlier must not become the norm. */
	if (key_us > 2 * p->key_us)
		key_us = 2 * p->key_us;
	p->key_us += (key_us - p->key_us) / AVERAGE_OVER;
	return slow;
}

/* As many keys as fit if all values were as large as the largest recent one. */
static uint32_t limit_by_bytes(struct scan_pace *p, uint64_t largest_bytes)
{
	double budget = p->max_rate > 0 ? PACED_BATCH_BYTES : BATCH_BYTES;

	/* SCAN's order is that of a hash, so earlier values predict later ones. */
	p->large_bytes -= p->large_bytes / FORGET_OVER;
	if ((double)largest_bytes > p->large_bytes)
		p->large_bytes = (double)largest_bytes;
	if (p->large_bytes * p->size <= budget)
		return p->size;
	return p->large_bytes < budget ? (uint32_t)(budget / p->large_bytes) : 1;
}

void scan_pace_done(struct scan_pace *p, const struct scan_pace_batch *b)
{
	int64_t took_us = b->end_us - b->begin_us;
	int64_t rest_us = REST_FACTOR * took_us;

	if (b->keys > 0) {
		if (was_slow(p, b) && p->max_rate > 0)
			p->size = p->size > 1 ? p->size / 2 : 1;
		else
			p->size += p->size < 8 ? 1 : p->size / 8;
		if (p->size > p->batch_max)
			p->size = p->batch_max;
		p->batch = limit_by_bytes(p, b->largest_bytes);
	}
	p->next_us = b->end_us;
	if (p->max_rate > 0) {
		double due_us = (double)b->bytes * 1e6 / (double)p->max_rate;

		if (due_us - (double)took_us > (double)rest_us)
			rest_us = (int64_t)due_us - took_us;
		p->next_us += rest_us;
	}
}
