/*
 * cipher - AES-128-CBC with PKCS#7 padding, chunk by chunk, each from the same IV.
 *
 * CBC chains the blocks of a chunk, so a single chunk is limited by the latency of AES.  Chunks are
 * independent, so several of them are encrypted in parallel lanes.  One thread at a time.
 */
#ifndef ENTROPY_CIPHER_H
#define ENTROPY_CIPHER_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ciphertext bytes of a chunk of len plaintext bytes: the next multiple of 16 above len. */
#define CIPHER_LEN(len) ((len) + DYN_ENTROPY_BLOCK_SIZE - (len) % DYN_ENTROPY_BLOCK_SIZE)

/* Chunks that cipher_encrypt takes at once.  16 keep the AES units of today's processors full. */
#define CIPHER_LANES 16

struct cipher;

/* Computes the key schedule; m is not needed afterwards. */
enum dyn_entropy_status cipher_new(
	const dyn_entropy_material *m, struct cipher **out, struct dyn_entropy_error *err);
void cipher_free(struct cipher *c); /* wipes the key schedule */

/*
 * What cipher_encrypt() does: n (1..CIPHER_LANES) chunks of len plaintext bytes each.  Chunk i is
 * read at plain + i * plain_stride and its CIPHER_LEN(len) payload bytes are written at out + i *
 * out_stride.  If len is not a multiple of 16, n must be 1.
 */
struct cipher_chunks {
	const uint8_t *plain;
	size_t plain_stride;
	uint8_t *out;
	size_t out_stride;
	size_t len;
	size_t n;
};

/* Encrypt some chunks side by side. */
enum dyn_entropy_status cipher_encrypt(
	struct cipher *c, const struct cipher_chunks *chunks, struct dyn_entropy_error *err);

/*
 * out has room for len bytes; *out_len becomes the plaintext length, at least 1.  Refuses a len
 * that is not a positive multiple of 16, bad padding, and a chunk that decrypts to nothing.
 */
enum dyn_entropy_status cipher_decrypt(struct cipher *c, const uint8_t *payload, size_t len,
	uint8_t *out, size_t *out_len, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
