/*
 * wal - the write-ahead log: the records of a node's journals on disk, so that they are there after
 * a kill -9 of the node.
 *
 *     wal_append() for each record of a turn of the loop -> wal_flush() -> the commands go out
 *     wal_open() -> marker_rebuild() (marker.h)                     at the start, or a reconnect
 *
 * Files wal-* in the state directory, the segments: each begins with a snapshot of the journals,
 * which is written in parts while records go on, and has the records since.  When the last one is
 * big, the next is begun; the oldest ones are removed above max_bytes.  A torn end is cut off.
 *
 * When a disk is full, or fails, the log is broken, which is logged once: the node goes on with its
 * journals in memory, and after a crash its dataset is unknown.  A snapshot mends it as soon as the
 * disk takes one.
 *
 * Event loop's thread.  Files are synced by a thread of its own.
 */
#ifndef JOURNAL_WAL_H
#define JOURNAL_WAL_H

#include "journal/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAL_LANES_MAX   256
#define WAL_SHARES_MAX  4096
#define WAL_KEPT_MAX    65536 /* bytes of wal_keep() */
#define WAL_BYTES_LEAST (UINT64_C(1) << 20)
#define WAL_WHY_MAX     4608 /* a path and a sentence */

struct wal;

struct wal_options {
	const char *dir;    /* of this node alone: state_dir(); copied */
	uint64_t max_bytes; /* of all files; at least WAL_BYTES_LEAST.  The journals may need more.
			     */
	/* The journal of a share, with all records that were appended; NULL: there is none any
	 * more. */
	const struct journal *(*journal)(void *arg, uint32_t share);
	void *arg;
};

/* NULL, with a message in why, when the files cannot be read or written.  What is damaged is cut
 * off, and logged. */
struct wal *wal_open(const struct wal_options *o, char why[WAL_WHY_MAX]);

/* Flush, sync and close.  NULL is harmless. */
void wal_close(struct wal *w);

/* Whether the log is new, so that it says nothing about what the dataset has: a dataset that is not
 * empty is unknown, and the node's incarnation must be another one. */
bool wal_is_new(const struct wal *w);

/* Begin a new log, with another id, and forget the old one. */
void wal_restart(struct wal *w);

/* Random, the same as long as the log goes on. */
uint64_t wal_id(const struct wal *w);

/* The number that a share has in this log, by an id that is the same after a restart.  UINT32_MAX
 * when there are too many, or no memory. */
uint32_t wal_share(struct wal *w, uint64_t id);
uint64_t wal_share_id(const struct wal *w, uint32_t share);

/*
 * Append a record that has been, or is at once, applied to the journal of the share.  lane is that
 * of the record's key, below WAL_LANES_MAX; of no meaning without a key.  Returns the record's
 * position, which only grows.
 */
uint64_t wal_append(struct wal *w, uint32_t share, uint32_t lane, const struct journal_record *r);

/* Keep bytes (at most WAL_KEPT_MAX) for the share, in place of those kept before: what is to be
 * known after a restart besides the journal.  wal_kept() has the last ones, also after a restart;
 * NULL: none. */
void wal_keep(struct wal *w, uint32_t share, const void *bytes, size_t len);
const void *wal_kept(const struct wal *w, uint32_t share, size_t *len);

/*
 * Write what was appended; call it in each turn of the loop before the commands go out, and at
 * least once a second.  Also writes a part of a snapshot, where one is under way.  False when the
 * log is broken.
 */
bool wal_flush(struct wal *w, int64_t now_ms); /* monotonic */

bool wal_is_broken(const struct wal *w);

/* The position of the last command (a write or a repair that is sent) of a lane; 0: none.  A marker
 * at the end of the lane's batch has it. */
uint64_t wal_lane_position(const struct wal *w, uint32_t lane);

/* The position of the last record, and of the last one that is synced. */
uint64_t wal_position(const struct wal *w);
uint64_t wal_durable(const struct wal *w);

/* Begin a segment with a new snapshot now; by itself that is done when the last one is big. */
void wal_begin_snapshot(struct wal *w);

struct wal_figures {
	uint64_t bytes, segments; /* on disk */
	uint64_t snapshots;       /* completed */
	uint64_t under_way;       /* commands without an answer */
};
void wal_count(const struct wal *w, struct wal_figures *f);

#ifdef __cplusplus
}
#endif

#endif
