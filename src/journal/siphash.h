/*
 * siphash - SipHash-2-4 of Aumasson and Bernstein ("SipHash: a fast short-input PRF", 2012): a
 * keyed hash; without its key nobody can construct collisions.  Any thread.
 */
#ifndef JOURNAL_SIPHASH_H
#define JOURNAL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIPHASH_KEY_BYTES 16

/* bytes may be NULL when len is 0. */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
