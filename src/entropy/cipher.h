/*
 * cipher - AES-128-CBC with PKCS#7 padding, chunk by chunk, each from the same IV.
 */
#ifndef ENTROPY_CIPHER_H
#define ENTROPY_CIPHER_H

#include "entropy/dynentropy.h"

/* Ciphertext bytes of a chunk of len plaintext bytes: the next multiple of 16 above len. */
#define CIPHER_LEN(len) ((len) + DYN_ENTROPY_BLOCK_SIZE - (len) % DYN_ENTROPY_BLOCK_SIZE)

struct cipher;

enum dyn_entropy_status cipher_new(
	const dyn_entropy_material *m, struct cipher **out, struct dyn_entropy_error *err);
void cipher_free(struct cipher *c); /* wipes the key schedule */

/* out has room for CIPHER_LEN(len); that many bytes are written. */
enum dyn_entropy_status cipher_encrypt(struct cipher *c, const uint8_t *plain, size_t len,
	uint8_t *out, struct dyn_entropy_error *err);

/*
 * out has room for len bytes; *out_len becomes the plaintext length, at least 1.  Refuses a len
 * that is not a positive multiple of 16, bad padding, and a chunk that decrypts to nothing.
 */
enum dyn_entropy_status cipher_decrypt(struct cipher *c, const uint8_t *payload, size_t len,
	uint8_t *out, size_t *out_len, struct dyn_entropy_error *err);

#endif
