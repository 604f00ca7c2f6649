/*
 * rdb - parse an RDB (up to version 12) and give its keys one by one, each with its deadline and
 * the payload for RESTORE.
 *
 * Only keys are decoded.  A value is copied unparsed: with its type before it and the RDB version
 * and a checksum after it, it is what DUMP would have given.  Memory is bounded,
 * whatever the lengths in the RDB claim.  One thread at a time.
 */
#ifndef ENTROPY_RDB_H
#define ENTROPY_RDB_H

#include "entropy/dynentropy.h"
#include "entropy/rdb_input.h"
#include "entropy/spool.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RDB_VERSION_MAX 12

/* bytes; a longer key is not carried */
#define RDB_KEY_MAX (UINT64_C(16) * 1024 * 1024)

/* bytes; a larger payload is in a spool instead of in memory */
#define RDB_PAYLOAD_MEMORY_MAX ((size_t)1024 * 1024)

struct rdb;

struct rdb_options {
	rdb_read_fn read; /* the bytes of the RDB */
	void *read_arg;
	const char *name;      /* of the file or the Redis, for messages; borrowed */
	const char *spool_dir; /* as in spool_new */
	bool (*owns)(void *arg, const void *key, size_t len); /* NULL: every key */
	void *owns_arg;
	uint64_t payload_max; /* bytes; a larger one is not carried.  0: SEGMENT_PAYLOAD_MAX */
};

/* A key of database 0.  What it points to lives until the next call. */
struct rdb_entry {
	const uint8_t *key;
	size_t key_len;
	int64_t deadline_ms;    /* since the Unix epoch; 0: none */
	const uint8_t *payload; /* NULL: it is in the spool */
	uint64_t payload_len;
	struct spool *spool;
};

/* The options are copied, what they point to is borrowed.  rdb_free(NULL) is harmless. */
enum dyn_entropy_status rdb_new(
	const struct rdb_options *options, struct rdb **out, struct dyn_entropy_error *err);
void rdb_free(struct rdb *r);

/*
 * The next key, or DYN_ENTROPY_END behind the end mark, when the checksum is right (or zero, which
 * means that there is none).  Keys whose deadline has passed are left out; so are keys for
 * which owns() is false and what cannot be carried, which rdb_totals() counts.
 * DYN_ENTROPY_ERR_SOURCE when the RDB is cut short, damaged, of a newer version, or holds a type
 * that is not known.  After END or a failure it gives the same again.
 */
enum dyn_entropy_status rdb_next(
	struct rdb *r, struct rdb_entry *entry, struct dyn_entropy_error *err);

/* After DYN_ENTROPY_END: up to cap bytes that follow; *len is less than cap only at the end. */
enum dyn_entropy_status rdb_rest(
	struct rdb *r, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);

/* Fills keys_expected, not_owned, not_carried and not_carried_what; leaves the others alone. */
void rdb_totals(const struct rdb *r, struct dyn_entropy_source_totals *totals);

#ifdef __cplusplus
}
#endif

#endif
