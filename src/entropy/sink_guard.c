#include "entropy/sink_guard.h"

#include "base/buf.h"
#include "entropy/error.h"
#include "entropy/resp.h"
#include "entropy/sink_commands.h"
#include "entropy/sink_undo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define PIECE_BYTES ((size_t)64 * 1024)

/* Bytes that are sent at once. */
#define OUT_BYTES ((size_t)64 * 1024)

/* Limits of commands whose replies are outstanding: their number, and the bytes of their keys. */
#define FLIGHTS_MAX      4096
#define FLIGHT_BYTES_MAX ((size_t)1024 * 1024)

/* An MSET of more bytes than this is sent once the keys seen so far may be restored. */
#define HELD_BYTES_MAX ((size_t)1024 * 1024)

#define RESTORE_PAYLOAD 3 /* index of this argument */
#define CR_LF_BYTES     2

/* A command that was sent; for a RESTORE also what is needed to undo it. */
struct flight {
	STAILQ_ENTRY(flight) next;
	bool is_restore;
	struct sink_payload payload;
	size_t key_len;
	uint8_t key[];
};

STAILQ_HEAD(flights, flight);

struct guard {
	const struct sink_guard_options *options;
	struct resp_scanner scanner;

	/* The command being read. */
	struct buf held; /* its bytes, until it is decided whether it is sent */
	struct sink_created created;
	bool decided, is_left_alone;
	struct flight *flight; /* its flight, owned; NULL before the decision */
	uint8_t end[SINK_FOOTER_BYTES + CR_LF_BYTES]; /* its last bytes so far */

	struct buf out;         /* to be sent */
	struct flights flights; /* sent, or in out */
	size_t n_flights, flight_bytes;
	struct flights doubtful; /* to be undone: written after the first check */
	uint8_t piece[PIECE_BYTES];
};

static bool may_restore(const struct guard *g, const void *key, size_t len)
{
	const struct dyn_entropy_sink_redis_options *o = g->options->sink;

	return o->may_restore(
		o->may_restore_arg, key, len, dyn_entropy_snapshot_began_ms(g->options->snapshot));
}

/* ---- Replies ---- */

static void take_reply(struct guard *g, const redisReply *reply)
{
	struct flight *f = STAILQ_FIRST(&g->flights);
	bool done = g->options->answered(g->options->answered_arg, reply);

	STAILQ_REMOVE_HEAD(&g->flights, next);
	g->n_flights--;
	g->flight_bytes -= f->key_len;
	if (done && f->is_restore && !may_restore(g, f->key, f->key_len))
		STAILQ_INSERT_TAIL(&g->doubtful, f, next);
	else
		free(f);
}

static enum dyn_entropy_status flush(struct guard *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (buf_len(&g->out) > 0)
		status =
			redis_conn_send(g->options->conn, buf_head(&g->out), buf_len(&g->out), err);
	buf_clear(&g->out);
	return status;
}

/* Read the replies that have arrived, and wait while more than so many are outstanding. */
static enum dyn_entropy_status take_replies(
	struct guard *g, size_t flights, size_t bytes, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (g->n_flights > flights || g->flight_bytes > bytes)
		status = flush(g, err);
	while (status == DYN_ENTROPY_OK && g->n_flights > 0) {
		redisReply *reply = NULL;

		status = redis_conn_buffered_reply(g->options->conn, &reply, err);
		if (status == DYN_ENTROPY_OK && !reply &&
			(g->n_flights > flights || g->flight_bytes > bytes))
			status = redis_conn_reply(g->options->conn, &reply, err);
		if (!reply)
			break;
		take_reply(g, reply);
		freeReplyObject(reply);
	}
	return status;
}

static enum dyn_entropy_status undo_first(struct guard *g, struct dyn_entropy_error *err)
{
	struct flight *f = STAILQ_FIRST(&g->doubtful);
	bool gone = false;
	enum dyn_entropy_status status =
		sink_undo(g->options->conn, f->key, f->key_len, &f->payload, &gone, err);

	STAILQ_REMOVE_HEAD(&g->doubtful, next);
	free(f);
	if (gone) {
		g->options->result->applied--;
		g->options->result->left_alone++;
	}
	return status;
}

/* Undo at once: until then, a key exists that may have been deleted. */
static enum dyn_entropy_status undo(struct guard *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (!STAILQ_EMPTY(&g->doubtful))
		status = take_replies(g, 0, 0, err);
	while (status == DYN_ENTROPY_OK && !STAILQ_EMPTY(&g->doubtful))
		status = undo_first(g, err);
	return status;
}

/* ---- One command ---- */

static void begin_command(struct guard *g)
{
	buf_clear(&g->held);
	g->decided = false;
	g->is_left_alone = false;
	g->flight = NULL;
}

/* The argument that has just ended; it is in held. */
static const uint8_t *ended_arg(const struct guard *g)
{
	return g->held.data + g->held.end - CR_LF_BYTES - g->scanner.arg_len;
}

static enum dyn_entropy_status new_flight(struct guard *g, struct dyn_entropy_error *err)
{
	bool is_restore = resp_arg_is(&g->scanner.command.argv[0], "RESTORE");
	size_t key_len = is_restore ? g->scanner.arg_len : 0;

	g->flight = calloc(1, sizeof(*g->flight) + key_len);
	if (!g->flight)
		return error_no_memory(err);
	g->flight->is_restore = is_restore;
	g->flight->key_len = key_len;
	if (key_len > 0)
		memcpy(g->flight->key, ended_arg(g), key_len);
	return DYN_ENTROPY_OK;
}

