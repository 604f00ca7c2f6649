#include "base/addr.h"
#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/cipher.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/settings.h"
#include "entropy/sized.h"
#include "entropy/stream.h"
#include "entropy/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A receiver must apply at least this much per second once it has all of a snapshot. */
#define APPLY_BYTES_PER_MS 1024

/* The content of a snapshot gets old: limit the wait for its connection. */
#define CONNECT_MAX_MS 3000

#define PROGRESS_INTERVAL_US 200000

/*
 * How long the first connection of a push is held before its half-close, beside the time that it
 * took to connect: a receiver waits for that, and what is none has answered or closed by then.
 */
#define HOLD_MS     100
#define HOLD_MAX_MS 1000

/* A write is split into slices: many per second, for a smooth rate and progress, but each large
 * enough for a packet. */
#define SLICES_PER_SECOND 20
#define SLICE_MIN         4096
#define SLICE_MAX         ((size_t)256 * 1024)

/* A snapshot that was sent whole and whose connection has not ended yet. */
struct flight {
	struct stream stream; /* fd -1: none */
	bool was_reset;       /* before its end */
	uint64_t number;      /* of the snapshot, from 1 */
	uint32_t len, plain;  /* plaintext bytes: in all, sent */
	uint64_t keys;
	uint64_t bytes_before, keys_before; /* in the snapshots before it */
};

/* Bytes for the connection, and the plaintext bytes that they carry. */
struct piece {
	const uint8_t *bytes;
	size_t len;
	uint32_t plain;
};

struct push {
	struct dyn_entropy_config config;
	struct dyn_entropy_source_ops ops;
	struct dyn_entropy_source source; /* with these ops */
	struct dyn_entropy_push_options options;
	struct dyn_entropy_push_result *result;
	const dyn_entropy_material *material;
	struct addr peer;
	struct addr bind_to;
	struct cipher *cipher;
	struct wire_out *wire;
	struct flight earlier;  /* the receiver may be applying it */
	uint64_t first_refused; /* the number of that snapshot */
	bool in_doubt;          /* whether the receiver takes any more, after refusing one */
	int64_t started_us;
	int64_t progress_us; /* the last progress call */
	int64_t paced_us;    /* when the next byte may leave */
};

/* The source's totals, in this version's struct whatever the source was built with. */
static void ask_totals(const struct push *p, struct dyn_entropy_source_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	totals->struct_size = sizeof(*totals);
	if (p->ops.totals)
		p->ops.totals(p->source.self, totals);
	totals->struct_size = sizeof(*totals);
}

static void report_progress(void *arg)
{
	struct push *p = arg;
	int64_t now = clock_monotonic_us();

	p->result->seconds = (double)(now - p->started_us) / 1e6;
	if (!p->options.progress || now - p->progress_us < PROGRESS_INTERVAL_US)
		return;
	p->progress_us = now;
	ask_totals(p, &p->result->source);
	p->options.progress(p->options.progress_arg, p->result);
}

static void note_outcome(struct push *p, enum dyn_entropy_outcome outcome)
{
	enum dyn_entropy_outcome *seen = &p->result->outcome;

	if (*seen == DYN_ENTROPY_OUTCOME_NONE || *seen == DYN_ENTROPY_OUTCOME_CLOSED)
		*seen = outcome;
}

/* The share of whole that done of all stands for; all of it when all is 0. */
static uint64_t share(uint64_t whole, uint64_t done, uint64_t all)
{
	return all ? (uint64_t)((double)whole * (double)done / (double)all) : whole;
}

/* Count n more bytes of the connection, up to done of a piece that carries plain bytes of the
 * snapshot. */
static void count_sent(
	struct push *p, const struct flight *f, const struct piece *piece, size_t n, size_t done)
{
	uint64_t plain = f->plain + share(piece->plain, done, piece->len);

	p->result->wire_bytes += n;
	p->result->bytes = f->bytes_before + plain;
	p->result->keys = f->keys_before + share(f->keys, plain, f->len);
	report_progress(p);
}

