/*
 * session - the receiving side of one connection: read, check, spool, apply.
 *
 * Each session in one thread, several side by side.
 */
#ifndef ENTROPY_SESSION_H
#define ENTROPY_SESSION_H

#include "entropy/dynentropy.h"
#include "entropy/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A peer gets this long for both headers, or config->timeout_ms where that is shorter. */
#define SESSION_HEADER_TIMEOUT_MS 5000

/* After config->timeout_ms, what a peer must have sent on average. */
#define SESSION_RATE_MIN 65536 /* bytes per second */

struct session_options {
	const struct dyn_entropy_config *config;
	const dyn_entropy_material *material; /* NULL where config->encrypt is false */
	const struct dyn_entropy_sink *sink;
	int64_t began_ms; /* monotonic: when the connection was accepted */
};

/*
 * Receive one snapshot and apply it.  The stream stays open: the caller closes it on success and
 * resets it on failure, which is how the sender learns of its fate.  result's peer is left alone.
 */
enum dyn_entropy_status session_receive(const struct session_options *options,
	struct stream *stream, struct dyn_entropy_receive_result *result,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
