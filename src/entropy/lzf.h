/*
 * lzf - expand what Redis has compressed with LZF.
 *
 * Any thread.
 */
#ifndef ENTROPY_LZF_H
#define ENTROPY_LZF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest expansion: a back reference of 3 bytes gives at most 264 bytes. */
#define LZF_RATIO_MAX 88

/*
 * Expand in_len bytes into exactly out_len bytes.  False when the input is not LZF, exceeds
 * either buffer, or does not give exactly out_len bytes.  Any thread.
 */
bool lzf_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len);

#ifdef __cplusplus
}
#endif

#endif
