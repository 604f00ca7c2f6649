/*
 * compare - every key, value and deadline of two Redis (their database 0), in both directions.
 *
 * Equality is of content, not of encoding.  What differs at first is looked at a second time before
 * it counts, so that keys that were changed or expired while they were read do not.  Memory is
 * bounded: large values are read in chunks, and what differs is remembered up to a bound, from
 * which on the second look comes sooner.  One thread.
 */
#ifndef TOOLS_COMPARE_H
#define TOOLS_COMPARE_H

#include "tools/compare_value.h"

#ifdef __cplusplus
extern "C" {
#endif

struct compare_result {
	uint64_t keys[SIDES];                /* seen by the scan of each side */
	uint64_t keys_expected[SIDES];       /* as DBSIZE told at the start */
	uint64_t second_looks;               /* keys that differed at first */
	uint64_t verdicts[COMPARE_VERDICTS]; /* of them, at the second look; [COMPARE_SAME]: settled
					      */
	uint64_t bytes;                      /* of values, about, on both sides together */
	double seconds;
};

struct compare_options {
	/* Told of each difference, in the order of the keys.  May be NULL. */
	void (*difference)(void *arg, enum compare_verdict verdict, const char *key, size_t len);
	void *difference_arg;
	/* Told after each batch.  May be NULL. */
	void (*progress)(void *arg, const struct compare_result *so_far);
	void *progress_arg;
};

/* Names for people ("missing in A") and for programs ("missing_in_a").  Static storage. */
const char *compare_verdict_text(enum compare_verdict verdict);
const char *compare_verdict_word(enum compare_verdict verdict);

/* Keys that differ; those that are COMPARE_UNCLEAR are not among them. */
uint64_t compare_differing(const struct compare_result *result);

/* *result is filled in either case. */
enum dyn_entropy_status compare_run(const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, const struct compare_options *options,
	struct compare_result *result, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
