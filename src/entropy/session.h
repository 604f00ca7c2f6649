/*
 * session - the receiving side of one connection: which version it speaks; read, check, spool,
 * apply.
 *
 * Each session runs in one thread, several in parallel.
 */
#ifndef ENTROPY_SESSION_H
#define ENTROPY_SESSION_H

#include "entropy/dynentropy.h"
#include "entropy/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The sender's time for both headers, or config->timeout_ms where that is shorter. */
#define SESSION_HEADER_TIMEOUT_MS 5000

/* After config->timeout_ms, the sender's minimum average rate. */
#define SESSION_RATE_MIN 65536 /* bytes per second */

struct session_options {
	const struct dyn_entropy_config *config;
	const struct dyn_entropy_receiver_options *receiver;
	const dyn_entropy_material *material; /* NULL where config->encrypt is false */
	const struct dyn_entropy_sink *sink;
	int64_t began_ms; /* monotonic: when the connection was accepted */
};

/*
 * Receive one snapshot and apply it, or give a connection of version 2 to the program: the stream
 * is closed then, and the status OK.  Otherwise it stays open: the caller closes it on success and
 * resets it on failure, which tells the sender.  result->peer is not touched.
 */
enum dyn_entropy_status session_serve(const struct session_options *options, struct stream *stream,
	struct dyn_entropy_receive_result *result, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
