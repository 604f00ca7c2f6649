/*
 * rdb_body - builds the payload of one key: what DUMP would have given.
 *
 * It is in mem, and moves to the spool when it gets large.  One thread at a time.
 */
#ifndef ENTROPY_RDB_BODY_H
#define ENTROPY_RDB_BODY_H

#include "base/buf.h"
#include "entropy/dynentropy.h"
#include "entropy/spool.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rdb_body {
	struct buf mem;
	struct spool *spool; /* made on first use */
	char *spool_dir;
	uint64_t max;
	uint64_t len;
	uint64_t crc; /* of what is in the spool */
	bool spooled;
	bool too_large; /* for Redis: only counted from here on */
};

/* max: bytes of the largest payload, 0: SEGMENT_PAYLOAD_MAX; spool_dir as in spool_new. */
enum dyn_entropy_status rdb_body_init(
	struct rdb_body *b, uint64_t max, const char *spool_dir, struct dyn_entropy_error *err);
void rdb_body_fini(struct rdb_body *b);

/* Empty it for the next key; keeps the memory. */
void rdb_body_begin(struct rdb_body *b);

/* Add len bytes to the body (arg: a struct rdb_body), as an rdb_tee_fn. */
enum dyn_entropy_status rdb_body_add(
	void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* Append what DUMP appends: the RDB version and the checksum of everything before it. */
enum dyn_entropy_status rdb_body_finish(
	struct rdb_body *b, unsigned version, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
