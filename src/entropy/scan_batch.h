/*
 * scan_batch - a batch of keys and their values, read in one transaction, so that each deadline
 * belongs to its value.
 *
 * The payloads go through a spool as they arrive, so that memory is bounded whatever their size.
 * One thread at a time.
 */
#ifndef ENTROPY_SCAN_BATCH_H
#define ENTROPY_SCAN_BATCH_H

#include "entropy/redis_conn.h"
#include "entropy/scan_pace.h"
#include "entropy/spool.h"

#ifdef __cplusplus
extern "C" {
#endif

enum scan_fate {
	SCAN_GONE, /* deleted since SCAN returned it */
	SCAN_PLAIN,
	SCAN_TOO_LARGE, /* above SEGMENT_PAYLOAD_MAX */
	SCAN_OF_MODULE,
};

struct scan_value {
	enum scan_fate fate;
	int64_t deadline_ms;  /* absolute; 0: none */
	uint64_t payload_len; /* bytes; those of a SCAN_PLAIN are in payloads */
};

struct scan_batch {
	bool has_pexpiretime;                  /* Redis 7 */
	redisReply *keys[SCAN_PACE_BATCH_MAX]; /* owned */
	struct scan_value values[SCAN_PACE_BATCH_MAX];
	size_t n, next;         /* the number of keys; the first not used yet */
	struct spool *payloads; /* one after the other, from that of next on */
};

/* An empty batch; spool_dir as in spool_new, watch (borrowed) as in spool_watch. */
enum dyn_entropy_status scan_batch_init(struct scan_batch *b, const char *spool_dir,
	const struct watch *watch, struct dyn_entropy_error *err);
void scan_batch_fini(struct scan_batch *b);

/* Drop all keys and values. */
void scan_batch_clear(struct scan_batch *b);

/* Drop the values from next on, and keep their keys for another request. */
void scan_batch_unread(struct scan_batch *b);

/* Queue the request for the keys; read all replies to it. */
enum dyn_entropy_status scan_batch_ask(
	const struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err);
enum dyn_entropy_status scan_batch_read(
	struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
