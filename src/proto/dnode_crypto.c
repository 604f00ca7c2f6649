#include "proto/dnode_crypto.h"

#include "base/file.h"
#include "proto/dnode.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX (8 * DNODE_DATA_MAX)
#define PEM_FILE_MAX (64 * 1024 - 1)
#define BLOCK        16

struct dnode_rsa {
	EVP_PKEY *key;
};

struct dnode_cipher {
	EVP_CIPHER_CTX *encrypt, *decrypt; /* keyed */
	uint8_t iv[BLOCK];
};

/* Never ask for a pass phrase: a node starts without a terminal. */
static int no_pass_phrase(char *text, int cap, int writing, void *arg)
{
	(void)text;
	(void)cap;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

/* False with a message in why. */
static bool read_pem(const char *path, struct file *text, char *why, size_t cap)
{
	enum file_status status = file_read(path, PEM_FILE_MAX, text);
	char problem[FILE_PROBLEM_MAX];

	if (status == FILE_OK && text->len > 0)
		return true;
	if (status == FILE_NOT_OPENED || status == FILE_NOT_READ || status == FILE_NO_MEMORY)
		snprintf(why, cap, "%s: %s; give the file of the key that the nodes share", path,
			file_problem(status, problem));
	else
		snprintf(why, cap, "%s: is not a file of 1 to %d bytes, as an RSA key is", path,
			PEM_FILE_MAX);
	file_fini(text);
	return false;
}

static EVP_PKEY *read_key(const char *path, char *why, size_t cap)
{
	bool has_pass_phrase = false;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	struct file text;

	if (!read_pem(path, &text, why, cap))
		return NULL;
	bio = BIO_new_mem_buf(text.bytes, (int)text.len);
	if (!bio) {
		snprintf(why, cap, "%s: not enough memory", path);
		goto done;
	}
	key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, &has_pass_phrase);
	if (!key && has_pass_phrase)
		snprintf(why, cap,
			"%s: has a pass phrase; write the key without one (openssl rsa) into a "
			"file that only this user can read",
			path);
	else if (!key)
		snprintf(why, cap,
			"%s: holds no private key in PEM; make one with 'openssl genrsa "
			"-traditional "
			"1024' (existing nodes need 1024 bits)",
			path);
done:
	BIO_free(bio);
	file_fini(&text);
	ERR_clear_error();
	return key;
}

struct dnode_rsa *dnode_rsa_load(const char *path, char *why, size_t cap)
{
	EVP_PKEY *key = read_key(path, why, cap);
	struct dnode_rsa *r = NULL;

	if (!key)
		return NULL;
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		snprintf(why, cap, "%s: holds a key of another kind than RSA", path);
		goto done;
	}
	if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN || EVP_PKEY_get_bits(key) > RSA_BITS_MAX) {
		snprintf(why, cap, "%s: the key has %d bits; %d to %d are allowed", path,
			EVP_PKEY_get_bits(key), RSA_BITS_MIN, RSA_BITS_MAX);
		goto done;
	}
	r = malloc(sizeof(*r));
	if (!r) {
		snprintf(why, cap, "%s: not enough memory", path);
		goto done;
	}
	r->key = key;
	key = NULL;
done:
	EVP_PKEY_free(key);
	return r;
}

void dnode_rsa_free(struct dnode_rsa *r)
{
	if (!r)
		return;
	EVP_PKEY_free(r->key);
	free(r);
}

size_t dnode_rsa_size(const struct dnode_rsa *r)
{
	return (size_t)EVP_PKEY_get_size(r->key);
}

static bool use_oaep(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha1()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha1()) > 0;
}

bool dnode_rsa_wrap(
	const struct dnode_rsa *r, const uint8_t session[DNODE_SESSION_BYTES], uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(r->key, NULL);
	size_t out_len = dnode_rsa_size(r);
	bool ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 && use_oaep(ctx) &&
		  EVP_PKEY_encrypt(ctx, out, &out_len, session, DNODE_SESSION_BYTES) > 0 &&
		  out_len == dnode_rsa_size(r);

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool dnode_rsa_unwrap(const struct dnode_rsa *r, const uint8_t *in, size_t len,
	uint8_t session[DNODE_SESSION_BYTES])
{
	uint8_t plain[DNODE_DATA_MAX];
	size_t plain_len = sizeof(plain);
	EVP_PKEY_CTX *ctx = NULL;
	bool ok = false;

	if (len != dnode_rsa_size(r))
		return false;
	ctx = EVP_PKEY_CTX_new(r->key, NULL);
	if (ctx && EVP_PKEY_decrypt_init(ctx) > 0 && use_oaep(ctx) &&
		EVP_PKEY_decrypt(ctx, plain, &plain_len, in, len) > 0 &&
		plain_len == DNODE_SESSION_BYTES) {
		memcpy(session, plain, DNODE_SESSION_BYTES);
		ok = true;
	}
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_cleanse(plain, sizeof(plain));
	ERR_clear_error();
	return ok;
}

bool dnode_session_draw(uint8_t session[DNODE_SESSION_BYTES])
{
	bool ok = RAND_bytes(session, DNODE_SESSION_BYTES) == 1;

	ERR_clear_error();
	return ok;
}

struct dnode_cipher *dnode_cipher_new(const uint8_t session[DNODE_SESSION_BYTES])
{
	struct dnode_cipher *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	memcpy(c->iv, session, BLOCK);
	c->encrypt = EVP_CIPHER_CTX_new();
	c->decrypt = EVP_CIPHER_CTX_new();
	if (!c->encrypt || !c->decrypt ||
		EVP_EncryptInit_ex(c->encrypt, EVP_aes_128_cbc(), NULL, session, c->iv) != 1 ||
		EVP_DecryptInit_ex(c->decrypt, EVP_aes_128_cbc(), NULL, session, c->iv) != 1) {
		dnode_cipher_free(c);
		ERR_clear_error();
		return NULL;
	}
	return c;
}

void dnode_cipher_free(struct dnode_cipher *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->encrypt);
	EVP_CIPHER_CTX_free(c->decrypt);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

bool dnode_encrypt(struct dnode_cipher *c, const uint8_t *plain, size_t len, struct buf *out)
{
	uint8_t *to = len <= INT_MAX - BLOCK ? buf_reserve(out, len + BLOCK) : NULL;
	int n = 0, last = 0;
	bool ok = to && EVP_EncryptInit_ex(c->encrypt, NULL, NULL, NULL, c->iv) == 1 &&
		  EVP_EncryptUpdate(c->encrypt, to, &n, plain, (int)len) == 1 &&
		  EVP_EncryptFinal_ex(c->encrypt, to + n, &last) == 1;

	if (ok)
		buf_commit(out, (size_t)n + (size_t)last);
	else
		ERR_clear_error();
	return ok;
}

bool dnode_decrypt(struct dnode_cipher *c, const uint8_t *payload, size_t len, struct buf *out)
{
	int n = 0, last = 0;
	uint8_t *to;
	bool ok;

	if (len == 0 || len % BLOCK != 0 || len > INT_MAX - BLOCK)
		return false;
	to = buf_reserve(out, len + BLOCK);
	ok = to && EVP_DecryptInit_ex(c->decrypt, NULL, NULL, NULL, c->iv) == 1 &&
	     EVP_DecryptUpdate(c->decrypt, to, &n, payload, (int)len) == 1 &&
	     EVP_DecryptFinal_ex(c->decrypt, to + n, &last) == 1;
	if (ok)
		buf_commit(out, (size_t)n + (size_t)last);
	else
		ERR_clear_error();
	return ok;
}
