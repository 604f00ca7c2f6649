/*
 * wal_internal - shared by the files of the log: wal.c appends and flushes, wal_segment.c has the
 * files, wal_open.c reads them at the start, wal_snapshot.c writes snapshots, wal_replay.c does
 * records again.  Event loop's thread.
 */
#ifndef JOURNAL_WAL_INTERNAL_H
#define JOURNAL_WAL_INTERNAL_H

#include "journal/syncer.h"
#include "journal/wal.h"
#include "journal/wal_item.h"
#include "journal/wal_queue.h"

#include <limits.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAL_HEADER  32 /* bytes of a segment's header */
#define WAL_NOT_YET UINT64_MAX

/* Between two syncs of a file: what a power loss takes of a log is what it takes of a Redis with
 * appendfsync everysec, or less. */
#define WAL_SYNC_GAP_MS 100

struct wal_segment {
	uint64_t first; /* the position before its first record; also its name */
	uint64_t bytes;
	uint64_t snapshot_bytes; /* of them: up to the end of the snapshot */
	uint64_t end;            /* the position at the end of its snapshot; WAL_NOT_YET */
};

/* The records up to the position at that the dataset has nothing of: commands past their lane's
 * marker, and of other records all that are later than the first of those. */
struct wal_void {
	uint64_t at, first;
	uint64_t past[WAL_LANES_MAX];
};

struct wal_lane {
	struct wal_queue open;
	uint64_t answered; /* up to here, and not appended yet; 0: nothing */
};

struct wal_bytes {
	uint8_t *bytes; /* owned */
	size_t len;
};

struct wal {
	struct wal_options o;
	char dir[PATH_MAX - 32];
	uint64_t id, position;
	bool is_new;

	struct wal_segment *segments; /* oldest first; the last one is written */
	size_t n_segments;
	int fd; /* of the last one */
	struct syncer *syncer;

	struct buf out;  /* batches that are not written yet */
	bool in_batch;   /* the last one is not ended */
	size_t batch_at; /* where in out */
	size_t item_len; /* of the last item in out */
	struct buf item; /* scratch */
	struct wal_lane lanes[WAL_LANES_MAX];
	uint8_t answering[WAL_LANES_MAX]; /* lanes with something in answered */
	size_t n_answering;
	uint64_t last[WAL_LANES_MAX]; /* the last command of a lane that is not void */

	struct wal_void *voids;
	size_t n_voids;

	uint64_t *shares; /* ids */
	struct wal_bytes *kept;
	uint32_t n_shares;

	bool snapshot; /* one is under way */
	bool wants_snapshot;
	uint32_t share; /* that it is at */
	uint64_t cursor, snapshots;
	bool broken, mending;
	int64_t retry_ms;
};

/* ---- wal.c ---- */

/* Append an item to the batch.  Out of memory breaks the log. */
void wal_put(struct wal *w, const struct wal_item *it);
/* The same with a position of its own, which is returned. */
uint64_t wal_put_record(struct wal *w, struct wal_item *it);
/* Append what is known of answers. */
void wal_put_answers(struct wal *w);
/* Write what was appended.  False, with the log broken, on failure. */
bool wal_write_out(struct wal *w);
/* Say that it is broken, and why (an errno). */
void wal_break(struct wal *w, const char *doing, int error);
/* Add a share that is in the log already.  False when out of memory. */
bool wal_add_share(struct wal *w, uint64_t id);
/* Forget what is known of lanes and of what is void; of shares. */
void wal_forget(struct wal *w);
void wal_forget_shares(struct wal *w);

/* ---- wal_segment.c ---- */

const char *wal_segment_path(const struct wal *w, const struct wal_segment *s, char path[PATH_MAX]);
uint64_t wal_segment_place(const struct wal_segment *s, uint64_t offset);
/* Begin one, and sync the last one.  False with errno set. */
bool wal_segment_begin(struct wal *w);
void wal_segment_header(const struct wal *w, const struct wal_segment *s, uint8_t to[WAL_HEADER]);
/* Read a file.  False with errno set; free *bytes. */
bool wal_segment_read(
	const struct wal *w, const struct wal_segment *s, uint8_t **bytes, size_t *len);
/* Remove the first n. */
void wal_segment_remove(struct wal *w, size_t n);
/* Remove those that are not needed and above the limit. */
void wal_segment_trim(struct wal *w);
uint64_t wal_segment_bytes(const struct wal *w);
/* A file that is there while the log is not broken: removing one works on a full disk. */
bool wal_segment_set_whole(struct wal *w, bool whole);

/* ---- wal_open.c ---- */

/* Read all files.  False, with a message in why, on an error of the system. */
bool wal_open_read(struct wal *w, char why[WAL_WHY_MAX]);

/* ---- wal_snapshot.c ---- */

/* Append the next part of the snapshot that is under way. */
void wal_snapshot_go_on(struct wal *w);

/* ---- wal_replay.c ---- */

/* Give each item of the log, from a segment on, to fn, with its position. */
struct wal_walk {
	size_t segment;
	bool (*fn)(void *arg, size_t segment, const struct wal_item *it, const uint8_t *bytes,
		size_t len);
	void *arg;
};
bool wal_walk(struct wal *w, const struct wal_walk *walk);

/* Whether a command of the lane, or another record, is void. */
bool wal_is_void(const struct wal *w, uint64_t position, uint32_t lane);
bool wal_is_void_record(const struct wal *w, uint64_t position);

/* Note that the commands past these positions of their lanes are void, of which first is the first.
 * False when out of memory. */
bool wal_add_void(struct wal *w, uint64_t first, const uint64_t *past);

/* Whether a snapshot is old enough for all that is void. */
bool wal_can_replay(const struct wal *w);

/* Do all records again that are not void, and say of commands without an answer that they were
 * carried out.  fn gets records to apply.  False, with a message logged, on failure. */
bool wal_replay(struct wal *w,
	bool (*fn)(void *arg, uint32_t share, const struct journal_record *r), void *arg);

#ifdef __cplusplus
}
#endif

#endif
