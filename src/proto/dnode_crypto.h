/*
 * dnode_crypto - encryption of a connection between nodes, as in Dynomite.
 *
 * The node that connects draws 32 random bytes and sends them encrypted by RSA-OAEP (SHA-1) with
 * the shared pem_key_file.  Every payload in both directions is then AES-128-CBC with PKCS#7
 * padding, with the first 16 of those bytes as both key and IV.  One thread at a time.
 */
#ifndef PROTO_DNODE_CRYPTO_H
#define PROTO_DNODE_CRYPTO_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DNODE_SESSION_BYTES 32

struct dnode_rsa;

/* Read an RSA private key, 1024..4096 bits, from a PEM file.  NULL with a message in why (cap
 * bytes). */
struct dnode_rsa *dnode_rsa_load(const char *path, char *why, size_t cap);
void dnode_rsa_free(struct dnode_rsa *r);
size_t dnode_rsa_size(const struct dnode_rsa *r); /* bytes of a block, such as 128 for 1024 bits */

/* out and in are dnode_rsa_size() bytes.  False when OpenSSL refuses. */
bool dnode_rsa_wrap(
	const struct dnode_rsa *r, const uint8_t session[DNODE_SESSION_BYTES], uint8_t *out);
bool dnode_rsa_unwrap(const struct dnode_rsa *r, const uint8_t *in, size_t len,
	uint8_t session[DNODE_SESSION_BYTES]);

struct dnode_cipher;

/* Draw fresh random session bytes. */
bool dnode_session_draw(uint8_t session[DNODE_SESSION_BYTES]);

struct dnode_cipher *dnode_cipher_new(
	const uint8_t session[DNODE_SESSION_BYTES]); /* NULL: out of memory */
void dnode_cipher_free(struct dnode_cipher *c);      /* wipes */

/* Append to out.  False when out of memory, or (decrypt) when the payload is not valid. */
bool dnode_encrypt(struct dnode_cipher *c, const uint8_t *plain, size_t len, struct buf *out);
bool dnode_decrypt(struct dnode_cipher *c, const uint8_t *payload, size_t len, struct buf *out);

#ifdef __cplusplus
}
#endif

#endif
