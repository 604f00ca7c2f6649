/*
 * dynentropy_data.h - of the entropy channel: sources, which give snapshots, and sinks, which apply
 * them.  Its conventions are in dynentropy.h, which includes this.
 */
#ifndef DYNENTROPY_DATA_H
#define DYNENTROPY_DATA_H

#include "dynentropy_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- How sources and sinks connect to Redis ------------------------------------------------- */

/* Copied by the functions that take it (the password is wiped after use); cancel is borrowed. */
struct dyn_entropy_redis {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_redis);
	const char *address;  /* "host:port", or the path of a Unix socket (begins with '/') */
	const char *user;     /* NULL: the default user */
	const char *password; /* NULL: no AUTH */
	/* To connect, and without a byte of a reply; 0: DYN_ENTROPY_DEFAULT_TIMEOUT_MS. */
	uint32_t timeout_ms;
	dyn_entropy_cancel *cancel; /* may be NULL; must outlive what is made from this */
};

/* ---- Sources --------------------------------------------------------------------------------- */

struct dyn_entropy_source_totals {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_source_totals);
	uint64_t keys;           /* read so far, including the current snapshot */
	uint64_t bytes;          /* their plaintext */
	uint64_t keys_expected;  /* estimate of keys at the end; 0: unknown */
	uint64_t bytes_expected; /* estimate of bytes at the end; 0: unknown */
	uint64_t not_owned;      /* keys for which owns() was false */
	uint64_t not_carried;    /* keys, functions and module data that the channel cannot carry */
	char not_carried_what[160]; /* their kinds and counts in words; never a key */
	uint64_t changed;           /* keys left out because is_changed() was true */
};

/*
 * A source gives snapshots as byte streams, one after the other.  next() begins the next one, with
 * its length (0 is legal), or returns DYN_ENTROPY_END; read() gives up to cap bytes of it, at least
 * one while any is left.  next() drops the unread rest of the current snapshot.  err is never NULL.
 * One thread at a time.
 *
 * totals and set_tick may be NULL.  *totals is zeroed except for struct_size.  set_tick() asks for
 * calls of tick(arg) a few times a second during a long next(), for the progress of a push; tick
 * NULL ends that.
 */
struct dyn_entropy_source_ops {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_source_ops);
	enum dyn_entropy_status (*next)(
		void *self, uint32_t *len_bytes, struct dyn_entropy_error *err);
	enum dyn_entropy_status (*read)(
		void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);
	void (*totals)(void *self, struct dyn_entropy_source_totals *totals);
	void (*free)(void *self);
	void (*set_tick)(void *self, void (*tick)(void *arg), void *arg);
};

struct dyn_entropy_source {
	const struct dyn_entropy_source_ops *ops;
	void *self;
};

/* Release what a source holds, and empty it; harmless on an empty one. */
void dyn_entropy_source_free(struct dyn_entropy_source *s);

/* One snapshot of bytes in memory (borrowed), or of a file's bytes.  At most
 * DYN_ENTROPY_SNAPSHOT_MAX. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_source_static(const void *bytes, size_t len,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err);
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_source_file(
	const char *path, struct dyn_entropy_source *out, struct dyn_entropy_error *err);

/* Options of all sources of Redis data. */
struct dyn_entropy_source_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_source_options);
	/* Plaintext per snapshot, 0: 16 MiB.  A larger key gets its own snapshot. */
	uint32_t segment_bytes;
	/* Maximum bytes per second of the scan, to protect other clients; 0: no limit. */
	uint64_t max_rate;
	/* Where a segment beyond 16 MiB is spooled; copied; NULL: TMPDIR, else /var/tmp. */
	const char *spool_dir;
	/* Whether the key is sent (the target owns it); NULL: every key is. */
	bool (*owns)(void *arg, const void *key, size_t len);
	void *owns_arg;
	/* For sync and rdb, whose content is as old as the source: whether a key may have been
	 * written since the source was opened.  Such keys are left out and counted.  NULL: none. */
	bool (*is_changed)(void *arg, const void *key, size_t len);
	void *is_changed_arg;
	/* Ends next(); may be NULL; borrowed.  For a running Redis, NULL means the one of struct
	 * dyn_entropy_redis. */
	dyn_entropy_cancel *cancel;
};

