/*
 * wal_queue - the commands of a lane that have no answer yet, in the order they were sent.
 * Plain memory; one thread.
 */
#ifndef JOURNAL_WAL_QUEUE_H
#define JOURNAL_WAL_QUEUE_H

#include "base/buf.h"
#include "journal/wal_item.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A command, with the bytes of its item behind it. */
struct wal_open {
	uint64_t position, stamp;
	uint32_t share, len;
	uint32_t key_at, key_len; /* in the bytes */
	bool is_repair, mixed, answered;
	uint8_t bytes[];
};

/* Zeroed: an empty one. */
struct wal_queue {
	struct buf bytes;
	size_t n; /* without an answer */
};
void wal_queue_fini(struct wal_queue *q);

/* Append a command; it was read from, or written as, the bytes.  False when out of memory. */
bool wal_queue_push(struct wal_queue *q, uint64_t position, const struct wal_item *it,
	const uint8_t *bytes, size_t len);

/* The first, or the one after o; NULL: there is none.  Those that are answered are left out. */
struct wal_open *wal_queue_next(const struct wal_queue *q, const struct wal_open *o);

/* The command that a record answers, or the one at a position; NULL: none. */
struct wal_open *wal_queue_find(
	const struct wal_queue *q, uint32_t share, const struct journal_record *r);
struct wal_open *wal_queue_at(const struct wal_queue *q, uint64_t position);

/* It has its answer; removes it as soon as all before it are removed. */
void wal_queue_answer(struct wal_queue *q, struct wal_open *o);

#ifdef __cplusplus
}
#endif

#endif
