/*
 * redis_conn - a connection to Redis: hiredis for commands and replies, over a stream with
 * deadlines.
 *
 * Every error has the status given at open (DYN_ENTROPY_ERR_SOURCE or _SINK), unless memory is
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
 * Send what is queued and then these bytes (none when len is 0), which are already RESP, receiving
 * replies meanwhile.  The replies are kept for redis_conn_buffered_reply or redis_conn_reply.
 */
enum dyn_entropy_status redis_conn_send(
	struct redis_conn *c, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* The next reply, waiting for it; _buffered_ only if it has already arrived (else *reply is NULL).
 */
enum dyn_entropy_status redis_conn_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err);
enum dyn_entropy_status redis_conn_buffered_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err);

/* Whether Redis, or the network, has ended the connection, rather than a deadline or memory. */
bool redis_conn_was_closed(const struct redis_conn *c);

/* After that: the next of the replies that came before; *reply is NULL when there is no other. */
enum dyn_entropy_status redis_conn_last_reply(struct redis_conn *c, redisReply **reply);

/*
 * The same without hiredis, which would hold a whole reply in memory, twice.  No reply for hiredis
 * may be pending.  redis_conn_line: the next line without its CR LF, valid until the next call;
 * redis_conn_bytes: the next 1..max bytes.
 */
enum dyn_entropy_status redis_conn_line(
	struct redis_conn *c, const char **line, size_t *len, struct dyn_entropy_error *err);
enum dyn_entropy_status redis_conn_bytes(struct redis_conn *c, size_t max, const uint8_t **bytes,
	size_t *len, struct dyn_entropy_error *err);

/* The underlying stream, for what follows the reply to SYNC.  Nothing may be queued or buffered. */
struct stream *redis_conn_stream(struct redis_conn *c);

/* Turn a failure of that stream into one of this connection: its status, and words and ": " before
 * the message, which names the address.  Returns the status; success passes through. */
enum dyn_entropy_status redis_conn_stream_failed(const struct redis_conn *c, const char *words,
	enum dyn_entropy_status status, struct dyn_entropy_error *err);

/* "host:port" or the socket's path, for messages. */
const char *redis_conn_name(const struct redis_conn *c);

/* The text of an error reply, safe for a message (redis_words.h).  Returns text. */
const char *redis_conn_error_words(const redisReply *reply, char *text, size_t cap);

/* The error of an unexpected reply to what ("PING"): Redis's text and the remedy, with the
 * status of c. */
enum dyn_entropy_status redis_conn_refused(const struct redis_conn *c, const char *what,
	const redisReply *reply, struct dyn_entropy_error *err);

/* The same for the line of a reply. */
enum dyn_entropy_status redis_conn_refused_line(const struct redis_conn *c, const char *what,
	const char *line, size_t len, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
