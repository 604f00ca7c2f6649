#include "base/addr.h"
#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/cipher.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/stream.h"
#include "entropy/wire.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A receiver is expected to apply at least this much per second once it has all of a snapshot. */
#define APPLY_BYTES_PER_MS 1024

#define PROGRESS_INTERVAL_US 200000

/* Slices of a paced write: many a second, so that the rate is smooth, but none too small to be
 * worth a packet. */
#define SLICES_PER_SECOND 20
#define SLICE_MIN         4096

/* A snapshot that was sent whole and whose connection has not ended yet. */
struct flight {
	struct stream stream; /* fd -1: none */
	uint64_t number;      /* of the snapshot, from 1 */
	uint32_t len;
};

struct push {
	const struct dyn_entropy_config *config;
	struct dyn_entropy_source *source;
	struct dyn_entropy_push_options options;
	struct dyn_entropy_push_result *result;
	struct addr peer;
	struct addr bind_to;
	struct cipher *cipher;
	struct wire_out *wire;
	struct flight earlier; /* the peer may be applying it */
	int64_t started_us;
	int64_t progress_us; /* when progress was last told */
	int64_t paced_us;    /* when the next byte may leave */
};

const char *dyn_entropy_outcome_text(enum dyn_entropy_outcome outcome)
{
	switch (outcome) {
	case DYN_ENTROPY_OUTCOME_NONE:
		return "nothing to send";
	case DYN_ENTROPY_OUTCOME_CLOSED:
		return "closed in good order (a peer of this kind has applied it; of another this "
		       "proves nothing)";
	case DYN_ENTROPY_OUTCOME_REFUSED:
		return "refused by the peer";
	case DYN_ENTROPY_OUTCOME_UNANSWERED:
		return "not answered in time";
	case DYN_ENTROPY_OUTCOME_UNREACHED:
		return "not reached";
	case DYN_ENTROPY_OUTCOME_FAILED:
		return "failed on this side";
	}
	return "unknown";
}

static void tell_progress(struct push *p)
{
	int64_t now = clock_monotonic_us();

	p->result->seconds = (double)(now - p->started_us) / 1e6;
	if (!p->options.progress || now - p->progress_us < PROGRESS_INTERVAL_US)
		return;
	p->progress_us = now;
	if (p->source->ops->totals)
		p->source->ops->totals(p->source->self, &p->result->source);
	p->options.progress(p->options.progress_arg, p->result);
}

static void note_outcome(struct push *p, enum dyn_entropy_outcome outcome)
{
	enum dyn_entropy_outcome *seen = &p->result->outcome;

	if (*seen == DYN_ENTROPY_OUTCOME_NONE || *seen == DYN_ENTROPY_OUTCOME_CLOSED)
		*seen = outcome;
}

static enum dyn_entropy_status write_paced(struct push *p, struct stream *stream,
	const uint8_t *bytes, size_t len, struct dyn_entropy_error *err)
{
	uint64_t rate = p->config->max_rate;
	size_t slice = len;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (rate && slice > rate / SLICES_PER_SECOND)
		slice = (size_t)(rate / SLICES_PER_SECOND);
	if (slice < SLICE_MIN)
		slice = SLICE_MIN;
	while (len > 0 && status == DYN_ENTROPY_OK) {
		size_t n = len < slice ? len : slice;

		if (rate) {
			int64_t now = clock_monotonic_us();

			if (cancel_sleep_until(p->options.cancel, p->paced_us))
				return error_cancelled(err);
			/* Time in which nothing was sent is not saved up. */
			if (p->paced_us < now)
				p->paced_us = now;
			p->paced_us += (int64_t)(n * UINT64_C(1000000) / rate);
		}
		status = stream_write(stream, bytes, n, err);
		bytes += n;
		len -= n;
		p->result->wire_bytes += n;
		tell_progress(p);
	}
	return status;
}

/* Wait for the end of an earlier snapshot's connection, which tells what became of it. */
static enum dyn_entropy_status settle(
	struct push *p, struct flight *f, struct dyn_entropy_error *err)
{
	int64_t deadline_ms =
		clock_deadline_ms((int64_t)p->config->timeout_ms + f->len / APPLY_BYTES_PER_MS);
	enum dyn_entropy_status status;
	uint8_t ignored[256]; /* the wire has no answer; what another implementation says means
				 nothing */
	size_t len = 0;