/*
 * scan: the keys of a running Redis by SCAN, DUMP and absolute deadlines, read in small atomic
 * batches that shrink when Redis gets slow.  A key that is deleted meanwhile is left out.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_source_scan(
	const struct dyn_entropy_redis *redis, const struct dyn_entropy_source_options *options,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err);

/* sync: the replication stream of a running Redis (SYNC), as the same RESTORE commands. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_source_sync(
	const struct dyn_entropy_redis *redis, const struct dyn_entropy_source_options *options,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err);

/* rdb: the same from an RDB file, up to RDB version 12. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_source_rdb(const char *path,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err);

/* ---- Sinks ----------------------------------------------------------------------------------- */

/* A complete, checked snapshot, for a sink to read. */
typedef struct dyn_entropy_snapshot dyn_entropy_snapshot;

/* Its length in bytes. */
uint32_t dyn_entropy_snapshot_len(const dyn_entropy_snapshot *s);

/* When its connection was accepted, in ms of CLOCK_MONOTONIC: the content is older. */
int64_t dyn_entropy_snapshot_began_ms(const dyn_entropy_snapshot *s);

/* Up to cap bytes from the read position; *len is 0 only at the end. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_snapshot_read(
	dyn_entropy_snapshot *s, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);

/* Read from the first byte again. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_snapshot_rewind(
	dyn_entropy_snapshot *s, struct dyn_entropy_error *err);

struct dyn_entropy_apply_result {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_apply_result);
	uint64_t commands; /* in the snapshot */
	uint64_t applied;  /* by the store */
	uint64_t kept;     /* not applied because the key existed (BUSYKEY): not a failure */
	uint64_t failed;
	uint64_t left_alone; /* not applied because may_restore() was false: not a failure */
};

/*
 * apply() applies one snapshot and returns success only when all of it is in the store.  It must be
 * thread-safe: a receiver calls it from several workers.  A sink with never_reads set gets only the
 * length of snapshots; their bytes are not kept.  *result is zeroed except for struct_size.  err is
 * never NULL.
 */
struct dyn_entropy_sink_ops {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_sink_ops);
	enum dyn_entropy_status (*apply)(void *self, dyn_entropy_snapshot *snapshot,
		struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err);
	void (*free)(void *self);
	bool never_reads;
};

struct dyn_entropy_sink {
	const struct dyn_entropy_sink_ops *ops;
	void *self;
};

/* Release what a sink holds, and empty it; harmless on an empty one. */
void dyn_entropy_sink_free(struct dyn_entropy_sink *s);

/* memory: keeps the last snapshot.  ..._memory_copy() gives a copy (malloc) of it; any thread. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_sink_memory(
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_sink_memory_copy(
	const struct dyn_entropy_sink *s, void **bytes, size_t *len, struct dyn_entropy_error *err);

/* discard: counts the bytes only. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_sink_discard(
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);

enum dyn_entropy_accept {
	/* Only RESTORE, never with REPLACE: existing keys are not overwritten. */
	DYN_ENTROPY_ACCEPT_RESTORE = 0,
	/* Also the plain data-writing commands; never an administrative one. */
	DYN_ENTROPY_ACCEPT_DATA,
};

struct dyn_entropy_sink_redis_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_sink_redis_options);
	enum dyn_entropy_accept accept;
	/*
	 * Whether a missing key may be restored from a snapshot whose connection was accepted at
	 * session_began_ms (CLOCK_MONOTONIC); false for a key that was written since the content
	 * was read, for it may have been deleted.  Called right before the command is sent, and
	 * again after Redis has carried it out: a key that was written in between is removed again,
	 * unless its value has changed.  Other commands of DYN_ENTROPY_ACCEPT_DATA that can create
	 * keys are only checked before, and not sent if one of their keys may not be restored.
	 * Called in the thread that applies.  NULL: every key may.
	 */
	bool (*may_restore)(void *arg, const void *key, size_t len, int64_t session_began_ms);
	void *may_restore_arg;
};

/*
 * redis: checks the snapshot's commands, refuses all of it if one is not allowed, then sends them
 * pipelined and reads every reply.  A command at which Redis closes the connection is passed over,
 * and the others are sent over a new one.  Such a command, and error replies other than BUSYKEY,
 * fail the snapshot; commands that were carried out stay.  For an empty snapshot it asks Redis
 * whether it takes commands.  options may be NULL: only RESTORE, any key.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_sink_redis(
	const struct dyn_entropy_redis *redis, const struct dyn_entropy_sink_redis_options *options,
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
