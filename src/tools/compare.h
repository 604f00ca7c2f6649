/*
 * compare - compares every key, value and deadline of two Redis (database 0), in both directions.
 *
 * Values are compared by content, not by encoding.  Keys that differ are read again later, so that
 * those which were changed or expired meanwhile do not count.  Memory is bounded: large values are
 * read in chunks, and when too many keys differ they are read again sooner.  One thread.
 */
#ifndef TOOLS_COMPARE_H
#define TOOLS_COMPARE_H

#include "tools/compare_value.h"

#ifdef __cplusplus
extern "C" {
#endif

struct compare_result {
	uint64_t keys[SIDES];          /* found by the scan of each side */
	uint64_t keys_expected[SIDES]; /* DBSIZE at the start */
	uint64_t second_looks;         /* keys that differed at first */
	uint64_t
		verdicts[COMPARE_VERDICTS]; /* of them, by result; [COMPARE_SAME]: changed meanwhile
					     */
	uint64_t bytes;                     /* of values, estimated, of both sides together */
	double seconds;
};

struct compare_options {
	/* Called for each difference, in the order of the keys.  May be NULL. */
	void (*difference)(void *arg, enum compare_verdict verdict, const char *key, size_t len);
	void *difference_arg;
	/* Called after each batch.  May be NULL. */
	void (*progress)(void *arg, const struct compare_result *so_far);
	void *progress_arg;
};

/* Names for people ("missing in A") and for programs ("missing_in_a").  Static storage. */
const char *compare_verdict_text(enum compare_verdict verdict);
const char *compare_verdict_word(enum compare_verdict verdict);

/* The number of keys that differ, without those that are COMPARE_UNCLEAR. */
uint64_t compare_differing(const struct compare_result *result);

/* Compare; *result is filled in even on failure. */
enum dyn_entropy_status compare_run(const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, const struct compare_options *options,
	struct compare_result *result, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
