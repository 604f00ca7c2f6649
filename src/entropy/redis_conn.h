/*
 * redis_conn - a connection to Redis: hiredis for commands and replies, over a stream with
 * deadlines.
 *
 * Every error takes the kind given at open (DYN_ENTROPY_ERR_SOURCE or _SINK), unless memory is
 * short or it was cancelled, and names the address.  An error breaks the connection: free it.  One
 * thread at a time.
 */
#ifndef ENTROPY_REDIS_CONN_H
#define ENTROPY_REDIS_CONN_H

#include "entropy/dynentropy.h"
#include "entropy/stream.h"

#include <hiredis.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A deep copy, and its wiping.  Refuses, with DYN_ENTROPY_ERR_CONFIG, an address that is neither
 * host:port nor the path of a socket.  A timeout_ms of 0 becomes the default.
 */
enum dyn_entropy_status redis_endpoint_copy(struct dyn_entropy_redis *to,
	const struct dyn_entropy_redis *from, struct dyn_entropy_error *err);
void redis_endpoint_fini(struct dyn_entropy_redis *e);

struct redis_conn;

/*
 * Connect, AUTH when there is a password, and wait for Redis to have loaded its data, within
 * timeout_ms each.  *out is NULL on failure.
 */
enum dyn_entropy_status redis_conn_open(const struct dyn_entropy_redis *endpoint,
	enum dyn_entropy_status kind, struct redis_conn **out, struct dyn_entropy_error *err);
void redis_conn_free(struct redis_conn *c);

/* One command, one reply.  The caller frees *reply (freeReplyObject); an error reply is a reply,
 * not a failure. */
enum dyn_entropy_status redis_conn_call(struct redis_conn *c, int argc, const char *const *argv,
	const size_t *argv_len, redisReply **reply, struct dyn_entropy_error *err);

/* Queue a command; it leaves with the next redis_conn_reply or redis_conn_send. */
enum dyn_entropy_status redis_conn_append(struct redis_conn *c, int argc, const char *const *argv,
	const size_t *argv_len, struct dyn_entropy_error *err);

/*
 * Send what is queued and then these bytes (none when len is 0), which are already RESP, taking in
 * replies meanwhile.  The replies wait for redis_conn_buffered_reply or redis_conn_reply.
 */
enum dyn_entropy_status redis_conn_send(
	struct redis_conn *c, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* The next reply, waiting for it; or (*reply NULL when there is none) only if it is here already.
 */
enum dyn_entropy_status redis_conn_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err);
enum dyn_entropy_status redis_conn_buffered_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err);

/*
 * The same past hiredis, for replies that it would hold whole, and twice.  Nothing that hiredis is
 * to parse may be under way.  The next line without its CR LF, which lives until the next call; and
 * 1..max bytes of what is next.
 */
enum dyn_entropy_status redis_conn_line(
	struct redis_conn *c, const char **line, size_t *len, struct dyn_entropy_error *err);
enum dyn_entropy_status redis_conn_bytes(struct redis_conn *c, size_t max, const uint8_t **bytes,
	size_t *len, struct dyn_entropy_error *err);

/* The stream below, for what follows the reply to SYNC.  Nothing may be queued or buffered. */
struct stream *redis_conn_stream(struct redis_conn *c);

/* What a failure of that stream is here: of the connection's kind, with words and ": " before the
 * message, which names the address.  Returns the status; one that is no failure passes through. */
enum dyn_entropy_status redis_conn_stream_failed(const struct redis_conn *c, const char *words,
	enum dyn_entropy_status status, struct dyn_entropy_error *err);

/* "host:port" or the socket's path, for messages. */
const char *redis_conn_name(const struct redis_conn *c);

/* What Redis says in an error reply, fit for a message (redis_words.h).  Returns text. */
const char *redis_conn_error_words(const redisReply *reply, char *text, size_t cap);

/* The error of an unexpected reply to what ("PING"): Redis's words and the remedy, in the kind of
 * c. */
enum dyn_entropy_status redis_conn_refused(const struct redis_conn *c, const char *what,
	const redisReply *reply, struct dyn_entropy_error *err);

/* The same of a reply's line. */
enum dyn_entropy_status redis_conn_refused_line(const struct redis_conn *c, const char *what,
	const char *line, size_t len, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
