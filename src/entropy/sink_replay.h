/*
 * sink_replay - give a snapshot's commands to Redis and read every reply; pass over the keys that
 * are left alone, and the commands at which Redis closes the connection.
 *
 * Redis does that to a value that is larger than it takes, for one.  The commands behind it go over
 * a new connection.  One apply(), one thread.
 */
#ifndef ENTROPY_SINK_REPLAY_H
#define ENTROPY_SINK_REPLAY_H

#include "entropy/dynentropy.h"
#include "entropy/redis_conn.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Commands of a snapshot that are passed over after Redis closed the connection without a word;
 * with one more, it is taken to be out of order. */
#define SINK_REPLAY_PASSED_OVER_MAX 16

struct sink_replay_options {
	const struct dyn_entropy_redis *endpoint;
	const struct dyn_entropy_sink_redis_options *sink;
	dyn_entropy_snapshot *snapshot; /* its commands were checked */
	/* Count the reply to a command in result; true when the command was carried out. */
	bool (*answered)(void *arg, const redisReply *reply);
	/* Count a command that was passed over as failed. */
	void (*passed_over)(void *arg);
	void *arg;
	struct dyn_entropy_apply_result *result; /* left_alone is counted here */
};

/* Returns when every reply has arrived and every key that had to be removed again is gone.
 * *settled: the commands that were answered, left alone or passed over. */
enum dyn_entropy_status sink_replay(const struct sink_replay_options *options, uint64_t *settled,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
