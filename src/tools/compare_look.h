/*
 * compare_look - look at a batch of keys on both sides: their presence, deadline and content.
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
	/* The rest is compare_look_at's own. */
	enum compare_verdict value;
	uint64_t usage;
	int64_t deadline_ms[SIDES]; /* -1: none, -2: no such key */
	bool there[SIDES];
	bool open; /* the value is still to be compared */
	const struct compare_type *type;
};

/*
 * Fill in the verdict of each key.  A key whose deadline has passed counts as absent, and a key
 * that is on neither side as the same.  *bytes grows by what was read of the values.
 */
enum dyn_entropy_status compare_look_at(struct compare_pair *p, struct compare_look *keys, size_t n,
	uint64_t *bytes, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