	if (f->stream.fd < 0)
		return DYN_ENTROPY_OK;
	do
		status = stream_read(&f->stream, ignored, sizeof(ignored), deadline_ms, &len, err);
	while (status == DYN_ENTROPY_OK && len > 0 && clock_poll_timeout(deadline_ms) != 0);
	if (status == DYN_ENTROPY_OK && len == 0) {
		p->result->closed++;
		note_outcome(p, DYN_ENTROPY_OUTCOME_CLOSED);
	} else if (status == DYN_ENTROPY_ERR_CANCELLED) {
		note_outcome(p, DYN_ENTROPY_OUTCOME_FAILED);
	} else if (status == DYN_ENTROPY_OK || f->stream.timed_out) {
		note_outcome(p, DYN_ENTROPY_OUTCOME_UNANSWERED);
		status = error_set(err, DYN_ENTROPY_ERR_IO,
			"%s: did not end the connection of snapshot %" PRIu64
			" in time; whether it was applied is unknown",
			f->stream.peer, f->number);
	} else {
		note_outcome(p, DYN_ENTROPY_OUTCOME_REFUSED);
		status = error_set(err, DYN_ENTROPY_ERR_IO,
			"%s: reset the connection of snapshot %" PRIu64
			": it was not applied; the peer's log says why",
			f->stream.peer, f->number);
	}
	stream_close(&f->stream);
	return status;
}

/* What a failure while sending says of the snapshot's fate. */
static enum dyn_entropy_outcome outcome_of(
	enum dyn_entropy_status status, const struct flight *f, bool connected)
{
	if (status != DYN_ENTROPY_ERR_IO)
		return DYN_ENTROPY_OUTCOME_FAILED;
	if (!connected)
		return DYN_ENTROPY_OUTCOME_UNREACHED;
	return f->stream.timed_out ? DYN_ENTROPY_OUTCOME_UNANSWERED : DYN_ENTROPY_OUTCOME_REFUSED;
}

/* Send one snapshot, up to the half-close.  On failure the connection is reset and *outcome says
 * what that means. */
static enum dyn_entropy_status send_snapshot(struct push *p, struct flight *f, uint32_t total_len,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err)
{
	uint64_t bytes_before = p->result->bytes;
	const uint8_t *bytes;
	size_t len = 0;
	bool connected;
	enum dyn_entropy_status status =
		stream_connect(&f->stream, &p->peer, p->config->send_addr ? &p->bind_to : NULL,
			p->config->timeout_ms, p->options.cancel, err);

	connected = status == DYN_ENTROPY_OK;
	f->number = p->result->snapshots + 1;
	f->len = total_len;
	wire_out_begin(p->wire, p->source, total_len);
	while (status == DYN_ENTROPY_OK) {
		status = wire_out_next(p->wire, &bytes, &len, err);
		if (status != DYN_ENTROPY_OK || len == 0)
			break;
		status = write_paced(p, &f->stream, bytes, len, err);
		p->result->bytes = bytes_before + wire_out_plain_bytes(p->wire);
	}
	if (status != DYN_ENTROPY_OK) {
		*outcome = outcome_of(status, f, connected);
		stream_abort(&f->stream);
		return status;
	}
	stream_half_close(&f->stream);
	p->result->snapshots++;
	return DYN_ENTROPY_OK;
}

/* Prepare and send the next snapshot while the peer applies the one before. */
static enum dyn_entropy_status push_next(struct push *p, struct dyn_entropy_error *err)
{
	struct dyn_entropy_source_totals totals = {0};
	struct dyn_entropy_error this_err = {0};
	struct flight f = {.stream.fd = -1};
	enum dyn_entropy_outcome outcome = DYN_ENTROPY_OUTCOME_FAILED;
	uint32_t total_len = 0;
	enum dyn_entropy_status status, earlier_status;

	status = p->source->ops->next(p->source->self, &total_len, &this_err);
	if (status == DYN_ENTROPY_END)
		return status;
	if (status == DYN_ENTROPY_OK)
		status = send_snapshot(p, &f, total_len, &outcome, &this_err);
	if (status == DYN_ENTROPY_OK && p->source->ops->totals) {
		p->source->ops->totals(p->source->self, &totals);
		p->result->keys = totals.keys;
	}
	/* Of two that failed the first in the source's order is the one to tell. */
	earlier_status = settle(p, &p->earlier, err);
	p->earlier = f;
	if (status == DYN_ENTROPY_OK || earlier_status != DYN_ENTROPY_OK)
		return earlier_status;
	note_outcome(p, outcome);
	if (err)
		*err = this_err;
	return status;
}

