/*
 * dynentropy.h - the entropy channel: heal a replica that missed writes.
 *
 * A source turns local data into snapshots.  A sender pushes each of them over its own TCP
 * connection, encrypted with a pre-shared key.  A receiver checks it to its last byte and only then
 * gives it to a sink, which applies it.  A driver runs a round: a push to every target in turn.
 *
 *     source -> sender ===TCP=== receiver -> sink
 *
 * Conventions
 *
 *   Errors     A function that can fail returns enum dyn_entropy_status, zero on success, and
 *              describes the failure in *err.  err may be NULL.  A message never holds a key, a
 *              value or key material, nor the address of the other side, which the caller has.
 *
 *   Arguments  A pointer must not be NULL unless a comment says that it may be.  Strings are
 *              NUL-terminated and borrowed during the call, unless a comment says otherwise.
 *
 *   Ownership  What ..._new(), ..._load(), ..._source_x() or ..._sink_x() made is released by the
 *              matching ..._free(), which is harmless on NULL or an empty source or sink.
 *
 *   Sizes      A struct that is passed by address begins with struct_size, its size in bytes when
 *              its maker was compiled.  So later versions can add members at its end without
 *              breaking programs built with this one.  Set it; zeros elsewhere are the defaults:
 *
 *                  struct dyn_entropy_push_options options = {.struct_size = sizeof(options)};
 *
 *              In C++ it is initialized.  The library fills in a result up to its struct_size.  A
 *              nested struct is the last member.  dyn_entropy_error, dyn_entropy_source and
 *              dyn_entropy_sink have a fixed size and will not change.
 *
 *   Threads    An object belongs to one thread at a time unless its comment says otherwise.
 *
 *   Waiting    Every wait has a deadline, and dyn_entropy_cancel_set() ends it at once, from any
 *              thread or signal handler.
 *
 *   Signals    The library raises no SIGPIPE (it uses MSG_NOSIGNAL).
 */
#ifndef DYNENTROPY_H
#define DYNENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

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

/* ---- Configuration --------------------------------------------------------------------------- */

/* Texts are borrowed: they must outlive the objects made from the configuration. */
struct dyn_entropy_config {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_config);
	const char *key_file;      /* NULL when encrypt is false */
	const char *iv_file;       /* likewise */
	const char *listen_addr;   /* "host:port" of the receiver; port 0: the kernel's choice */
	const char *send_addr;     /* "host" that the sender binds to; NULL: the kernel's choice */
	const char *peer_endpoint; /* "host:port" that the sender connects to */
	bool encrypt;              /* false: send and accept only plaintext */
	uint32_t buffer_size;      /* plaintext bytes per chunk; a multiple of 16 when encrypt */
	uint32_t header_size;      /* bytes of the snapshot header */
	uint64_t max_rate;         /* of the sender, bytes per second; 0: unlimited */
	uint64_t max_snapshot_bytes; /* plaintext bytes that a receiver accepts */
	const char *spool_dir;       /* for snapshots beyond 16 MiB; NULL: TMPDIR, else /var/tmp */
	unsigned max_connections;    /* receiver workers, 1..1024 */
	uint32_t timeout_ms;         /* without a byte before a connection is given up */
};

/* Fill in struct_size and the defaults: encrypt, port 8105 on 127.0.0.1, and the
 * DYN_ENTROPY_DEFAULT_ sizes. */
void dyn_entropy_config_init_size(struct dyn_entropy_config *c, size_t struct_size);
static inline void dyn_entropy_config_init(struct dyn_entropy_config *c)
{
	dyn_entropy_config_init_size(c, sizeof(*c));
}

/* Check all fields.  DYN_ENTROPY_ERR_CONFIG names field, value and range. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_config_validate(
	const struct dyn_entropy_config *c, struct dyn_entropy_error *err);

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
 * pipelined and reads every reply.  Error replies other than BUSYKEY fail the snapshot; commands
 * that were carried out stay.  options may be NULL: only RESTORE, any key.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_sink_redis(
	const struct dyn_entropy_redis *redis, const struct dyn_entropy_sink_redis_options *options,
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);

/* ---- Sender ---------------------------------------------------------------------------------- */

