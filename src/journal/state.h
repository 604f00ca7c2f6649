/*
 * state - the directory of what a node keeps on disk: who it is, and the clock of its stamps.
 *
 *     lock    held while a node runs, with its process id
 *     node    a text of a few lines: the format, the identity, the number, the incarnation
 *     clock   see ceiling.h
 *     wal-*   see wal.h
 *
 * The file node is only ever replaced as a whole.  What is damaged is an error that names the file
 * and the remedy.  Event loop's thread.
 */
#ifndef JOURNAL_STATE_H
#define JOURNAL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STATE_IDENTITY_CHARS 32
#define STATE_WHY_MAX        4608 /* a path and a sentence */

struct state;

/*
 * Open and lock the directory, after creating it (mode 0700) and its parents where they are
 * missing.  number is the one that the node has in stamps if this is its first start, below
 * STAMP_NODES_MAX.  NULL, with a message in why, when another process has it, when something in it
 * is damaged, or when it cannot be written.  Release it with state_close().
 */
struct state *state_open(const char *dir, uint32_t number, char why[STATE_WHY_MAX]);
void state_close(struct state *s); /* NULL is harmless */

const char *state_dir(const struct state *s);

/* Random, drawn at the first start: STATE_IDENTITY_CHARS hexadecimal digits. */
const char *state_identity(const struct state *s);

/* The number in the stamps that are drawn here. */
uint32_t state_number(const struct state *s);

/* Random; another one after each call of state_renew(). */
uint64_t state_incarnation(const struct state *s);

/* The dataset came back with less than the journal has: take a new incarnation, so that peers drop
 * what they settled with the old one.  Written before it returns.  False, with a message in why and
 * nothing changed, when it cannot be written. */
bool state_renew(struct state *s, char why[STATE_WHY_MAX]);

/* Take another number, since another node of the ring has the same.  As state_renew(). */
bool state_renumber(struct state *s, uint32_t number, char why[STATE_WHY_MAX]);

/* The clock of this node's stamps; it lives as long as s. */
struct ceiling *state_clock(struct state *s);

#ifdef __cplusplus
}
#endif

#endif