static enum dyn_entropy_status write_paced(
	struct push *p, struct flight *f, const struct piece *piece, struct dyn_entropy_error *err)
{
	uint64_t rate = p->config.max_rate;
	size_t slice = piece->len < SLICE_MAX ? piece->len : SLICE_MAX, done = 0;
	uint64_t before;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (rate && slice > rate / SLICES_PER_SECOND)
		slice = (size_t)(rate / SLICES_PER_SECOND);
	if (slice < SLICE_MIN)
		slice = SLICE_MIN;
	while (done < piece->len && status == DYN_ENTROPY_OK) {
		size_t n = piece->len - done < slice ? piece->len - done : slice;

		if (rate) {
			int64_t now = clock_monotonic_us();

			if (cancel_sleep_until(p->options.cancel, p->paced_us))
				return error_cancelled(err);
			/* Idle time is not saved up. */
			if (p->paced_us < now)
				p->paced_us = now;
			p->paced_us += (int64_t)(n * UINT64_C(1000000) / rate);
		}
		before = f->stream.written;
		status = stream_write(&f->stream, piece->bytes + done, n, err);
		n = (size_t)(f->stream.written - before);
		done += n;
		count_sent(p, f, piece, n, done);
	}
	f->plain += piece->plain;
	return status;
}

/* Wait for the end of an earlier snapshot's connection; true when it came in time. */
static bool wait_for_end(struct push *p, struct flight *f, enum dyn_entropy_status *status)
{
	int64_t deadline_ms =
		clock_deadline_ms((int64_t)p->config.timeout_ms + f->len / APPLY_BYTES_PER_MS);
	uint8_t ignored[256]; /* the protocol has no answer; what arrives is ignored */
	size_t len = 0;

	*status = DYN_ENTROPY_ERR_IO;
	if (f->was_reset)
		return true;
	do {
		int64_t tick_ms = clock_deadline_ms(PROGRESS_INTERVAL_US / 1000);

		*status = stream_read(&f->stream, ignored, sizeof(ignored),
			tick_ms < deadline_ms ? tick_ms : deadline_ms, &len, NULL);
		report_progress(p);
	} while ((f->stream.timed_out || (*status == DYN_ENTROPY_OK && len > 0)) &&
		 clock_poll_timeout(deadline_ms) != 0);
	return !f->stream.timed_out && (*status != DYN_ENTROPY_OK || len == 0);
}

/* See how an earlier snapshot's connection ends, which shows whether it was applied. */
static enum dyn_entropy_status settle(
	struct push *p, struct flight *f, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	bool in_time;

	if (f->stream.fd < 0)
		return DYN_ENTROPY_OK;
	in_time = wait_for_end(p, f, &status);
	stream_close(&f->stream);
	if (status == DYN_ENTROPY_ERR_CANCELLED) {
		note_outcome(p, DYN_ENTROPY_OUTCOME_FAILED);
		return error_cancelled(err);
	}
	if (!in_time) {
		note_outcome(p, DYN_ENTROPY_OUTCOME_UNANSWERED);
		return error_set(err, DYN_ENTROPY_ERR_IO,
			"the receiver did not end the connection of snapshot %" PRIu64
			" in time; whether it was applied is unknown",
			f->number);
	}
	if (status != DYN_ENTROPY_OK) {
		note_outcome(p, DYN_ENTROPY_OUTCOME_REFUSED);
		if (p->result->refused++ == 0)
			p->first_refused = f->number;
		p->in_doubt = true;
		return DYN_ENTROPY_OK;
	}
	p->result->closed++;
	note_outcome(p, DYN_ENTROPY_OUTCOME_CLOSED);
	return DYN_ENTROPY_OK;
}

/* Encode and send the snapshot to its end.  *of_peer: a failure is one of the connection, not of
 * this side. */
static enum dyn_entropy_status send_pieces(
	struct push *p, struct flight *f, bool *of_peer, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	struct piece piece;

	wire_out_begin(p->wire, &p->source, f->len);
	for (;;) {
		uint32_t before = wire_out_plain_bytes(p->wire);

		*of_peer = false;
		status = wire_out_next(p->wire, &piece.bytes, &piece.len, err);
		if (status != DYN_ENTROPY_OK || piece.len == 0)
			return status;
		piece.plain = wire_out_plain_bytes(p->wire) - before;
		*of_peer = true;
		status = write_paced(p, f, &piece, err);
		if (status != DYN_ENTROPY_OK)
			return status;
	}
}

/*
 * The snapshot is sent but for its end: a receiver is still waiting.  A reset is one way in which
 * it refuses; anything else shows that this is no receiver, which could take a snapshot, and close
 * in good order, without applying anything.
 */
