#include "entropy/cipher.h"

#include "entropy/error.h"
#include "entropy/material.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK DYN_ENTROPY_BLOCK_SIZE

struct cipher {
	EVP_CIPHER_CTX *encrypt; /* CBC, for a single chunk */
	EVP_CIPHER_CTX *lanes;   /* ECB, one block of every lane at a time */
	EVP_CIPHER_CTX *decrypt; /* CBC */
	uint8_t iv[BLOCK];
};

enum dyn_entropy_status cipher_new(
	const dyn_entropy_material *m, struct cipher **out, struct dyn_entropy_error *err)
{
	struct cipher *c = calloc(1, sizeof(*c));

	if (!c)
		return error_no_memory(err);
	memcpy(c->iv, m->iv, BLOCK);
	c->encrypt = EVP_CIPHER_CTX_new();
	c->lanes = EVP_CIPHER_CTX_new();
	c->decrypt = EVP_CIPHER_CTX_new();
	if (!c->encrypt || !c->lanes || !c->decrypt) {
		cipher_free(c);
		return error_no_memory(err);
	}
	if (!EVP_EncryptInit_ex(c->encrypt, EVP_aes_128_cbc(), NULL, m->key, m->iv) ||
		!EVP_EncryptInit_ex(c->lanes, EVP_aes_128_ecb(), NULL, m->key, NULL) ||
		!EVP_DecryptInit_ex(c->decrypt, EVP_aes_128_cbc(), NULL, m->key, m->iv)) {
		cipher_free(c);
		return error_set(err, DYN_ENTROPY_ERR_CRYPTO,
			"OpenSSL offers no AES-128-CBC: check its providers (openssl list "
			"-providers)");
	}
	EVP_CIPHER_CTX_set_padding(c->lanes, 0);
	EVP_CIPHER_CTX_set_padding(c->decrypt, 0);
	*out = c;
	return DYN_ENTROPY_OK;
}

void cipher_free(struct cipher *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->encrypt); /* each wipes its key schedule */
	EVP_CIPHER_CTX_free(c->lanes);
	EVP_CIPHER_CTX_free(c->decrypt);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

static enum dyn_entropy_status refused_by_openssl(struct dyn_entropy_error *err)
{
	return error_set(err, DYN_ENTROPY_ERR_CRYPTO, "OpenSSL failed to encrypt a chunk");
}

static enum dyn_entropy_status encrypt_alone(struct cipher *c, const uint8_t *plain, size_t len,
	uint8_t *out, struct dyn_entropy_error *err)
{
	int body, tail;

	if (!EVP_EncryptInit_ex(c->encrypt, NULL, NULL, NULL, c->iv) ||
		!EVP_EncryptUpdate(c->encrypt, out, &body, plain, (int)len) ||
		!EVP_EncryptFinal_ex(c->encrypt, out + body, &tail))
		return refused_by_openssl(err);
	return DYN_ENTROPY_OK;
}

static void xor_block(uint8_t *to, const uint8_t *with)
{
	uint64_t a[2], b[2];

	memcpy(a, to, BLOCK);
	memcpy(b, with, BLOCK);
	a[0] ^= b[0];
	a[1] ^= b[1];
	memcpy(to, a, BLOCK);
}

/* CBC over n chunks at once: one ECB call encrypts the same block of every chunk. */
static enum dyn_entropy_status encrypt_lanes(
	struct cipher *c, const struct cipher_chunks *k, struct dyn_entropy_error *err)
{
	static const uint8_t padding[BLOCK] = {
		16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16};
	uint8_t chain[CIPHER_LANES * BLOCK];
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (size_t lane = 0; lane < k->n; lane++)
		memcpy(chain + lane * BLOCK, c->iv, BLOCK);
	for (size_t at = 0; at <= k->len; at += BLOCK) {
		int made;

		for (size_t lane = 0; lane < k->n; lane++)
			xor_block(chain + lane * BLOCK,
				at < k->len ? k->plain + lane * k->plain_stride + at : padding);
		if (!EVP_EncryptUpdate(c->lanes, chain, &made, chain, (int)(k->n * BLOCK))) {
			status = refused_by_openssl(err);
			break;
		}
		for (size_t lane = 0; lane < k->n; lane++)
			memcpy(k->out + lane * k->out_stride + at, chain + lane * BLOCK, BLOCK);
	}
	OPENSSL_cleanse(chain, sizeof(chain));
	return status;
}

enum dyn_entropy_status cipher_encrypt(
	struct cipher *c, const struct cipher_chunks *chunks, struct dyn_entropy_error *err)
{
	if (chunks->n == 1)
		return encrypt_alone(c, chunks->plain, chunks->len, chunks->out, err);
	return encrypt_lanes(c, chunks, err);
}

/* The length of the PKCS#7 padding at the end of a block, 0 when it is invalid. */
static size_t padding_len(const uint8_t *block)
{
	uint8_t pad = block[BLOCK - 1];
	unsigned wrong = pad == 0 || pad > BLOCK;

	/* Constant time: it must not show how much of the padding was right. */
	for (unsigned i = 0; i < BLOCK; i++)
		wrong |= (unsigned)(i < pad) & (unsigned)(block[BLOCK - 1 - i] != pad);
	return wrong ? 0 : pad;
}

enum dyn_entropy_status cipher_decrypt(struct cipher *c, const uint8_t *payload, size_t len,
	uint8_t *out, size_t *out_len, struct dyn_entropy_error *err)
{
	int made;
	size_t pad;

	if (len == 0 || len % BLOCK)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"an encrypted chunk of %zu bytes: must be a positive multiple of %d", len,
			BLOCK);
	if (!EVP_DecryptInit_ex(c->decrypt, NULL, NULL, NULL, c->iv) ||
		!EVP_DecryptUpdate(c->decrypt, out, &made, payload, (int)len) ||
		(size_t)made != len)
		return error_set(err, DYN_ENTROPY_ERR_CRYPTO, "OpenSSL failed to decrypt a chunk");
	pad = padding_len(out + len - BLOCK);
	if (pad == 0)
		return error_set(err, DYN_ENTROPY_ERR_CRYPTO,
			"a chunk does not decrypt (bad padding): do both sides have the same key "
			"and IV files?");
	if (pad == len)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL, "a chunk that decrypts to nothing");
	*out_len = len - pad;
	return DYN_ENTROPY_OK;
}
