/*
 * stream - a connected socket whose every wait has a deadline and can be cancelled.
 *
 * Descriptors are non-blocking and close-on-exec.  Errors are DYN_ENTROPY_ERR_IO and name the other
 * side. One thread at a time.
 */
#ifndef ENTROPY_STREAM_H
#define ENTROPY_STREAM_H

#include "base/addr.h"
#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stream {
	int fd;                           /* -1: closed */
	uint32_t timeout_ms;              /* the longest wait for the next byte, either way */
	const dyn_entropy_cancel *cancel; /* borrowed, may be NULL */
	bool timed_out;                   /* whether the last error was a deadline that passed */
	uint64_t written;         /* bytes, including those of a stream_write() that failed */
	char peer[ADDR_TEXT_MAX]; /* the other side's address, for messages */
};

/* Take ownership of a connected descriptor. */
void stream_adopt(struct stream *s, int fd, uint32_t timeout_ms, const dyn_entropy_cancel *cancel,
	const char *peer);

/* Connect within timeout_ms, trying each address of the name; bind_to may be NULL.
 * stream_connect_unix: to the Unix socket at path. */
enum dyn_entropy_status stream_connect(struct stream *s, const struct addr *to,
	const struct addr *bind_to, uint32_t timeout_ms, const dyn_entropy_cancel *cancel,
	struct dyn_entropy_error *err);
enum dyn_entropy_status stream_connect_unix(struct stream *s, const char *path, uint32_t timeout_ms,
	const dyn_entropy_cancel *cancel, struct dyn_entropy_error *err);

/*
 * Wait for one of events (poll(2)), at most until deadline_ms (monotonic); *revents says which, 0
 * when the time is up, which is not an error here.
 */
enum dyn_entropy_status stream_wait(const struct stream *s, short events, int64_t deadline_ms,
	short *revents, struct dyn_entropy_error *err);

/* Read 1..cap bytes, waiting for the first until deadline_ms; *len is 0 at the end of the stream.
 */
enum dyn_entropy_status stream_read(struct stream *s, void *buf, size_t cap, int64_t deadline_ms,
	size_t *len, struct dyn_entropy_error *err);

/* Write all of it; gives up when timeout_ms pass without a byte being taken. */
enum dyn_entropy_status stream_write(
	struct stream *s, const void *bytes, size_t len, struct dyn_entropy_error *err);

/* Whether the first byte that waits to be read is first; waits for one until deadline_ms, and reads
 * none.  The end of the stream, or none in time, is not an error here. */
enum dyn_entropy_status stream_begins_with(struct stream *s, uint8_t first, int64_t deadline_ms,
	bool *begins, struct dyn_entropy_error *err);

/* Give the descriptor up: it is the caller's, and its close is no reset. */
int stream_release(struct stream *s);

void stream_half_close(struct stream *s); /* no more to write */
void stream_close(struct stream *s);      /* in good order (FIN) */
void stream_abort(
	struct stream *s); /* by a reset (RST), which shows the other side that it failed */

/* What came last on a connection from which nothing is expected. */
enum stream_news {
	STREAM_QUIET,
	STREAM_BYTES,
	STREAM_END,   /* closed in good order */
	STREAM_RESET, /* or broken otherwise */
};

/* Wait until deadline_ms for anything to come; what comes is left unread. */
enum dyn_entropy_status stream_peek(struct stream *s, int64_t deadline_ms, enum stream_news *news,
	struct dyn_entropy_error *err);

/* From now on any close except stream_close() is a reset, also at the end of this process. */
void stream_reset_by_default(struct stream *s);

#ifdef __cplusplus
}
#endif

#endif
