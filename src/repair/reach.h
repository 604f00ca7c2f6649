/*
 * reach - how far back in this node's time its journals reach: every key that has an entry now was
 * noted in the table of recent keys at this time or later.
 *
 * Entries are kept by epoch, which other nodes' clocks have a part in; so it is remembered when
 * which epoch was the newest, and no clocks are compared.  Plain values.  One thread.
 */
#ifndef REPAIR_REACH_H
#define REPAIR_REACH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REACH_MARKS 64

/* At this time no entry was of a newer epoch. */
struct reach_mark {
	int64_t at_ms; /* monotonic */
	uint32_t epoch;
};

struct reach {
	int64_t since_ms; /* the answer */
	size_t n;
	struct reach_mark marks[REACH_MARKS]; /* oldest first, epochs rising */
};

/* Every key that has an entry was noted just now. */
void reach_begin(struct reach *r, int64_t now_ms);

/* Look again: the oldest and the newest epoch that have entries; both 0: none has. */
void reach_look(struct reach *r, uint32_t oldest, uint32_t newest, int64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
