/*
 * dynentropy_base.h - of the entropy channel: errors, cancelling, limits and key material.  Its
 * conventions are in dynentropy.h, which includes this.
 */
#ifndef DYNENTROPY_BASE_H
#define DYNENTROPY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DYN_ENTROPY_CHECK             __attribute__((warn_unused_result))
#define DYN_ENTROPY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DYN_ENTROPY_CHECK
#define DYN_ENTROPY_PRINTF(fmt, args)
#endif

/* The first member of structs that carry their size. */
#ifdef __cplusplus
#define DYN_ENTROPY_STRUCT_SIZE(type) size_t struct_size = sizeof(struct type)
#else
#define DYN_ENTROPY_STRUCT_SIZE(type) size_t struct_size
#endif

/* The version of the library at run time, "MAJOR.MINOR.PATCH".  Static storage. */
const char *dyn_entropy_version(void);

/* ---- Errors ---------------------------------------------------------------------------------- */

enum dyn_entropy_status {
	DYN_ENTROPY_OK = 0,
	DYN_ENTROPY_END,        /* a source has no further snapshot; not a failure */
	DYN_ENTROPY_ERR_IO,     /* a socket or a file; a deadline that passed */
	DYN_ENTROPY_ERR_CONFIG, /* a setting out of range, or settings that contradict each other */
	DYN_ENTROPY_ERR_KEY_MATERIAL, /* a key or IV file that is missing, unreadable or invalid */
	DYN_ENTROPY_ERR_PROTOCOL,     /* the other side broke the wire protocol */
	DYN_ENTROPY_ERR_CRYPTO,       /* a chunk that does not decrypt: another key, or damage */
	DYN_ENTROPY_ERR_SOURCE,       /* the source could not give its snapshot */
	DYN_ENTROPY_ERR_SINK,         /* the sink could not apply a snapshot, or not all of it */
	DYN_ENTROPY_ERR_NO_MEMORY,
	DYN_ENTROPY_ERR_CANCELLED, /* dyn_entropy_cancel_set() was called */
};

#define DYN_ENTROPY_MESSAGE_MAX 512

struct dyn_entropy_error {
	enum dyn_entropy_status status;
	/* One line: what happened, to what, and what to do. */
	char message[DYN_ENTROPY_MESSAGE_MAX];
	/* The setting that caused it, by its name in this header ("max_connections"), for callers
	 * that have another name for it; or NULL.  Static storage. */
	const char *setting;
};

/*
 * For custom sources and sinks: fill in *err (which may be NULL) and return status.  The format is
 * printf's, with %m; a long message is cut.
 */
enum dyn_entropy_status dyn_entropy_error_set(struct dyn_entropy_error *err,
	enum dyn_entropy_status status, const char *fmt, ...) DYN_ENTROPY_PRINTF(3, 4);

/* A short lower-case name, such as "key material".  Static storage. */
const char *dyn_entropy_status_name(enum dyn_entropy_status status);

/* ---- Cancelling ------------------------------------------------------------------------------ */

typedef struct dyn_entropy_cancel dyn_entropy_cancel;

/* NULL when memory or descriptors have run out. */
dyn_entropy_cancel *dyn_entropy_cancel_new(void);
void dyn_entropy_cancel_free(dyn_entropy_cancel *c);

/* End every call that uses c, now and later, with DYN_ENTROPY_ERR_CANCELLED.  Any thread, and
 * signal handlers. */
void dyn_entropy_cancel_set(dyn_entropy_cancel *c);
bool dyn_entropy_cancel_is_set(const dyn_entropy_cancel *c); /* false for NULL; any thread */

/* ---- Limits and defaults --------------------------------------------------------------------- */

#define DYN_ENTROPY_HEADER_SIZE_MIN UINT32_C(8)
#define DYN_ENTROPY_HEADER_SIZE_MAX UINT32_C(1024)
#define DYN_ENTROPY_BUFFER_SIZE_MAX (UINT32_C(5) * 1024 * 1024)
#define DYN_ENTROPY_CIPHER_SIZE_MAX (UINT32_C(5) * 1024 * 1024)
#define DYN_ENTROPY_SNAPSHOT_MAX    UINT32_C(0xFFFFFFFE) /* plaintext bytes of one snapshot */
#define DYN_ENTROPY_BLOCK_SIZE      16                   /* AES block, key and IV, bytes */

/* The minimum of max_rate: a receiver gives up slower connections. */
#define DYN_ENTROPY_RATE_MIN        UINT64_C(131072) /* bytes per second */
#define DYN_ENTROPY_CONNECTIONS_MAX 1024
#define DYN_ENTROPY_TIMEOUT_MS_MAX  (24 * 3600 * 1000)

#define DYN_ENTROPY_DEFAULT_PORT          8105
#define DYN_ENTROPY_DEFAULT_BUFFER_SIZE   UINT32_C(16384)
#define DYN_ENTROPY_DEFAULT_HEADER_SIZE   UINT32_C(1024)
#define DYN_ENTROPY_DEFAULT_SEGMENT_BYTES (UINT32_C(16) * 1024 * 1024)
#define DYN_ENTROPY_DEFAULT_MAX_RATE      UINT64_C(10000000) /* bytes per second */
#define DYN_ENTROPY_DEFAULT_CONNECTIONS   8
#define DYN_ENTROPY_DEFAULT_TIMEOUT_MS    30000

/* ---- Key material ---------------------------------------------------------------------------- */

typedef struct dyn_entropy_material dyn_entropy_material; /* immutable: any number of threads */

/*
 * Read a key file and an IV file: raw text (trailing white space is dropped, the first 16 bytes are
 * used) or one PEM block whose base64 body decodes to at least 16 bytes.
 * DYN_ENTROPY_ERR_KEY_MATERIAL names the file and the remedy.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_material_load(const char *key_file,
	const char *iv_file, dyn_entropy_material **out, struct dyn_entropy_error *err);

/* The same from 16 bytes each; they are copied. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_material_new(
	const uint8_t key[DYN_ENTROPY_BLOCK_SIZE], const uint8_t iv[DYN_ENTROPY_BLOCK_SIZE],
	dyn_entropy_material **out, struct dyn_entropy_error *err);

/* Whether the key is the public sample (0123456789012345), which protects nothing. */
bool dyn_entropy_material_is_sample(const dyn_entropy_material *m);

/*
 * A key for another use than the chunks: len bytes, at most 8160, of HKDF-SHA256 (RFC 5869) of the
 * key, without salt, with info (at most 1024 bytes).  Who has it does not know the key.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_material_derive(const dyn_entropy_material *m,
	const void *info, size_t info_len, uint8_t *out, size_t len, struct dyn_entropy_error *err);

/* Wipe and release. */
void dyn_entropy_material_free(dyn_entropy_material *m);

/* Write a random key and IV to two new files, mode 0600.  An existing file is never overwritten. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_material_generate(
	const char *key_file, const char *iv_file, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