/* The command may be sent: send what is held of it, and then the rest. */
static enum dyn_entropy_status let_go(struct guard *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = new_flight(g, err);

	g->decided = true;
	if (status == DYN_ENTROPY_OK && !buf_append(&g->out, buf_head(&g->held), buf_len(&g->held)))
		status = error_no_memory(err);
	buf_clear(&g->held);
	return status;
}

static void leave_alone(struct guard *g)
{
	g->decided = g->is_left_alone = true;
	g->options->result->left_alone++;
	buf_clear(&g->held);
}

/* Whether a key of the command may still follow this argument. */
static bool has_more_keys(const struct guard *g, uint32_t arg, bool is_last)
{
	if (is_last)
		return false;
	if (g->created.step > 0)
		return buf_len(&g->held) < HELD_BYTES_MAX;
	return arg < g->created.first;
}

/* Handle the end of an argument of an undecided command. */
static enum dyn_entropy_status decide(struct guard *g, bool is_last, struct dyn_entropy_error *err)
{
	uint32_t arg = resp_ended_arg(&g->scanner);

	if (arg == 0)
		g->created = sink_commands_created(&g->scanner.command);
	if (sink_commands_is_created(&g->created, arg) &&
		!may_restore(g, ended_arg(g), g->scanner.arg_len)) {
		leave_alone(g);
		return DYN_ENTROPY_OK;
	}
	return has_more_keys(g, arg, is_last) ? DYN_ENTROPY_OK : let_go(g, err);
}

static void note_payload(struct guard *g)
{
	struct sink_payload *p = &g->flight->payload;

	p->len = g->scanner.arg_len;
	p->type = g->scanner.command.argv[RESTORE_PAYLOAD].head[0];
	memcpy(p->footer, g->end, SINK_FOOTER_BYTES);
}

static enum dyn_entropy_status end_command(struct guard *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (g->flight) {
		STAILQ_INSERT_TAIL(&g->flights, g->flight, next);
		g->n_flights++;
		g->flight_bytes += g->flight->key_len;
	}
	begin_command(g);
	status = take_replies(g, FLIGHTS_MAX, FLIGHT_BYTES_MAX, err);
	return status == DYN_ENTROPY_OK ? undo(g, err) : status;
}

/* ---- The bytes of the snapshot ---- */

/* Handle more bytes of the command being read; they end with an argument or before. */
static enum dyn_entropy_status add_bytes(
	struct guard *g, const uint8_t *bytes, size_t len, struct dyn_entropy_error *err)
{
	sink_keep_end(g->end, sizeof(g->end), bytes, len);
	if (g->is_left_alone)
		return DYN_ENTROPY_OK;
	if (!buf_append(g->decided ? &g->out : &g->held, bytes, len))
		return error_no_memory(err);
	return buf_len(&g->out) >= OUT_BYTES ? flush(g, err) : DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_piece(
	struct guard *g, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	size_t at = 0;

	while (status == DYN_ENTROPY_OK && at < len) {
		enum resp_event event;
		size_t n = resp_step(&g->scanner, g->piece + at, len - at, &event);

		if (n == 0) /* unexpected: the first pass accepted these bytes */
			return error_set(err, DYN_ENTROPY_ERR_SINK, "the snapshot has changed");
		status = add_bytes(g, g->piece + at, n, err);
		at += n;
		if (event == RESP_NOTHING || status != DYN_ENTROPY_OK)
			continue;
		if (!g->decided)
			status = decide(g, event == RESP_COMMAND_END, err);
		if (g->flight && g->flight->is_restore &&
			resp_ended_arg(&g->scanner) == RESTORE_PAYLOAD)
			note_payload(g);
		if (status == DYN_ENTROPY_OK && event == RESP_COMMAND_END)
			status = end_command(g, err);
	}
	return status;
}

static enum dyn_entropy_status take_snapshot(struct guard *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	size_t len;

	do {
		status = dyn_entropy_snapshot_read(
			g->options->snapshot, g->piece, sizeof(g->piece), &len, err);
		if (status == DYN_ENTROPY_OK)
			status = take_piece(g, len, err);
		/* Commands that were checked must not wait for the disk. */
		if (status == DYN_ENTROPY_OK)
			status = flush(g, err);
	} while (status == DYN_ENTROPY_OK && len > 0);
	if (status == DYN_ENTROPY_OK)
		status = take_replies(g, 0, 0, err);
	return status == DYN_ENTROPY_OK ? undo(g, err) : status;
}

static void free_flights(struct flights *list)
{
	struct flight *f;

	while ((f = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(f);
	}
}

enum dyn_entropy_status sink_guard_replay(
	const struct sink_guard_options *options, struct dyn_entropy_error *err)
{
	struct guard *g = calloc(1, sizeof(*g));
	enum dyn_entropy_status status;

	if (!g)
		return error_no_memory(err);
	g->options = options;
	STAILQ_INIT(&g->flights);
	STAILQ_INIT(&g->doubtful);
	resp_scanner_init(&g->scanner, NULL, NULL);
	begin_command(g);
	status = take_snapshot(g, err);
	free(g->flight);
	free_flights(&g->flights);
	free_flights(&g->doubtful);
	buf_fini(&g->held);
	buf_fini(&g->out);
	free(g);
	return status;
}
