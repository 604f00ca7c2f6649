/*
 * unsettled - the keys that sessions left different, the newest of them, for an operator who asks.
 *
 * Event loop's thread.
 */
#ifndef REPAIR_UNSETTLED_H
#define REPAIR_UNSETTLED_H

#include "recon/core.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNSETTLED_KEYS_MAX  1000
#define UNSETTLED_KEY_BYTES 256 /* of a longer key the first ones are kept */

/* A key, as it was found last. */
struct unsettled_key {
	uint8_t key[UNSETTLED_KEY_BYTES];
	size_t len;  /* of the whole key */
	size_t with; /* whom it differs from: a number of the caller's */
	enum recon_unsettled why;
	uint64_t times;            /* it was found */
	double first_at, found_at; /* the first and the last time: seconds since 1970 */
};

struct unsettled;

/* NULL when out of memory; release it with unsettled_free(), for which NULL is harmless. */
struct unsettled *unsettled_new(void);
void unsettled_free(struct unsettled *u);

/* A session left a key different.  Without memory it is not listed. */
void unsettled_note(struct unsettled *u, size_t with, const void *key, size_t len,
	enum recon_unsettled why, double now);

/* A key is repaired. */
void unsettled_repaired(struct unsettled *u, const void *key, size_t len);

/* A session compared every key with someone: those found before it began are equal now. */
void unsettled_compared(struct unsettled *u, size_t with, double began);

/* Go through the keys, the newest first: NULL begins, and ends. */
const struct unsettled_key *unsettled_next(
	const struct unsettled *u, const struct unsettled_key *last);

#ifdef __cplusplus
}
#endif

#endif
