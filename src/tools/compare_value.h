/*
 * compare_value - whether a key has the same content on both sides, whatever its encoding.
 *
 * A small value is read whole and sorted; a large one, or a stream, is read in chunks, so that
 * memory stays bounded.  One thread.
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
	COMPARE_UNCLEAR, /* a module's type, with different encodings */
	COMPARE_VERDICTS,
};

/* A type of Redis. */
struct compare_type;

/* Find a type by the name that TYPE returns; NULL for a module's type. */
const struct compare_type *compare_type_find(const char *name);

/*
 * The command that reads a value of this type whole; false if it must be read in chunks.  key is
 * borrowed.
 */
bool compare_type_whole(const struct compare_type *type, const struct compare_pair *p,
	struct compare_bytes key, struct compare_command *c);

/*
 * Compare the two replies to it, whose elements get sorted.  A key whose type has changed meanwhile
 * counts as a different value; any other error fails.
 */
enum dyn_entropy_status compare_type_replies(const struct compare_type *type,
	const struct compare_pair *p, redisReply *replies[SIDES], enum compare_verdict *verdict,
	struct dyn_entropy_error *err);

/* Read and compare in chunks; usage is the estimated bytes of the larger value. */
enum dyn_entropy_status compare_type_chunks(const struct compare_type *type, struct compare_pair *p,
	struct compare_bytes key, uint64_t usage, enum compare_verdict *verdict,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
