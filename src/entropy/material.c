#include "entropy/material.h"

#include "base/file.h"
#include "entropy/error.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define KEY_LEN       DYN_ENTROPY_BLOCK_SIZE
#define FILE_MAX      ((size_t)64 * 1024 - 1)
#define ARMOUR_BEGIN  "-----BEGIN"
#define ARMOUR_END    "-----END "
#define KEY_LABEL     "DYNOMITE RECON KEY"
#define IV_LABEL      "DYNOMITE RECON IV"
#define KEYGEN_REMEDY "make new files with 'dyn-entropy keygen'"

/* Words in a label that mark the body as a structure: all such bodies begin with nearly the same
 * bytes. */
static const char *const foreign_labels[] = {"PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE",
	"PARAMETERS", "PKCS", "CMS", "CRL", "SSL SESSION", "OPENSSH", "PGP", "ENCRYPTED"};

/* The first bytes of files that are no keys and begin alike. */
static const char *const foreign_beginnings[] = {"ssh-", "sk-ssh-", "ecdsa-sha2-", "sk-ecdsa-sha2-",
	"AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "openssh-key-v1", "PuTTY-User-Key-File",
	"AGE-SECRET-KEY-"};

static enum dyn_entropy_status bad(
	struct dyn_entropy_error *err, const char *name, const char *what)
{
	return error_set(
		err, DYN_ENTROPY_ERR_KEY_MATERIAL, "%s: %s; %s", name, what, KEYGEN_REMEDY);
}

/* Where the first line that begins with word is, or NULL. */
static const uint8_t *find_line(const uint8_t *text, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	const uint8_t *at = text;

	while (at && (size_t)(text + len - at) >= word_len) {
		if (memcmp(at, word, word_len) == 0)
			return at;
		at = memchr(at, '\n', (size_t)(text + len - at));
		if (at)
			at++;
	}
	return NULL;
}

static enum dyn_entropy_status check_label(
	const char *label, const char *name, struct dyn_entropy_error *err)
{
	for (size_t i = 0; i < sizeof(foreign_labels) / sizeof(foreign_labels[0]); i++)
		if (strcasestr(label, foreign_labels[i]))
			return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL,
				"%s: holds a block labelled '%.40s', which is no secret of this "
				"channel; %s",
				name, label, KEYGEN_REMEDY);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status parse_armour(const uint8_t *text, size_t len, const char *name,
	uint8_t out[KEY_LEN], struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	const uint8_t *end = find_line(text, len, ARMOUR_END);
	char *label = NULL, *header = NULL;
	unsigned char *body = NULL;
	long body_len = 0;
	BIO *bio;

	if (!find_line(text, len, ARMOUR_BEGIN))
		return bad(err, name,
			"an armoured block whose BEGIN is not at the start of its line (a byte "
			"order mark before it?)");
	if (!end)
		return bad(err, name, "an armoured block without its END line");
	if (find_line(end, len - (size_t)(end - text), ARMOUR_BEGIN))
		return bad(err, name, "more than one armoured block");
	bio = BIO_new_mem_buf(text, (int)len);
	if (!bio)
		return error_no_memory(err);
	if (!PEM_read_bio(bio, &label, &header, &body, &body_len)) {
		status = bad(err, name,
			"an armoured block whose body is not valid base64 or whose END does not "
			"match");
		goto done;
	}
	status = check_label(label, name, err);
	if (status != DYN_ENTROPY_OK)
		goto done;
	if (*header) {
		status = bad(err, name, "an armoured block with headers (encrypted?)");
	} else if (body_len < KEY_LEN) {
		status = error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL,
			"%s: an armoured block of %ld bytes: needs at least %d; %s", name, body_len,
			KEY_LEN, KEYGEN_REMEDY);
	} else {
		memcpy(out, body, KEY_LEN);
	}
done:
	if (body)
		OPENSSL_clear_free(body, (size_t)body_len);
	OPENSSL_free(label);
	OPENSSL_free(header);
	BIO_free(bio);
	ERR_clear_error(); /* leave nothing in the queue for the next user of OpenSSL */
	return status;
}

