#include "entropy/redis_conn.h"

#include "base/buf.h"
#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/error.h"
#include "entropy/redis_words.h"
#include "entropy/sized.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_BYTES      ((size_t)64 * 1024)
#define READER_KEEP     ((size_t)256 * 1024) /* what the reader may keep allocated when it is empty */
#define LOADING_POLL_US 100000

/*
 * hiredis only parses the replies.  The stream does the I/O, since hiredis would write without
 * MSG_NOSIGNAL and has no deadlines and no cancelling.
 */
struct redis_conn {
	struct stream stream;
	enum dyn_entropy_status kind;
	redisReader *reader;
	bool closed;
	struct buf out;        /* queued commands, as RESP */
	size_t in_pos, in_end; /* the part of in not consumed yet */
	uint8_t in[READ_BYTES];
};

/* ---- Endpoints ---- */

static enum dyn_entropy_status check_address(
	const char *address, struct addr *tcp, struct dyn_entropy_error *err)
{
	if (address && (address[0] == '/' || (addr_parse(tcp, address) && tcp->port > 0)))
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_CONFIG,
		"Redis address '%s': write host:port, or the path of its Unix socket, which begins "
		"with a '/'",
		address ? address : "");
}

enum dyn_entropy_status redis_endpoint_copy(struct dyn_entropy_redis *to,
	const struct dyn_entropy_redis *from, struct dyn_entropy_error *err)
{
	struct dyn_entropy_redis known = {0};
	struct addr tcp;
	enum dyn_entropy_status status =
		sized_in(&known, sizeof(known), from, "dyn_entropy_redis", err);

	memset(to, 0, sizeof(*to));
	if (status == DYN_ENTROPY_OK)
		status = check_address(known.address, &tcp, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	*to = known;
	to->address = strdup(known.address);
	to->user = known.user ? strdup(known.user) : NULL;
	to->password = known.password ? strdup(known.password) : NULL;
	if (!to->timeout_ms)
		to->timeout_ms = DYN_ENTROPY_DEFAULT_TIMEOUT_MS;
	if (to->address && !to->user == !known.user && !to->password == !known.password)
		return DYN_ENTROPY_OK;
	redis_endpoint_fini(to);
	return error_no_memory(err);
}

void redis_endpoint_fini(struct dyn_entropy_redis *e)
{
	free((char *)e->address);
	free((char *)e->user);
	if (e->password)
		explicit_bzero((char *)e->password, strlen(e->password));
	free((char *)e->password);
	memset(e, 0, sizeof(*e));
}

/* ---- Errors ---- */

enum dyn_entropy_status redis_conn_stream_failed(const struct redis_conn *c, const char *words,
	enum dyn_entropy_status status, struct dyn_entropy_error *err)
{
	if (status != DYN_ENTROPY_ERR_IO)
		return status;
	if (err) {
		error_prefix(err, "%s", words);
		err->status = c->kind;
	}
	return c->kind;
}

static enum dyn_entropy_status __attribute__((format(printf, 3, 4)))
fail(const struct redis_conn *c, struct dyn_entropy_error *err, const char *fmt, ...)
{
	char words[DYN_ENTROPY_MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	return error_set(err, c->kind, "Redis: %s: %s", c->stream.peer, words);
}

const char *redis_conn_error_words(const redisReply *reply, char *text, size_t cap)
{
	bool is_error = reply->type == REDIS_REPLY_ERROR;

	return redis_words_clean(is_error ? reply->str : "", is_error ? reply->len : 0, text, cap);
}

enum dyn_entropy_status redis_conn_refused_line(const struct redis_conn *c, const char *what,
	const char *line, size_t len, struct dyn_entropy_error *err)
{
	char words[REDIS_WORDS_SIZE];
	const char *remedy;

	if (len == 0 || line[0] != '-')
		return fail(c, err, "%s: a reply of another type than Redis gives", what);
	redis_words_clean(line + 1, len - 1, words, sizeof(words));
	remedy = redis_words_remedy(words);
	return fail(c, err, "%s: '%s'%s%s", what, words, *remedy ? "; " : "", remedy);
}

enum dyn_entropy_status redis_conn_refused(const struct redis_conn *c, const char *what,
	const redisReply *reply, struct dyn_entropy_error *err)
{
	char line[2 * REDIS_WORDS_SIZE];
	bool is_error = reply->type == REDIS_REPLY_ERROR;

	snprintf(line, sizeof(line), "-%s", is_error ? reply->str : "");
	return redis_conn_refused_line(c, what, line, is_error ? strlen(line) : 0, err);
}

/* ---- Bytes ---- */

/* Make room in in, unless it is full of unconsumed bytes. */
static size_t make_room(struct redis_conn *c)
{
	if (c->in_pos > 0) {
		memmove(c->in, c->in + c->in_pos, c->in_end - c->in_pos);
		c->in_end -= c->in_pos;
		c->in_pos = 0;
	}
	return READ_BYTES - c->in_end;
}

static enum dyn_entropy_status take_in(struct redis_conn *c, struct dyn_entropy_error *err)
{
	ssize_t n = recv(c->stream.fd, c->in + c->in_end, READ_BYTES - c->in_end, 0);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return DYN_ENTROPY_OK;
	c->closed = n <= 0;
	if (n == 0)
		return fail(c, err, "it closed the connection");
	if (n < 0)
		return fail(c, err, "cannot read: %m");
	c->in_end += (size_t)n;
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status put_out(
	struct redis_conn *c, const uint8_t **bytes, size_t *len, struct dyn_entropy_error *err)
{
	ssize_t n = send(c->stream.fd, *bytes, *len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return DYN_ENTROPY_OK;
	c->closed = n < 0;
	if (n < 0)
		return fail(c, err, "cannot write: %m");
	*bytes += n;
	*len -= (size_t)n;
	return DYN_ENTROPY_OK;
}

/* Wait until the socket is readable or writable, and read or write once. */
static enum dyn_entropy_status step(
	struct redis_conn *c, const uint8_t **bytes, size_t *len, struct dyn_entropy_error *err)
{
	short events = (make_room(c) ? POLLIN : 0) | (*len > 0 ? POLLOUT : 0);
	enum dyn_entropy_status status;
	short revents = 0;

	status = stream_wait(
		&c->stream, events, clock_deadline_ms(c->stream.timeout_ms), &revents, err);
	if (status != DYN_ENTROPY_OK)
		return redis_conn_stream_failed(c, "Redis", status, err);
	if (!revents)
		return fail(c, err, "no answer for %u ms", c->stream.timeout_ms);
	if ((revents & (POLLIN | POLLERR | POLLHUP)) && c->in_end < READ_BYTES)
		status = take_in(c, err);
	if (status == DYN_ENTROPY_OK && (revents & POLLOUT) && *len > 0)
		status = put_out(c, bytes, len, err);
	return status;
}

static enum dyn_entropy_status send_all(
	struct redis_conn *c, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	const uint8_t *at = bytes;

	while (len > 0 && status == DYN_ENTROPY_OK)
		status = step(c, &at, &len, err);
	return status;
}

enum dyn_entropy_status redis_conn_send(
	struct redis_conn *c, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (buf_len(&c->out) > 0)
		status = send_all(c, buf_head(&c->out), buf_len(&c->out), err);
	buf_clear(&c->out);
	if (status == DYN_ENTROPY_OK)
		status = send_all(c, bytes, len, err);
	return status;
}

/* ---- Commands and replies ---- */

enum dyn_entropy_status redis_conn_append(struct redis_conn *c, int argc, const char *const *argv,
	const size_t *argv_len, struct dyn_entropy_error *err)
{
	bool ok = buf_printf(&c->out, "*%d\r\n", argc);

	for (int i = 0; ok && i < argc; i++) {
		size_t len = argv_len ? argv_len[i] : strlen(argv[i]);

		ok = buf_printf(&c->out, "$%zu\r\n", len) && buf_append(&c->out, argv[i], len) &&
		     buf_append(&c->out, "\r\n", 2);
	}
	return ok ? DYN_ENTROPY_OK : error_no_memory(err);
}

static enum dyn_entropy_status not_redis(const struct redis_conn *c, struct dyn_entropy_error *err)
{
	return fail(c, err, "it does not speak Redis's protocol; is that a Redis?");
}

enum dyn_entropy_status redis_conn_buffered_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err)
{
	size_t fresh = c->in_end - c->in_pos;
	void *got = NULL;

	*reply = NULL;
	if (fresh > 0 && redisReaderFeed(c->reader, (char *)c->in + c->in_pos, fresh) != REDIS_OK)
		return error_no_memory(err);
	c->in_pos = c->in_end = 0;
	if (redisReaderGetReply(c->reader, &got) == REDIS_OK) {
		*reply = got;
		return DYN_ENTROPY_OK;
	}
	if (c->reader->err == REDIS_ERR_OOM)
		return error_no_memory(err);
	return not_redis(c, err);
}

bool redis_conn_was_closed(const struct redis_conn *c)
{
	return c->closed;
}

enum dyn_entropy_status redis_conn_last_reply(struct redis_conn *c, redisReply **reply)
{
	for (;;) {
		enum dyn_entropy_status status = redis_conn_buffered_reply(c, reply, NULL);
		ssize_t n;

		if (status != DYN_ENTROPY_OK || *reply)
			return status;
		n = recv(c->stream.fd, c->in, READ_BYTES, MSG_DONTWAIT);
		if (n <= 0)
			return DYN_ENTROPY_OK;
		c->in_end = (size_t)n;
	}
}

enum dyn_entropy_status redis_conn_reply(
	struct redis_conn *c, redisReply **reply, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = redis_conn_send(c, NULL, 0, err);
	const uint8_t *none = NULL;
	size_t len = 0;

	*reply = NULL;
	while (status == DYN_ENTROPY_OK) {
		status = redis_conn_buffered_reply(c, reply, err);
		if (status != DYN_ENTROPY_OK || *reply)
			break;
		status = step(c, &none, &len, err);
	}
	return status;
}

enum dyn_entropy_status redis_conn_call(struct redis_conn *c, int argc, const char *const *argv,
	const size_t *argv_len, redisReply **reply, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = redis_conn_append(c, argc, argv, argv_len, err);

	*reply = NULL;
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_reply(c, reply, err);
	return status;
}

/* ---- Past hiredis ---- */

enum dyn_entropy_status redis_conn_line(
	struct redis_conn *c, const char **line, size_t *len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	const uint8_t *none = NULL;
	size_t looked_at = 0, nothing = 0;

	while (status == DYN_ENTROPY_OK) {
		const uint8_t *from = c->in + c->in_pos;
		size_t here = c->in_end - c->in_pos;
		const uint8_t *end = memchr(from + looked_at, '\n', here - looked_at);

		if (end) {
			*line = (const char *)from;
			*len = (size_t)(end - from);
			c->in_pos += *len + 1;
			if (*len > 0 && end[-1] == '\r')
				(*len)--;
			return DYN_ENTROPY_OK;
		}
		if (here == READ_BYTES)
			return not_redis(c, err);
		looked_at = here;
		status = step(c, &none, &nothing, err);
	}
	return status;
}

enum dyn_entropy_status redis_conn_bytes(struct redis_conn *c, size_t max, const uint8_t **bytes,
	size_t *len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	const uint8_t *none = NULL;
	size_t nothing = 0;

	while (status == DYN_ENTROPY_OK && c->in_pos == c->in_end)
		status = step(c, &none, &nothing, err);
	*bytes = c->in + c->in_pos;
	*len = c->in_end - c->in_pos < max ? c->in_end - c->in_pos : max;
	c->in_pos += *len;
	return status;
}

/* ---- Opening ---- */

static enum dyn_entropy_status authenticate(
	struct redis_conn *c, const struct dyn_entropy_redis *e, struct dyn_entropy_error *err)
{
	const char *with_user[] = {"AUTH", e->user, e->password};
	const char *without[] = {"AUTH", e->password};
	enum dyn_entropy_status status;
	redisReply *reply = NULL;

	if (!e->password)
		return DYN_ENTROPY_OK;
	/* Reserve first: growing the buffer would leave a copy of the password in freed memory. */
	if (!buf_reserve(&c->out, strlen(e->password) + (e->user ? strlen(e->user) : 0) + 128))
		return error_no_memory(err);
	status = redis_conn_append(c, e->user ? 3 : 2, e->user ? with_user : without, NULL, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_reply(c, &reply, err);
	explicit_bzero(c->out.data, c->out.cap);
	if (status == DYN_ENTROPY_OK && reply->type != REDIS_REPLY_STATUS)
		status = redis_conn_refused(c, "AUTH", reply, err);
	freeReplyObject(reply);
	return status;
}

/* Whether a reply to PING shows that commands can be sent now. */
static bool is_ready(const redisReply *reply)
{
	/* Redis answers PING with MISCONF while it refuses writes: it can still be read. */
	return reply->type == REDIS_REPLY_STATUS ||
	       (reply->type == REDIS_REPLY_ERROR &&
		       (redis_words_begin(reply->str, "MISCONF") ||
			       redis_words_begin(reply->str, "NOPERM")));
}

static bool is_busy(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR &&
	       (redis_words_begin(reply->str, "LOADING") || redis_words_begin(reply->str, "BUSY"));
}

static enum dyn_entropy_status wait_ready(struct redis_conn *c, struct dyn_entropy_error *err)
{
	int64_t deadline_ms = clock_deadline_ms(c->stream.timeout_ms);
	const char *ping[] = {"PING"};

	for (;;) {
		redisReply *reply = NULL;
		enum dyn_entropy_status status = redis_conn_call(c, 1, ping, NULL, &reply, err);
		bool ready, again;

		if (status != DYN_ENTROPY_OK)
			return status;
		ready = is_ready(reply);
		again = is_busy(reply) && clock_monotonic_ms() < deadline_ms;
		if (!ready && !again)
			status = redis_conn_refused(c, "PING", reply, err);
		freeReplyObject(reply);
		if (!again)
			return status;
		if (cancel_sleep_until(c->stream.cancel, clock_monotonic_us() + LOADING_POLL_US))
			return error_cancelled(err);
	}
}

static enum dyn_entropy_status dial(
	struct redis_conn *c, const struct dyn_entropy_redis *e, struct dyn_entropy_error *err)
{
	uint32_t timeout_ms = e->timeout_ms ? e->timeout_ms : DYN_ENTROPY_DEFAULT_TIMEOUT_MS;
	struct addr tcp;
	enum dyn_entropy_status status = check_address(e->address, &tcp, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	if (e->address[0] == '/')
		status = stream_connect_unix(&c->stream, e->address, timeout_ms, e->cancel, err);
	else
		status = stream_connect(&c->stream, &tcp, NULL, timeout_ms, e->cancel, err);
	return redis_conn_stream_failed(c, "Redis", status, err);
}

enum dyn_entropy_status redis_conn_open(const struct dyn_entropy_redis *endpoint,
	enum dyn_entropy_status kind, struct redis_conn **out, struct dyn_entropy_error *err)
{
	struct redis_conn *c = calloc(1, sizeof(*c));
	enum dyn_entropy_status status;

	*out = NULL;
	if (!c)
		return error_no_memory(err);
	c->kind = kind;
	c->stream.fd = -1;
	c->reader = redisReaderCreate();
	if (!c->reader) {
		status = error_no_memory(err);
		goto done;
	}
	c->reader->maxbuf = READER_KEEP;
	status = dial(c, endpoint, err);
	if (status == DYN_ENTROPY_OK)
		status = authenticate(c, endpoint, err);
	if (status == DYN_ENTROPY_OK)
		status = wait_ready(c, err);
done:
	if (status == DYN_ENTROPY_OK)
		*out = c;
	else
		redis_conn_free(c);
	return status;
}

void redis_conn_free(struct redis_conn *c)
{
	if (!c)
		return;
	stream_close(&c->stream);
	if (c->reader)
		redisReaderFree(c->reader);
	buf_fini(&c->out);
	free(c);
}

struct stream *redis_conn_stream(struct redis_conn *c)
{
	return &c->stream;
}

const char *redis_conn_name(const struct redis_conn *c)
{
	return c->stream.peer;
}
