/*
 * compare_chunks - compares large values in chunks, for compare_value: one function for each way to
 * read a part of a value from Redis.  One thread.
 */
#ifndef TOOLS_COMPARE_CHUNKS_H
#define TOOLS_COMPARE_CHUNKS_H

#include "tools/compare_value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COMPARE_CHUNK_BYTES ((uint64_t)1024 * 1024)
#define COMPARE_CHUNK_ITEMS 1000

/* The value being compared. */
struct compare_value {
	struct compare_pair *pair; /* borrowed */
	struct compare_bytes key;  /* borrowed */
	uint64_t usage;            /* its estimated bytes, 0: unknown */
	enum compare_verdict verdict;
};

/* Set v->verdict, which is COMPARE_SAME before.  Each stops reading at the first difference. */
enum dyn_entropy_status compare_chunks_string(
	struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_list(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_zset(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_set(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_hash(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_stream(
	struct compare_value *v, struct dyn_entropy_error *err);

/* Begin a command: its name and the key. */
void compare_chunks_command(
	const struct compare_value *v, struct compare_command *c, const char *name);

/*
 * Ask both sides; each reply must have this type (REDIS_REPLY_...).  If one is stale
 * (compare_reply_is_stale) the verdict becomes COMPARE_OTHER_VALUE, and both replies NULL.
 */
enum dyn_entropy_status compare_chunks_both(struct compare_value *v,
	const struct compare_command *c, int type, redisReply *replies[SIDES],
	struct dyn_entropy_error *err);

/* The same, for replies that must be equal byte for byte. */
enum dyn_entropy_status compare_chunks_equal(struct compare_value *v,
	const struct compare_command *c, int type, struct dyn_entropy_error *err);

/* The number of items whose reply has about COMPARE_CHUNK_BYTES. */
uint64_t compare_chunks_items(const struct compare_value *v, uint64_t items);

/* Whether two replies of member, score, member, score, ... are equal, with scores compared as
 * numbers. */
bool compare_scored_equal(const redisReply *a, const redisReply *b);

#ifdef __cplusplus
}
#endif

#endif
