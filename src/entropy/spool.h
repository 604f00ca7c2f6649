/*
 * spool - bytes kept in memory up to a bound and beyond it in an unlinked temporary file.
 *
 * Appended at the end, read from the front any number of times.  Memory grows in blocks with what
 * is appended.  One thread at a time.
 */
#ifndef ENTROPY_SPOOL_H
#define ENTROPY_SPOOL_H

#include "entropy/dynentropy.h"
#include "entropy/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPOOL_MEMORY_BYTES ((size_t)16 * 1024 * 1024)

struct spool;

/* dir: of the file; copied; NULL: TMPDIR, else /var/tmp.  The file is created when more than
 * memory_bytes are appended. */
enum dyn_entropy_status spool_new(
	const char *dir, size_t memory_bytes, struct spool **out, struct dyn_entropy_error *err);
void spool_free(struct spool *s);

/* Check w (borrowed) for each block that is appended: DYN_ENTROPY_ERR_CANCELLED when cancelled. */
void spool_watch(struct spool *s, const struct watch *w);

/* DYN_ENTROPY_ERR_IO when the disk is full or the directory cannot be written, naming it. */
enum dyn_entropy_status spool_append(
	struct spool *s, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* All bytes, read or not. */
uint64_t spool_len(const struct spool *s);

/* Up to cap bytes from the read position; *len is 0 only at the end. */
enum dyn_entropy_status spool_read(
	struct spool *s, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);
void spool_rewind(struct spool *s);

/* Append the next len bytes of from, which must have them. */
enum dyn_entropy_status spool_append_spool(
	struct spool *s, struct spool *from, uint64_t len, struct dyn_entropy_error *err);

/* Empty it for reuse; closes the file, keeps one block of memory. */
void spool_clear(struct spool *s);

#ifdef __cplusplus
}
#endif

#endif