static enum dyn_entropy_status push_prepare(
	struct push *p, const dyn_entropy_material *material, struct dyn_entropy_error *err)
{
	struct wire_out_options wire = {
		.buffer_size = p->config->buffer_size,
		.header_size = p->config->header_size,
	};
	enum dyn_entropy_status status = dyn_entropy_config_validate(p->config, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	if (!p->config->peer_endpoint || !addr_parse(&p->peer, p->config->peer_endpoint) ||
		p->peer.port == 0)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"no peer_endpoint to push to, or one without a port");
	if (p->config->send_addr && !addr_parse(&p->bind_to, p->config->send_addr))
		return error_set(err, DYN_ENTROPY_ERR_CONFIG, "send_addr is not host:port");
	if (p->config->encrypt && !material)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"encryption is on, but there is no key material");
	if (p->config->encrypt)
		status = cipher_new(material, &p->cipher, err);
	wire.cipher = p->cipher;
	if (status == DYN_ENTROPY_OK)
		status = wire_out_new(&wire, &p->wire, err);
	return status;
}

enum dyn_entropy_status dyn_entropy_push(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, struct dyn_entropy_push_result *result,
	struct dyn_entropy_error *err)
{
	struct push p = {
		.config = config,
		.source = source,
		.result = result,
		.earlier.stream.fd = -1,
		.started_us = clock_monotonic_us(),
	};
	enum dyn_entropy_status status, last_status;

	memset(result, 0, sizeof(*result));
	if (options)
		p.options = *options;
	status = push_prepare(&p, material, err);
	if (status != DYN_ENTROPY_OK)
		note_outcome(&p, DYN_ENTROPY_OUTCOME_FAILED);
	while (status == DYN_ENTROPY_OK)
		status = push_next(&p, err);
	if (status == DYN_ENTROPY_END)
		status = DYN_ENTROPY_OK;
	/* The last one is still to be settled; after a failure it was sent, so its fate counts too.
	 */
	last_status = settle(&p, &p.earlier, status == DYN_ENTROPY_OK ? err : NULL);
	if (status == DYN_ENTROPY_OK)
		status = last_status;
	if (source->ops->totals)
		source->ops->totals(source->self, &result->source);
	result->seconds = (double)(clock_monotonic_us() - p.started_us) / 1e6;
	wire_out_free(p.wire);
	cipher_free(p.cipher);
	return status;
}

enum dyn_entropy_status dyn_entropy_knock(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, dyn_entropy_cancel *cancel,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_push_options options = {.cancel = cancel};
	struct dyn_entropy_push_result result = {.outcome = DYN_ENTROPY_OUTCOME_FAILED};
	struct dyn_entropy_source empty = {0};
	enum dyn_entropy_status status = dyn_entropy_source_static(NULL, 0, &empty, err);

	if (status == DYN_ENTROPY_OK)
		status = dyn_entropy_push(config, material, &empty, &options, &result, err);
	dyn_entropy_source_free(&empty);
	*outcome = result.outcome;
	return status;
}

/* ---- The same in a thread ---- */

struct dyn_entropy_push_thread {
	pthread_t thread;
	const struct dyn_entropy_config *config;
	const dyn_entropy_material *material;
	struct dyn_entropy_source *source;
	struct dyn_entropy_push_options options;
	enum dyn_entropy_status status;
	struct dyn_entropy_push_result result;
	struct dyn_entropy_error err;
};

static void *push_thread(void *arg)
{
	dyn_entropy_push_thread *t = arg;

	t->status = dyn_entropy_push(
		t->config, t->material, t->source, &t->options, &t->result, &t->err);
	return NULL;
}

enum dyn_entropy_status dyn_entropy_push_start(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, dyn_entropy_push_thread **out,
	struct dyn_entropy_error *err)
{
	dyn_entropy_push_thread *t = calloc(1, sizeof(*t));
	int failed;

	if (!t)
		return error_no_memory(err);
	t->config = config;
	t->material = material;
	t->source = source;
	if (options)
		t->options = *options;
	failed = pthread_create(&t->thread, NULL, push_thread, t);
	if (failed) {
		free(t);
		return error_set(
			err, DYN_ENTROPY_ERR_IO, "cannot start a thread: %s", strerror(failed));
	}
	*out = t;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_push_join(dyn_entropy_push_thread *t,
	struct dyn_entropy_push_result *result, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	pthread_join(t->thread, NULL);
	status = t->status;
	*result = t->result;
	if (err)
		*err = t->err;
	free(t);
	return status;
}