/* Whether it is a DER structure from its first byte to its last: an ASN.1 sequence that begins with
 * an integer or another sequence. */
static bool is_der(const uint8_t *text, size_t len)
{
	const uint8_t *at = text;
	long body_len = 0;
	int tag = 0, class = 0;
	bool yes = !(ASN1_get_object(&at, &body_len, &tag, &class, (long)len) & 0x80) &&
		   tag == V_ASN1_SEQUENCE && at + body_len == text + len;

	if (yes)
		yes = !(ASN1_get_object(&at, &body_len, &tag, &class, body_len) & 0x80) &&
		      (tag == V_ASN1_INTEGER || tag == V_ASN1_SEQUENCE);
	ERR_clear_error();
	return yes;
}

/* What a text without a valid PEM block looks like instead of a secret, or NULL. */
static const char *foreign_text(const uint8_t *text, size_t len)
{
	static const char begin[] = "BEGIN";
	size_t dashes = 0;

	for (size_t i = 0; i < sizeof(foreign_beginnings) / sizeof(foreign_beginnings[0]); i++) {
		size_t n = strlen(foreign_beginnings[i]);

		if (len >= n && memcmp(text, foreign_beginnings[i], n) == 0)
			return "a key of another program (SSH, age)";
	}
	while (dashes < len && text[dashes] == '-')
		dashes++;
	text += dashes;
	len -= dashes;
	while (dashes && len && *text == ' ') {
		text++;
		len--;
	}
	if (dashes && len >= strlen(begin) &&
		strncasecmp((const char *)text, begin, strlen(begin)) == 0)
		return "an armoured block of another kind";
	return NULL;
}

enum dyn_entropy_status material_parse(const uint8_t *text, size_t len, const char *name,
	uint8_t out[KEY_LEN], struct dyn_entropy_error *err)
{
	const char *foreign;

	/* Anywhere in the text: the first 16 bytes of a PEM block would be a publicly known key. */
	if (len > 0 && memmem(text, len, ARMOUR_BEGIN, strlen(ARMOUR_BEGIN)))
		return parse_armour(text, len, name, out, err);
	foreign = is_der(text, len) ? "a key or certificate in DER" : foreign_text(text, len);
	if (foreign)
		return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL,
			"%s: looks like %s, whose first %d bytes are no secret; %s", name, foreign,
			KEY_LEN, KEYGEN_REMEDY);
	while (len > 0 && memchr(" \t\r\n\v\f", text[len - 1], 6))
		len--;
	if (len < KEY_LEN)
		return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL,
			"%s: %zu bytes: needs at least %d; %s", name, len, KEY_LEN, KEYGEN_REMEDY);
	memcpy(out, text, KEY_LEN);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status unread(
	enum file_status status, const char *path, struct dyn_entropy_error *err)
{
	bool is_there = status == FILE_NOT_OPENED && errno != ENOENT;
	char text[FILE_PROBLEM_MAX];

	if (status == FILE_NO_MEMORY)
		return error_no_memory(err);
	if (status == FILE_TOO_LARGE)
		return bad(err, path, "too large for a key or IV file (it must be below 64 KiB)");
	return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL, "%s: %s; %s", path,
		file_problem(status, text),
		is_there ? "let the user that runs this read it" : KEYGEN_REMEDY);
}

static enum dyn_entropy_status load_one(
	const char *path, uint8_t out[KEY_LEN], struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	struct file text;
	enum file_status read = file_read(path, FILE_MAX, &text);

	if (read != FILE_OK)
		return unread(read, path, err);
	status = material_parse(text.bytes, text.len, path, out, err);
	file_fini(&text);
	return status;
}

