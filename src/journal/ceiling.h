/*
 * ceiling - a clock whose stamps are never drawn twice, not even after a kill -9 or a power loss.
 *
 * A file has a time that all stamps drawn so far lie below: the ceiling.  It is written ahead of
 * the clock, before a stamp beyond it is given out, and synced by a thread.  A node that starts
 * again draws only stamps at or above it.  Event loop's thread.
 */
#ifndef JOURNAL_CEILING_H
#define JOURNAL_CEILING_H

#include "journal/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ceiling;

/*
 * Open the file, or create it where is_new; node is the one in the stamps.  NULL, with a message of
 * at most cap bytes in why, when it is damaged, missing, or cannot be written.
 */
struct ceiling *ceiling_open(const char *path, bool is_new, uint32_t node, char *why, size_t cap);

/* Close it, with the ceiling just above the last stamp.  NULL is harmless. */
void ceiling_close(struct ceiling *c);

/* A new stamp, greater than all drawn or seen before.  now_ms is the wall clock, in ms since 2020.
 * While the file cannot be written, which is logged once, a later start may draw it again. */
uint64_t ceiling_draw(struct ceiling *c, uint64_t now_ms);

/* The clock itself, to look at and to advance by stamp_see().  Stamps are drawn above. */
struct stamp_clock *ceiling_clock(struct ceiling *c);

/* Draw stamps of another node from now on. */
void ceiling_set_node(struct ceiling *c, uint32_t node);

/* The ceiling that is written, in ms since 2020. */
uint64_t ceiling_ms(const struct ceiling *c);

#ifdef __cplusplus
}
#endif

#endif
