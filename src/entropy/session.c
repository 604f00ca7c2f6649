#include "entropy/session.h"

#include "base/clock.h"
#include "entropy/cipher.h"
#include "entropy/error.h"
#include "entropy/snapshot.h"
#include "entropy/spool.h"
#include "entropy/wire.h"

#include <inttypes.h>
#include <stdlib.h>

/* The first byte of TLS: a record of the handshake. */
#define TLS_HANDSHAKE 0x16

#define READ_BYTES ((size_t)128 * 1024)

struct session {
	const struct session_options *options;
	struct stream *stream;
	struct cipher *cipher;
	struct wire_in *wire;
	struct spool *spool;
	uint8_t *buf; /* READ_BYTES */
	int64_t started_ms;
	uint64_t received; /* bytes of the connection */
};

static enum dyn_entropy_status deliver(
	void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	return spool_append(arg, bytes, len, err);
}

static enum dyn_entropy_status session_init(struct session *s, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_config *c = s->options->config;
	struct wire_in_options wire = {.max_snapshot_bytes = c->max_snapshot_bytes};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	s->buf = malloc(READ_BYTES);
	if (!s->buf)
		return error_no_memory(err);
	if (c->encrypt)
		status = cipher_new(s->options->material, &s->cipher, err);
	if (status == DYN_ENTROPY_OK && !s->options->sink->ops->never_reads)
		status = spool_new(c->spool_dir, SPOOL_MEMORY_BYTES, &s->spool, err);
	wire.cipher = s->cipher;
	wire.deliver = s->spool ? deliver : NULL;
	wire.deliver_arg = s->spool;
	if (status == DYN_ENTROPY_OK)
		status = wire_in_new(&wire, &s->wire, err);
	return status;
}

static void session_fini(struct session *s)
{
	wire_in_free(s->wire);
	spool_free(s->spool);
	cipher_free(s->cipher);
	free(s->buf);
}

static uint32_t header_timeout_ms(const struct session_options *options)
{
	uint32_t timeout_ms = options->config->timeout_ms;

	return timeout_ms < SESSION_HEADER_TIMEOUT_MS ? timeout_ms : SESSION_HEADER_TIMEOUT_MS;
}

/* When the sender will have been too slow, if it sends no more until then. */
static int64_t slow_at_ms(const struct session *s)
{
	uint32_t timeout_ms = s->options->config->timeout_ms;

	if (!wire_in_has_headers(s->wire))
		return s->started_ms + header_timeout_ms(s->options);
	return s->started_ms + timeout_ms + (int64_t)(s->received * 1000 / SESSION_RATE_MIN);
}

static enum dyn_entropy_status too_slow(const struct session *s, struct dyn_entropy_error *err)
{
	if (!wire_in_has_headers(s->wire))
		return error_set(err, DYN_ENTROPY_ERR_IO,
			"its headers did not arrive within %" PRIu32 " ms",
			header_timeout_ms(s->options));
	return error_set(err, DYN_ENTROPY_ERR_IO,
		"sent nothing for %" PRIu32 " ms, or less than %d bytes a second on average",
		s->options->config->timeout_ms, SESSION_RATE_MIN);
}

/* Read the connection to its end and spool the plaintext. */
static enum dyn_entropy_status read_all(struct session *s, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	size_t len = 0;

	do {
		int64_t slow_ms = slow_at_ms(s);
		int64_t idle_ms = clock_deadline_ms(s->options->config->timeout_ms);

		/* Check also when there is always something to read: it may be a byte at a time. */
		if (clock_monotonic_ms() >= slow_ms)
			return too_slow(s, err);
		status = stream_read(s->stream, s->buf, READ_BYTES,
			slow_ms < idle_ms ? slow_ms : idle_ms, &len, err);
		if (status != DYN_ENTROPY_OK)
			return s->stream->timed_out ? too_slow(s, err) : status;
		s->received += len;
		status = wire_in_feed(s->wire, s->buf, len, err);
	} while (status == DYN_ENTROPY_OK && len > 0);
	return status == DYN_ENTROPY_OK ? wire_in_finish(s->wire, err) : status;
}

/* Receive one snapshot of version 1 and apply it. */
static enum dyn_entropy_status receive(const struct session_options *options, struct stream *stream,
	struct dyn_entropy_receive_result *result, struct dyn_entropy_error *err)
{
	struct session s = {
		.options = options,
		.stream = stream,
		.started_ms = options->began_ms,
	};
	struct dyn_entropy_error ignored;
	enum dyn_entropy_status status;

	if (!err)
		err = &ignored; /* a sink need not check for NULL */
	status = session_init(&s, err);
	if (status == DYN_ENTROPY_OK)
		status = read_all(&s, err);
	if (s.wire)
		result->bytes = wire_in_delivered(s.wire);
	if (status == DYN_ENTROPY_OK) {
		dyn_entropy_snapshot snapshot = {
			.spool = s.spool,
			.len = wire_in_total_len(s.wire),
			.began_ms = options->began_ms,
		};

		result->applied.struct_size = sizeof(result->applied);
		status = options->sink->ops->apply(
			options->sink->self, &snapshot, &result->applied, err);
		/* A sink built with another version may have set its own size. */
		result->applied.struct_size = sizeof(result->applied);
	}
	error_without(err, stream->peer);
	session_fini(&s);
	result->seconds = (double)(clock_monotonic_ms() - s.started_ms) / 1e3;
	return status;
}

/* ---- Which version it speaks ---- */

/* Give the connection to the program.  On failure it stays the stream's. */
static enum dyn_entropy_status hand_over(
	const struct session_options *options, struct stream *stream, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_receiver_options *o = options->receiver;
	int fd;

	if (!o->take_version_2)
		return error_by_setting(err, "take_version_2",
			error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
				"it speaks version 2 of the protocol, which is not taken here"));
	fd = stream_release(stream);
	if (o->take_version_2(o->take_version_2_arg, fd, stream->peer))
		return DYN_ENTROPY_OK;
	stream_adopt(stream, fd, options->config->timeout_ms, stream->cancel, stream->peer);
	return error_set(err, DYN_ENTROPY_ERR_IO,
		"it speaks version 2 of the protocol, for which nothing is free now");
}

static enum dyn_entropy_status refuse_version_1(
	const struct stream *stream, struct dyn_entropy_error *err)
{
	if (dyn_entropy_cancel_is_set(stream->cancel)) /* it may not have said a word */
		return error_cancelled(err);
	return error_by_setting(err, "refuse_version_1",
		error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"it does not speak version 2 of the protocol, which alone is taken here"));
}

enum dyn_entropy_status session_serve(const struct session_options *options, struct stream *stream,
	struct dyn_entropy_receive_result *result, struct dyn_entropy_error *err)
{
	int64_t deadline_ms = options->began_ms + header_timeout_ms(options);
	enum dyn_entropy_status status;
	bool is_tls;

	/* What is looked at here is read again by receive(), or by the program. */
	status = stream_begins_with(stream, TLS_HANDSHAKE, deadline_ms, &is_tls, err);
	if (status != DYN_ENTROPY_OK) {
		error_without(err, stream->peer);
		return status;
	}
	if (is_tls)
		return hand_over(options, stream, err);
	if (options->receiver->refuse_version_1)
		return refuse_version_1(stream, err);
	return receive(options, stream, result, err);
}