enum dyn_entropy_status dyn_entropy_material_new(const uint8_t key[KEY_LEN],
	const uint8_t iv[KEY_LEN], dyn_entropy_material **out, struct dyn_entropy_error *err)
{
	dyn_entropy_material *m = malloc(sizeof(*m));

	if (!m)
		return error_no_memory(err);
	memcpy(m->key, key, KEY_LEN);
	memcpy(m->iv, iv, KEY_LEN);
	*out = m;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_material_load(const char *key_file, const char *iv_file,
	dyn_entropy_material **out, struct dyn_entropy_error *err)
{
	struct dyn_entropy_material m;
	enum dyn_entropy_status status;

	if (!key_file || !iv_file)
		return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL, "no %s file given; %s",
			key_file ? "IV" : "key", KEYGEN_REMEDY);
	status = load_one(key_file, m.key, err);
	if (status == DYN_ENTROPY_OK)
		status = load_one(iv_file, m.iv, err);
	if (status == DYN_ENTROPY_OK)
		status = dyn_entropy_material_new(m.key, m.iv, out, err);
	OPENSSL_cleanse(&m, sizeof(m));
	return status;
}

bool dyn_entropy_material_is_sample(const dyn_entropy_material *m)
{
	return CRYPTO_memcmp(m->key, "0123456789012345", KEY_LEN) == 0;
}

enum dyn_entropy_status dyn_entropy_material_derive(const dyn_entropy_material *m, const void *info,
	size_t info_len, uint8_t *out, size_t len, struct dyn_entropy_error *err)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	uint8_t key[KEY_LEN]; /* OpenSSL takes no const */
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_len),
		OSSL_PARAM_construct_end(),
	};
	bool made;

	memcpy(key, m->key, sizeof(key));
	made = c && EVP_KDF_derive(c, out, len, params) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	if (made)
		return DYN_ENTROPY_OK;
	ERR_clear_error();
	return error_set(err, DYN_ENTROPY_ERR_CRYPTO, "cannot derive a key of %zu bytes", len);
}

void dyn_entropy_material_free(dyn_entropy_material *m)
{
	if (!m)
		return;
	OPENSSL_cleanse(m, sizeof(*m));
	free(m);
}

/* Create path with a block of fresh random bytes.  *made says whether the file was created, also on
 * failure. */
static enum dyn_entropy_status generate_one(
	const char *path, const char *label, bool *made, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	uint8_t secret[KEY_LEN];
	char text[512]; /* the file's buffer, so that it can be wiped */
	int fd;
	FILE *f;

	if (RAND_bytes(secret, sizeof(secret)) != 1)
		return error_set(
			err, DYN_ENTROPY_ERR_CRYPTO, "OpenSSL has no random bytes to give");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	*made = fd >= 0;
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		status = error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL, "%s: %m%s", path,
			errno == EEXIST
				? "; it is left as it is: choose another name or remove it yourself"
				: "");
		if (fd >= 0)
			close(fd);
	} else {
		int written;

		setvbuf(f, text, _IOFBF, sizeof(text));
		written = PEM_write(f, label, "", secret, sizeof(secret));
		if ((fclose(f) != 0) | (written <= 0))
			status = error_set(
				err, DYN_ENTROPY_ERR_KEY_MATERIAL, "%s: cannot write: %m", path);
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(text, sizeof(text));
	return status;
}

enum dyn_entropy_status dyn_entropy_material_generate(
	const char *key_file, const char *iv_file, struct dyn_entropy_error *err)
{
	bool made_key = false, made_iv = false;
	enum dyn_entropy_status status;

	if (!key_file || !iv_file)
		return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL, "no %s file named",
			key_file ? "IV" : "key");
	if (strcmp(key_file, iv_file) == 0)
		return error_set(err, DYN_ENTROPY_ERR_KEY_MATERIAL,
			"%s: named for both key and IV; they need a file each", key_file);
	status = generate_one(key_file, KEY_LABEL, &made_key, err);
	if (status == DYN_ENTROPY_OK)
		status = generate_one(iv_file, IV_LABEL, &made_iv, err);
	/* Half a pair is useless: remove what was created. */
	if (status != DYN_ENTROPY_OK && made_key)
		unlink(key_file);
	if (status != DYN_ENTROPY_OK && made_iv)
		unlink(iv_file);
	return status;
}
