/*
 * compare_value - whether a key has the same content on both sides, however Redis encodes it there.
 *
 * A small value is read whole and brought into one order; a large one, and a stream, is read in
 * chunks, so that memory stays bounded.  One thread.
 */
#ifndef TOOLS_COMPARE_VALUE_H
#define TOOLS_COMPARE_VALUE_H

#include "tools/compare_pair.h"

#ifdef __cplusplus
extern "C" {
#endif

enum compare_verdict {
	COMPARE_SAME,
	COMPARE_MISSING_IN_A,
	COMPARE_MISSING_IN_B,
	COMPARE_OTHER_TYPE,
	COMPARE_OTHER_VALUE,
	COMPARE_OTHER_DEADLINE,
	COMPARE_UNCLEAR, /* a module's type, in another encoding */
	COMPARE_VERDICTS,
};

/* A type of Redis. */
struct compare_type;

/* By the name that TYPE gives; NULL for a type of a module. */
const struct compare_type *compare_type_find(const char *name);

/*
 * The command that reads a value of this type whole; false where it has to be read in chunks.  key
 * is borrowed.
 */
bool compare_type_whole(const struct compare_type *type, const struct compare_pair *p,
	struct compare_bytes key, struct compare_command *c);

/*
 * Compare its two replies, whose elements change their order.  A key that has become another
 * meanwhile has another value; any other error fails.
 */
enum dyn_entropy_status compare_type_replies(const struct compare_type *type,
	const struct compare_pair *p, redisReply *replies[SIDES], enum compare_verdict *verdict,
	struct dyn_entropy_error *err);

/* Read and compare in chunks; usage: about how many bytes the larger of the two takes. */
enum dyn_entropy_status compare_type_chunks(const struct compare_type *type, struct compare_pair *p,
	struct compare_bytes key, uint64_t usage, enum compare_verdict *verdict,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
