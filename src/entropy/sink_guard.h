/*
 * sink_guard - send a snapshot's commands to Redis, except for the keys that are left alone.
 *
 * Used instead of sending all bytes when a sink has may_restore().  One apply(), one thread.
 */
#ifndef ENTROPY_SINK_GUARD_H
#define ENTROPY_SINK_GUARD_H

#include "entropy/dynentropy.h"
#include "entropy/redis_conn.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sink_guard_options {
	const struct dyn_entropy_sink_redis_options *sink; /* its may_restore is set */
	struct redis_conn *conn;
	dyn_entropy_snapshot *snapshot; /* rewound; its commands were checked */
	/* Count the reply to a command in result; true when the command was carried out. */
	bool (*answered)(void *arg, const redisReply *reply);
	void *answered_arg;
	struct dyn_entropy_apply_result *result; /* left_alone is counted here */
};

/* Returns when every reply has arrived and every key that had to be removed again is gone. */
enum dyn_entropy_status sink_guard_replay(
	const struct sink_guard_options *options, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
