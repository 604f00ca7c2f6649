/*
 * difference - which hashes two nodes do not have in common, at the price of the difference.
 *
 * A rateless set reconciliation (Yang, Gilad, Alizadeh, "Practical Rateless Set Reconciliation",
 * 2024, arXiv 2402.02668): one side makes an endless row of symbols of its set, the other takes as
 * many as it needs, which is about 1.35 to 1.5 for each hash that differs, whatever the sets have
 * in common.
 *
 *     one side    difference_new(), _add() each hash -> difference_make() symbols, and more
 *     the other   difference_new(), _add() each hash -> difference_take() them, until it is decoded
 *
 * Which symbols a hash is part of follows from the hash: the first, and then ever rarer ones.  The
 * hashes must be well mixed, and each added once.  Plain values, no I/O; one thread.
 */
#ifndef RECON_DIFFERENCE_H
#define RECON_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DIFFERENCE_SYMBOL_BYTES 14 /* of a symbol when it is sent: 8, 4 and 2 */

struct difference_symbol {
	uint64_t sum;    /* xor of its hashes */
	uint32_t check;  /* xor of a hash of each of them */
	uint16_t number; /* of them, modulo 2^16 */
};

struct difference;

/* NULL when out of memory; release it with difference_free(). */
struct difference *difference_new(void);
void difference_free(struct difference *d);

/* A hash that this side has, before the first symbol.  False when out of memory. */
bool difference_add(struct difference *d, uint64_t hash);

/* Make the next n symbols of this side's set. */
void difference_make(struct difference *d, struct difference_symbol *to, size_t n);

/* The next n symbols of the other side.  False when out of memory. */
bool difference_take(struct difference *d, const struct difference_symbol *symbols, size_t n);

/* Whether all that differs is known. */
bool difference_is_decoded(const struct difference *d);

/* The hashes that only the other side has, and those that only this side has; *n of them, borrowed.
 * Meaningful once it is decoded. */
const uint64_t *difference_theirs(const struct difference *d, size_t *n);
const uint64_t *difference_ours(const struct difference *d, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
