/*
 * compare_chunks - the readers of large values behind compare_value, one for each way that Redis
 * can be asked for a part of a value.  One thread.
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
	uint64_t usage;            /* about its bytes, 0: unknown */
	enum compare_verdict verdict;
};

/* Set v->verdict, which is COMPARE_SAME before.  Each reads on only while the two are alike. */
enum dyn_entropy_status compare_chunks_string(
	struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_list(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_zset(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_set(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_hash(struct compare_value *v, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_chunks_stream(
	struct compare_value *v, struct dyn_entropy_error *err);

/* name and the key, as every command on a value begins. */
void compare_chunks_command(
	const struct compare_value *v, struct compare_command *c, const char *name);

/*
 * Ask both sides; each reply has to be of this type (REDIS_REPLY_...).  Where one is stale
 * (compare_reply_is_stale) the verdict becomes COMPARE_OTHER_VALUE, and both replies NULL.
 */
enum dyn_entropy_status compare_chunks_both(struct compare_value *v,
	const struct compare_command *c, int type, redisReply *replies[SIDES],
	struct dyn_entropy_error *err);

/* The same where the two have only to be equal, to the last byte. */
enum dyn_entropy_status compare_chunks_equal(struct compare_value *v,
	const struct compare_command *c, int type, struct dyn_entropy_error *err);

/* So many of the value's items that a reply of them is about COMPARE_CHUNK_BYTES. */
uint64_t compare_chunks_items(const struct compare_value *v, uint64_t items);

/* Whether two replies of member, score, member, score, ... are the same; a score as a number. */
bool compare_scored_equal(const redisReply *a, const redisReply *b);

#ifdef __cplusplus
}
#endif

#endif
