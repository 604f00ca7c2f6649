#include "repair/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/reply.h"
#include "proto/resp_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Records ---- */

static uint32_t lane_of(const struct reconciler *r, const struct journal_record *record)
{
	if (r->options.n_lanes == 1 || !record->key)
		return 0;
	return ring_token(r->options.ring, record->key, record->len) % r->options.n_lanes;
}

void repair_log_record(void *arg, const struct journal_record *record)
{
	const struct repair_share *s = arg;
	struct reconciler *r = s->reconciler;

	wal_append(r->wal, s->in_log, lane_of(r, record), record);
	r->is_dirty = true;
	repair_held_note(r, record);
}

void repair_log_keep(void *arg, const struct recon_kept *kept)
{
	const struct repair_share *s = arg;

	wal_keep(s->reconciler->wal, s->in_log, kept, sizeof(*kept));
	s->reconciler->is_dirty = true;
}

/* ---- Markers ---- */

/*
 * They are in a database of their own, if there is one, where clients do not see them.  A SELECT in
 * a script does not outlast it, so that one command does it all.
 */
static const char set_script[] = "redis.call('SELECT',ARGV[1]) "
				 "return redis.call('SET',KEYS[1],ARGV[2],'GET')";
static const char get_script[] = "redis.call('SELECT',ARGV[1]) return redis.call('GET',KEYS[1])";
const char repair_log_look_script[] = "redis.call('SELECT',ARGV[1]) "
				      "return redis.call('MGET',unpack(KEYS))";

bool repair_log_write(const struct reconciler *r, struct buf *out, const char *script,
	uint32_t first, uint32_t n, const char *value)
{
	const struct resp_writer w = resp_writer_2(out);
	char text[16], key[MARKER_KEY_MAX];
	bool ok = resp_write_array(&w, 4 + n + (value ? 1 : 0)) && resp_write_text(&w, "EVAL") &&
		  resp_write_text(&w, script);

	snprintf(text, sizeof(text), "%" PRIu32, n);
	ok = ok && resp_write_text(&w, text);
	for (uint32_t i = first; ok && i < first + n; i++)
		ok = resp_write_bulk(&w, key, marker_key(i, key));
	ok = ok && resp_write_text(&w, r->has_one_database ? "0" : MARKER_DATABASE);
	return ok && (!value || resp_write_text(&w, value));
}

/* The reply is a marker.  Anything but one of this log means that the dataset was emptied, restored
 * or exchanged behind the node.  False when there is no such reply, or one to a question of before
 * the dataset was looked at. */
static bool check_marker(
	struct repair_lane *lane, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reconciler *r = lane->reconciler;
	const uint8_t *text;
	struct marker m;
	size_t n, used;

	lane->asked--;
	if (lane->before > 0) {
		lane->before--;
		return false;
	}
	if (fate != WRITE_TAKEN || !reply || !reply_string(reply, len, &text, &n, &used))
		return false; /* the connection is gone, or the datastore refuses to write */
	if (lane->is_there && (!text || !marker_parse(&m, text, n) || m.lane != lane->number ||
				      m.log != wal_id(r->wal)))
		r->is_foreign = true;
	return true;
}

static bool ask_lane(struct reconciler *r, struct repair_lane *lane, const struct buf *request,
	proxy_answered *answered)
{
	const struct proxy_own_request own = {
		.token = lane->number,
		.request = buf_head(request),
		.request_len = buf_len(request),
		.answered = answered,
		.arg = lane,
	};

	lane->asked++;
	if (proxy_ask(r->proxy, &own))
		return true;
	lane->asked--;
	return false;
}

/* The marker that was there before the one that was set. */
static void on_marked(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct repair_lane *lane = arg;

	if (check_marker(lane, reply, len, fate))
		lane->is_there = true;
}

static void on_verified(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	check_marker(arg, reply, len, fate);
}

void repair_log_verify(struct reconciler *r)
{
	for (uint32_t i = 0; r->is_known && i < r->options.n_lanes; i++) {
		struct repair_lane *lane = &r->lanes[i];
		struct buf request = {0};

		if (lane->is_there && repair_log_write(r, &request, get_script, i, 1, NULL))
			ask_lane(r, lane, &request, on_verified);
		buf_fini(&request);
	}
}

static void send_marker(struct reconciler *r, struct repair_lane *lane, uint64_t position)
{
	const struct marker m = {
		.log = wal_id(r->wal),
		.lane = lane->number,
		.position = position,
	};
	char value[MARKER_VALUE_MAX];
	struct buf request = {0};

	marker_format(&m, value);
	if (repair_log_write(r, &request, set_script, lane->number, 1, value) &&
		ask_lane(r, lane, &request, on_marked))
		lane->sent = position;
	buf_fini(&request);
}

static void send_markers(struct reconciler *r)
{
	if (!r->is_known || r->has_no_markers || wal_is_broken(r->wal))
		return;
	for (uint32_t i = 0; i < r->options.n_lanes; i++) {
		uint64_t position = wal_lane_position(r->wal, i);

		if (position > r->lanes[i].sent)
			send_marker(r, &r->lanes[i], position);
	}
}

void repair_log_flush(struct reconciler *r)
{
	if (!r->is_dirty)
		return;
	send_markers(r);
	r->is_dirty = false;
	wal_flush(r->wal, clock_monotonic_ms());
}

void repair_log_begin_lanes(struct reconciler *r)
{
	for (uint32_t i = 0; i < r->options.n_lanes; i++) {
		struct repair_lane *lane = &r->lanes[i];
		const struct marker_found *f = &r->found[i];

		/* After the log was begun anew the first marker replaces one of another log. */
		lane->is_there = f->what == MARKER_THERE && f->marker.log == wal_id(r->wal);
		lane->before = lane->asked;
		lane->sent = 0;
	}
	r->is_foreign = false;
}

/* ---- Opening and closing ---- */

static const struct journal *journal_of(void *arg, uint32_t share)
{
	const struct reconciler *r = arg;

	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core && r->cores[i].in_log == share)
			return recon_core_journal(r->cores[i].core);
	return NULL;
}

bool repair_log_open(struct reconciler *r)
{
	const struct wal_options o = {
		.dir = state_dir(r->options.state),
		.max_bytes = r->options.log_bytes,
		.journal = journal_of,
		.arg = r,
	};
	char why[WAL_WHY_MAX];

	r->lanes = calloc(r->options.n_lanes, sizeof(*r->lanes));
	if (!r->lanes || r->options.n_lanes > WAL_LANES_MAX) {
		log_error("cannot start: entropy: no memory, or datastore_connections is above %d",
			WAL_LANES_MAX);
		return false;
	}
	for (uint32_t i = 0; i < r->options.n_lanes; i++) {
		r->lanes[i].reconciler = r;
		r->lanes[i].number = i;
	}
	r->wal = wal_open(&o, why);
	if (!r->wal) {
		log_error("cannot start: entropy: %s", why);
		return false;
	}
	for (size_t i = 0; i < r->shares.n; i++) {
		r->cores[i].in_log = wal_share(r->wal, r->shares.all[i].digest);
		if (r->cores[i].in_log == UINT32_MAX) {
			log_error("cannot start: entropy: the log of writes in %s has too many "
				  "shares: the ring was changed too often; remove the directory",
				o.dir);
			return false;
		}
	}
	return true;
}

void repair_log_close(struct reconciler *r)
{
	wal_close(r->wal);
	free(r->lanes);
}
