/*
 * scan_batch - a batch of keys, and what Redis has for them, read in one transaction: nothing can
 * come between a value and its deadline.
 *
 * The payloads go through a spool as they come, so that memory is bounded however large they are.
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
	SCAN_GONE, /* it has vanished since SCAN named it */
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
	size_t n, next;         /* the number of keys; the first that is still of use */
	struct spool *payloads; /* one behind the other, from that of next on */
};

/* An empty batch; spool_dir as in spool_new, watch (borrowed) as in spool_watch. */
enum dyn_entropy_status scan_batch_init(struct scan_batch *b, const char *spool_dir,
	const struct watch *watch, struct dyn_entropy_error *err);
void scan_batch_fini(struct scan_batch *b);

/* Drop all keys and values. */
void scan_batch_clear(struct scan_batch *b);

/* Forget the values from next on, and keep their keys to be asked for again. */
void scan_batch_unread(struct scan_batch *b);

/* Queue the request for the keys, and take in all that Redis says to it. */
enum dyn_entropy_status scan_batch_ask(
	const struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err);
enum dyn_entropy_status scan_batch_read(
	struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
