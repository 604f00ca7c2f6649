/*
 * spool - bytes kept in memory up to a bound and beyond it in an unlinked temporary file.
 *
 * Appended at the end, read from the front any number of times.  Memory grows with what is
 * appended, in blocks; nothing is allocated ahead.  One thread at a time.
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

/* dir: where the file goes; copied; NULL: TMPDIR, else /var/tmp.  It is created when the bound is
 * passed. */
enum dyn_entropy_status spool_new(
	const char *dir, size_t memory_bytes, struct spool **out, struct dyn_entropy_error *err);
void spool_free(struct spool *s);

/* Look at w (borrowed) for each block that is appended: DYN_ENTROPY_ERR_CANCELLED when it is to
 * end. */
void spool_watch(struct spool *s, const struct watch *w);

/* DYN_ENTROPY_ERR_IO when the disk is full or the directory cannot be written, naming it. */
enum dyn_entropy_status spool_append(
	struct spool *s, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* All its bytes, read or not. */
uint64_t spool_len(const struct spool *s);

/* Up to cap bytes from the read position; *len is 0 only at the end. */
enum dyn_entropy_status spool_read(
	struct spool *s, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);
void spool_rewind(struct spool *s);

/* Append the next len bytes of from, which has them. */
enum dyn_entropy_status spool_append_spool(
	struct spool *s, struct spool *from, uint64_t len, struct dyn_entropy_error *err);

/* Empty it for the next use; the file is gone, one block of memory stays. */
void spool_clear(struct spool *s);

#ifdef __cplusplus
}
#endif

#endif
