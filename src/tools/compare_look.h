/*
 * compare_look - compares a batch of keys: their presence, deadline and content on both sides.
 *
 * One thread.
 */
#ifndef TOOLS_COMPARE_LOOK_H
#define TOOLS_COMPARE_LOOK_H

#include "tools/compare_value.h"

#ifdef __cplusplus
extern "C" {
#endif

struct compare_look {
	struct compare_bytes key;     /* borrowed */
	enum compare_verdict verdict; /* set by compare_look_at */
	/* Private. */
	enum compare_verdict value;
	uint64_t usage;
	int64_t deadline_ms[SIDES]; /* -1: none, -2: no such key */
	bool there[SIDES];
	bool open; /* the value is not compared yet */
	const struct compare_type *type;
};

/*
 * Fill in the verdict of each key.  A key whose deadline has passed counts as absent; keys that are
 * absent on both sides are the same.  Adds the bytes of the values that were read to *bytes.
 */
enum dyn_entropy_status compare_look_at(struct compare_pair *p, struct compare_look *keys, size_t n,
	uint64_t *bytes, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
