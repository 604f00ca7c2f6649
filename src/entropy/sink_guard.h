/*
 * sink_guard - send a snapshot's commands to Redis, but for the keys that are to be left alone.
 *
 * In the place of the plain sending of all bytes when a sink has may_restore().  One apply(), one
 * thread.
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
	dyn_entropy_snapshot *snapshot; /* rewound; each of its commands is on the list */
	/* Counts the reply to a command in result and returns whether that was carried out. */
	bool (*answered)(void *arg, const redisReply *reply);
	void *answered_arg;
	struct dyn_entropy_apply_result *result; /* here are counted those that are left alone */
};

/* Returns when every reply is there, and every key taken out again that had to be. */
enum dyn_entropy_status sink_guard_replay(
	const struct sink_guard_options *options, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