/* How the connection of a snapshot ended: version 1 of the wire protocol tells a sender no more. */
enum dyn_entropy_outcome {
	/* Nothing was sent. */
	DYN_ENTROPY_OUTCOME_NONE = 0,
	/* In good order: a receiver of this library has applied it; of another it proves nothing.
	 */
	DYN_ENTROPY_OUTCOME_CLOSED,
	/* Reset, or closed early: not applied, or not all of it. */
	DYN_ENTROPY_OUTCOME_REFUSED,
	/* Not closed in time: unknown. */
	DYN_ENTROPY_OUTCOME_UNANSWERED,
	/* No connection. */
	DYN_ENTROPY_OUTCOME_UNREACHED,
	/* This side failed: its source, its memory, cancelled. */
	DYN_ENTROPY_OUTCOME_FAILED,
};

/* Words for a log line or a status page.  Static storage. */
const char *dyn_entropy_outcome_text(enum dyn_entropy_outcome outcome);

struct dyn_entropy_push_result {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_push_result);
	/* Of the first snapshot that was not closed in good order, else CLOSED. */
	enum dyn_entropy_outcome outcome;
	uint64_t snapshots; /* sent whole */
	uint64_t closed;    /* of them, closed in good order */
	/* In snapshots sent whole, and during a push the share of the current one; 0 when the
	 * source does not count keys. */
	uint64_t keys;
	uint64_t bytes;      /* plaintext sent */
	uint64_t wire_bytes; /* including headers, framing and padding */
	double seconds;
	uint64_t reserved[4]; /* 0 */
	struct dyn_entropy_source_totals source;
};

/* Called a few times a second during a push, in its thread: so_far->source is what was read, the
 * rest what was sent. */
typedef void (*dyn_entropy_progress_fn)(void *arg, const struct dyn_entropy_push_result *so_far);

struct dyn_entropy_push_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_push_options);
	dyn_entropy_cancel *cancel; /* may be NULL */
	dyn_entropy_progress_fn progress;
	void *progress_arg;
};

/*
 * Send every snapshot of source to config->peer_endpoint, each on its own connection; while the
 * receiver applies one, the next is sent.  Stops at the first failure.  material may be NULL when
 * config->encrypt is false; options may be NULL.  *result is filled in in either case.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_push(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, struct dyn_entropy_push_result *result,
	struct dyn_entropy_error *err);

/*
 * Push an empty snapshot, to check that the receiver is reachable and accepts snapshots before an
 * expensive source is opened.  OK when it was closed in good order.  material and cancel may be
 * NULL as for dyn_entropy_push(); *outcome is set in either case.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_knock(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, dyn_entropy_cancel *cancel,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err);

/* ---- Receiver -------------------------------------------------------------------------------- */

typedef struct dyn_entropy_receiver dyn_entropy_receiver;

/* The result of one connection. */
struct dyn_entropy_receive_result {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receive_result);
	char peer[80];  /* "host:port" of the sender; empty: no connection */
	uint64_t bytes; /* plaintext received */
	double seconds;
	bool turned_away;     /* not served: address not allowed, or no worker or descriptor free */
	uint64_t reserved[4]; /* 0 */
	struct dyn_entropy_apply_result applied;
};

struct dyn_entropy_receiver_counters {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receiver_counters);
	uint64_t connections; /* served, including current ones */
	uint64_t committed;   /* snapshots applied whole */
	uint64_t failed;      /* served connections that ended otherwise */
	uint64_t turned_away; /* address not allowed, or no worker or descriptor free */
	uint64_t bytes;       /* plaintext of committed snapshots */
	uint64_t commands, applied, kept, left_alone; /* of them: dyn_entropy_apply_result */
	unsigned active;                              /* connections being served now */
};

struct dyn_entropy_receiver_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_receiver_options);
	/* Whether this address may connect.  NULL: any.  Called in the receiver's thread. */
	bool (*allow)(void *arg, const struct sockaddr *from);
	void *allow_arg;
	/*
	 * Called once for every connection that dyn_entropy_receiver_run() served, in the worker's
	 * thread, and for every one turned away, in the receiver's: status OK and the result, or
	 * the error.  Not for those that dyn_entropy_receiver_accept_one() served.  The connection
	 * is closed after this returns.  result->peer is set, err never NULL.  May be NULL.
	 */
	void (*ended)(void *arg, enum dyn_entropy_status status,
		const struct dyn_entropy_receive_result *result,
		const struct dyn_entropy_error *err);
	void *ended_arg;
};