static enum dyn_entropy_status check_waits(const struct push *p, struct flight *f,
	int64_t connect_ms, bool *no_receiver, struct dyn_entropy_error *err)
{
	int64_t hold_ms = HOLD_MS + connect_ms;
	enum stream_news news;
	enum dyn_entropy_status status;

	if (p->result->snapshots > 0)
		hold_ms = 0; /* only of the first is it not known yet */
	status = stream_peek(&f->stream,
		clock_deadline_ms(hold_ms < HOLD_MAX_MS ? hold_ms : HOLD_MAX_MS), &news, err);
	if (status == DYN_ENTROPY_ERR_CANCELLED)
		stream_close(&f->stream); /* all of it was sent: the receiver may apply it */
	if (status != DYN_ENTROPY_OK)
		return status;
	f->was_reset = news == STREAM_RESET;
	*no_receiver = news == STREAM_BYTES || news == STREAM_END;
	if (!*no_receiver)
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
		"it is no receiver of the entropy channel: it %s before it had the whole "
		"snapshot; is that the port of a receiver (recon_listen)?",
		news == STREAM_BYTES ? "answered" : "closed the connection");
}

/* Send one snapshot, up to the half-close.  On failure the connection is reset and *outcome set. */
static enum dyn_entropy_status send_snapshot(struct push *p, struct flight *f,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err)
{
	uint32_t timeout_ms = p->config.timeout_ms;
	bool connected, of_peer = true, no_receiver = false;
	int64_t connect_ms = clock_monotonic_ms();
	enum dyn_entropy_status status = stream_connect(&f->stream, &p->peer,
		p->config.send_addr ? &p->bind_to : NULL,
		timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS, p->options.cancel, err);

	connected = status == DYN_ENTROPY_OK;
	connect_ms = clock_monotonic_ms() - connect_ms;
	f->stream.timeout_ms = timeout_ms;
	f->number = p->result->snapshots + 1;
	f->bytes_before = p->result->bytes;
	f->keys_before = p->result->keys;
	if (connected)
		status = send_pieces(p, f, &of_peer, err);
	if (status == DYN_ENTROPY_OK)
		status = check_waits(p, f, connect_ms, &no_receiver, err);
	if (status == DYN_ENTROPY_OK) {
		stream_half_close(&f->stream);
		p->result->snapshots++;
		return DYN_ENTROPY_OK;
	}
	if (no_receiver)
		*outcome = DYN_ENTROPY_OUTCOME_NO_RECEIVER;
	else if (!of_peer || status != DYN_ENTROPY_ERR_IO)
		*outcome = DYN_ENTROPY_OUTCOME_FAILED;
	else if (!connected)
		*outcome = DYN_ENTROPY_OUTCOME_UNREACHED;
	else
		*outcome = f->stream.timed_out ? DYN_ENTROPY_OUTCOME_UNANSWERED
					       : DYN_ENTROPY_OUTCOME_REFUSED;
	stream_abort(&f->stream);
	p->result->keys = f->keys_before;
	return status;
}

/* The keys that the source has given so far. */
static uint64_t keys_given(const struct push *p)
{
	struct dyn_entropy_source_totals totals;

	ask_totals(p, &totals);
	return totals.keys;
}

static enum dyn_entropy_status reset_by_receiver(uint64_t number, struct dyn_entropy_error *err)
{
	return error_set(err, DYN_ENTROPY_ERR_IO,
		"the receiver reset the connection of snapshot %" PRIu64
		": it was not applied, or not all of it; its log says why",
		number);
}

/*
 * The receiver had all of a snapshot, and refused it: some of its keys, perhaps, and those of the
 * next one are welcome.  An empty snapshot shows whether that is so.
 */
static enum dyn_entropy_status check_doubt(struct push *p, struct dyn_entropy_error *err)
{
	enum dyn_entropy_outcome outcome;
	enum dyn_entropy_status status;

	if (!p->in_doubt)
		return DYN_ENTROPY_OK;
	p->in_doubt = false;
	status = dyn_entropy_knock(&p->config, p->material, p->options.cancel, &outcome, err);
	if (status == DYN_ENTROPY_OK || status == DYN_ENTROPY_ERR_CANCELLED)
		return status;
	return reset_by_receiver(p->first_refused, err);
}

/* Tell of a refused snapshot as the first failure; status: how the push ended otherwise. */
static enum dyn_entropy_status tell_refused(
	const struct push *p, enum dyn_entropy_status status, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_push_result *r = p->result;

	if (r->refused == 0 || status == DYN_ENTROPY_ERR_CANCELLED)
		return status;
	if (status != DYN_ENTROPY_OK || r->closed == 0)
		return reset_by_receiver(p->first_refused, err);
	return error_set(err, DYN_ENTROPY_ERR_SINK,
		"the receiver refused %" PRIu64 " of %" PRIu64
		" snapshots, at least in part, from snapshot %" PRIu64
		" on, and applied the others; its log says why",
		r->refused, r->snapshots, p->first_refused);
}