/*
 * Bind to config->listen_addr.  material and sink are borrowed; material may be NULL when
 * config->encrypt is false; options may be NULL.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_new(
	const struct dyn_entropy_config *config, const dyn_entropy_material *material,
	const struct dyn_entropy_sink *sink, const struct dyn_entropy_receiver_options *options,
	dyn_entropy_receiver **out, struct dyn_entropy_error *err);

/* The port it listens on, also when the kernel chose it. */
uint16_t dyn_entropy_receiver_port(const dyn_entropy_receiver *r);

/*
 * Wait at most timeout_ms for one connection and serve it in this thread.  result->peer is empty
 * when none was served; those turned away are reported only to ended().
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_accept_one(dyn_entropy_receiver *r,
	uint32_t timeout_ms, struct dyn_entropy_receive_result *result,
	struct dyn_entropy_error *err);

/* Serve connections on up to config->max_connections workers until dyn_entropy_receiver_stop(): OK.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_run(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err);

/* dyn_entropy_receiver_run() in a new thread, one at a time.  After _stop(), join waits for it and
 * the workers. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_receiver_start(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err);
void dyn_entropy_receiver_join(dyn_entropy_receiver *r);

/* End accept_one and run; connections under way are reset.  Any thread, and signal handlers. */
void dyn_entropy_receiver_stop(dyn_entropy_receiver *r);

/* The counters since the start.  Any thread. */
void dyn_entropy_receiver_count(
	dyn_entropy_receiver *r, struct dyn_entropy_receiver_counters *counters);

/* Stop, join, close. */
void dyn_entropy_receiver_free(dyn_entropy_receiver *r);

/* ---- Driver ---------------------------------------------------------------------------------- */

/* What one round did. */
struct dyn_entropy_round {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_round);
	uint64_t attempted; /* targets */
	uint64_t exchanged; /* with every snapshot closed in good order */
	uint64_t failed;    /* the others */
	uint64_t snapshots;
	uint64_t keys;
	uint64_t bytes;
	double seconds;
};

struct dyn_entropy_target_report {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_target_report);
	size_t target;                         /* its index in the driver's targets */
	const char *endpoint;                  /* "host:port"; lives as long as the driver */
	uint64_t rounds;                       /* that this target took part in */
	enum dyn_entropy_status status;        /* of its last round */
	char message[DYN_ENTROPY_MESSAGE_MAX]; /* of its last round; empty when it went well */
	uint64_t reserved[4];                  /* 0 */
	struct dyn_entropy_push_result last;   /* of its last round */
};

struct dyn_entropy_driver_options {
	DYN_ENTROPY_STRUCT_SIZE(dyn_entropy_driver_options);
	/* "host:port" each; copied.  The callbacks get a target as its index in this list. */
	const char *const *targets;
	size_t n_targets;
	/* Make the source for one target; the driver frees it.  err is never NULL. */
	enum dyn_entropy_status (*open_source)(void *arg, size_t target,
		struct dyn_entropy_source *out, struct dyn_entropy_error *err);
	void *open_source_arg;
	/* Whether a target takes part in the current round.  NULL: every one does. */
	bool (*takes_part)(void *arg, size_t target);
	void *takes_part_arg;
	/* Call dyn_entropy_knock() first, and open no source for a target that refuses it.  It
	 * counts only in the seconds. */
	bool knock;
	/* Called when a target's part has ended, in the round's thread.  May be NULL. */
	void (*target_done)(void *arg, const struct dyn_entropy_target_report *report);
	void *target_done_arg;
	dyn_entropy_progress_fn progress; /* of the target being pushed to; may be NULL */
	void *progress_arg;
	dyn_entropy_cancel *cancel; /* may be NULL */
};

typedef struct dyn_entropy_driver dyn_entropy_driver;

/* config->peer_endpoint is ignored in favour of the targets.  material is borrowed, and may be NULL
 * when config->encrypt is false. */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_driver_new(
	const struct dyn_entropy_config *config, const dyn_entropy_material *material,
	const struct dyn_entropy_driver_options *options, dyn_entropy_driver **out,
	struct dyn_entropy_error *err);

/*
 * Run a round: push to every target, also after one has failed.  OK when the round ran to its end;
 * *round counts the targets that failed.  One round at a time.
 */
DYN_ENTROPY_CHECK enum dyn_entropy_status dyn_entropy_driver_round(
	dyn_entropy_driver *d, struct dyn_entropy_round *round, struct dyn_entropy_error *err);

/* Release it, between rounds; NULL is harmless. */
void dyn_entropy_driver_free(dyn_entropy_driver *d);

#ifdef __cplusplus
}
#endif

#endif