/* Prepare and send the next snapshot while the receiver applies the previous one. */
static enum dyn_entropy_status push_next(struct push *p, struct dyn_entropy_error *err)
{
	struct dyn_entropy_error this_err = {0};
	struct flight f = {.stream.fd = -1};
	enum dyn_entropy_outcome outcome = DYN_ENTROPY_OUTCOME_FAILED;
	enum dyn_entropy_status status, earlier_status;
	uint64_t given;

	status = p->ops.next(p->source.self, &f.len, &this_err);
	if (status == DYN_ENTROPY_END)
		return status;
	if (status == DYN_ENTROPY_OK)
		status = check_doubt(p, &this_err);
	if (status == DYN_ENTROPY_OK) {
		given = keys_given(p);
		f.keys = given > p->result->keys ? given - p->result->keys : 0;
		status = send_snapshot(p, &f, &outcome, &this_err);
	}
	if (status == DYN_ENTROPY_OK)
		p->result->keys = keys_given(p);
	/* Of two failures report the first in the source's order. */
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
		.buffer_size = p->config.buffer_size,
		.header_size = p->config.header_size,
	};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (!p->config.peer_endpoint || !addr_parse(&p->peer, p->config.peer_endpoint) ||
		p->peer.port == 0)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"no peer_endpoint to push to, or one without a port");
	if (p->config.send_addr)
		status = settings_send_addr(p->config.send_addr, &p->bind_to, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (p->config.encrypt)
		status = cipher_new(material, &p->cipher, err);
	wire.cipher = p->cipher;
	if (status == DYN_ENTROPY_OK)
		status = wire_out_new(&wire, &p->wire, err);
	return status;
}

/* Copy what the program passed, whatever version it was built with. */
static enum dyn_entropy_status push_take(struct push *p, const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, const struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status =
		sized_in(&p->ops, sizeof(p->ops), source->ops, "dyn_entropy_source_ops", err);

	if (status == DYN_ENTROPY_OK && options)
		status = sized_in(
			&p->options, sizeof(p->options), options, "dyn_entropy_push_options", err);
	if (status == DYN_ENTROPY_OK)
		status = settings_take(&p->config, config, material, err);
	p->material = material;
	p->source.ops = &p->ops;
	p->source.self = source->self;
	return status;
}

/* Send every snapshot, and wait for the end of the last. */
static enum dyn_entropy_status push_all(struct push *p, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK, last_status;

	if (p->ops.set_tick && p->options.progress)
		p->ops.set_tick(p->source.self, report_progress, p);
	while (status == DYN_ENTROPY_OK)
		status = push_next(p, err);
	if (status == DYN_ENTROPY_END)
		status = DYN_ENTROPY_OK;
	/* After a failure an earlier snapshot may still be applied: count it too. */
	last_status = settle(p, &p->earlier, status == DYN_ENTROPY_OK ? err : NULL);
	if (status == DYN_ENTROPY_OK)
		status = last_status;
	if (p->ops.set_tick)
		p->ops.set_tick(p->source.self, NULL, NULL);
	p->result->complete = status == DYN_ENTROPY_OK;
	return tell_refused(p, status, err);
}

enum dyn_entropy_status dyn_entropy_push(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, struct dyn_entropy_source *source,
	const struct dyn_entropy_push_options *options, struct dyn_entropy_push_result *out,
	struct dyn_entropy_error *err)
{
	struct dyn_entropy_push_result result = {.struct_size = sizeof(result)};
	struct push p = {
		.result = &result,
		.earlier.stream.fd = -1,
		.started_us = clock_monotonic_us(),
	};
	enum dyn_entropy_status status;
	char name[ADDR_TEXT_MAX];

	status = push_take(&p, config, material, source, options, err);
	if (status == DYN_ENTROPY_OK)
		status = push_prepare(&p, material, err);
	if (status == DYN_ENTROPY_OK)
		status = push_all(&p, err);
	else
		note_outcome(&p, DYN_ENTROPY_OUTCOME_FAILED);
	error_without(err, addr_format(&p.peer, name, sizeof(name)));
	ask_totals(&p, &result.source);
	result.seconds = (double)(clock_monotonic_us() - p.started_us) / 1e6;
	sized_out(out, &result, sizeof(result));
	wire_out_free(p.wire);
	cipher_free(p.cipher);
	return status;
}
