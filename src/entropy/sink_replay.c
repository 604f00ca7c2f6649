#include "entropy/sink_replay.h"

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

/* A command that was sent, or left alone; for a RESTORE also what is needed to undo it. */
struct flight {
	STAILQ_ENTRY(flight) next;
	bool is_left_alone;
	bool is_restore; /* and may have to be undone */
	struct sink_payload payload;
	size_t key_len;
	uint8_t key[];
};

STAILQ_HEAD(flights, flight);

struct replay {
	const struct sink_replay_options *options;
	struct redis_conn *conn;
	struct resp_scanner scanner;

	uint64_t settled;     /* commands, from the first on */
	unsigned passed_over; /* of them */

	/* The command being read. */
	uint64_t number; /* of it, from 0 */
	struct buf held; /* its bytes, until it is decided whether it is sent */
	struct sink_created created;
	bool decided, is_dropped; /* its bytes are not sent */
	struct flight *flight;    /* its flight, owned; NULL before the decision */
	uint8_t end[SINK_FOOTER_BYTES + CR_LF_BYTES]; /* its last bytes so far */

	struct buf out;                 /* to be sent */
	struct flights flights;         /* sent, in out, or left alone */
	size_t n_flights, flight_bytes; /* without those left alone */
	struct flights doubtful;        /* to be undone: written after the first check */
	uint8_t piece[PIECE_BYTES];
};

static bool may_restore(const struct replay *g, const void *key, size_t len)
{
	const struct dyn_entropy_sink_redis_options *o = g->options->sink;

	return !o->may_restore || o->may_restore(o->may_restore_arg, key, len,
					  dyn_entropy_snapshot_began_ms(g->options->snapshot));
}

/* ---- Replies ---- */

/* Settle the commands that were left alone and now come first. */
static void settle_left_alone(struct replay *g)
{
	struct flight *f;

	while ((f = STAILQ_FIRST(&g->flights)) != NULL && f->is_left_alone) {
		STAILQ_REMOVE_HEAD(&g->flights, next);
		free(f);
		g->options->result->left_alone++;
		g->settled++;
	}
}

static void take_reply(struct replay *g, const redisReply *reply)
{
	struct flight *f = STAILQ_FIRST(&g->flights);
	bool done = g->options->answered(g->options->arg, reply);

	STAILQ_REMOVE_HEAD(&g->flights, next);
	g->n_flights--;
	g->flight_bytes -= f->key_len;
	g->settled++;
	if (done && f->is_restore && !may_restore(g, f->key, f->key_len))
		STAILQ_INSERT_TAIL(&g->doubtful, f, next);
	else
		free(f);
	settle_left_alone(g);
}

static enum dyn_entropy_status flush(struct replay *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (buf_len(&g->out) > 0)
		status = redis_conn_send(g->conn, buf_head(&g->out), buf_len(&g->out), err);
	buf_clear(&g->out);
	return status;
}

/* Read the replies that have arrived, and wait while more than so many are outstanding. */
static enum dyn_entropy_status take_replies(
	struct replay *g, size_t flights, size_t bytes, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (g->n_flights > flights || g->flight_bytes > bytes)
		status = flush(g, err);
	while (status == DYN_ENTROPY_OK && g->n_flights > 0) {
		redisReply *reply = NULL;

		status = redis_conn_buffered_reply(g->conn, &reply, err);
		if (status == DYN_ENTROPY_OK && !reply &&
			(g->n_flights > flights || g->flight_bytes > bytes))
			status = redis_conn_reply(g->conn, &reply, err);
		if (!reply)
			break;
		take_reply(g, reply);
		freeReplyObject(reply);
	}
	return status;
}

static enum dyn_entropy_status undo_first(struct replay *g, struct dyn_entropy_error *err)
{
	struct flight *f = STAILQ_FIRST(&g->doubtful);
	bool gone = false;
	enum dyn_entropy_status status =
		sink_undo(g->conn, f->key, f->key_len, &f->payload, &gone, err);

	if (status != DYN_ENTROPY_OK)
		return status; /* it is tried over the next connection, if there is one */
	STAILQ_REMOVE_HEAD(&g->doubtful, next);
	free(f);
	if (gone) {
		g->options->result->applied--;
		g->options->result->left_alone++;
	}
	return status;
}

/* Undo at once: until then, a key exists that may have been deleted. */
static enum dyn_entropy_status undo(struct replay *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (!STAILQ_EMPTY(&g->doubtful))
		status = take_replies(g, 0, 0, err);
	while (status == DYN_ENTROPY_OK && !STAILQ_EMPTY(&g->doubtful))
		status = undo_first(g, err);
	return status;
}

/* ---- One command ---- */

static void begin_command(struct replay *g)
{
	buf_clear(&g->held);
	g->decided = g->is_dropped = g->number < g->settled; /* over an earlier connection */
	g->flight = NULL;
}

/* The argument that has just ended; it is in held. */
static const uint8_t *ended_arg(const struct replay *g)
{
	return g->held.data + g->held.end - CR_LF_BYTES - g->scanner.arg_len;
}

static enum dyn_entropy_status new_flight(
	struct replay *g, bool is_left_alone, struct dyn_entropy_error *err)
{
	bool is_restore = !is_left_alone && g->options->sink->may_restore &&
			  resp_arg_is(&g->scanner.command.argv[0], "RESTORE");
	size_t key_len = is_restore ? g->scanner.arg_len : 0;

	g->flight = calloc(1, sizeof(*g->flight) + key_len);
	if (!g->flight)
		return error_no_memory(err);
	g->flight->is_left_alone = is_left_alone;
	g->flight->is_restore = is_restore;
	g->flight->key_len = key_len;
	if (key_len > 0)
		memcpy(g->flight->key, ended_arg(g), key_len);
	return DYN_ENTROPY_OK;
}

/* The command may be sent: send what is held of it, and then the rest. */
static enum dyn_entropy_status let_go(struct replay *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = new_flight(g, false, err);

	g->decided = true;
	if (status == DYN_ENTROPY_OK && !buf_append(&g->out, buf_head(&g->held), buf_len(&g->held)))
		status = error_no_memory(err);
	buf_clear(&g->held);
	return status;
}

static enum dyn_entropy_status leave_alone(struct replay *g, struct dyn_entropy_error *err)
{
	g->decided = g->is_dropped = true;
	buf_clear(&g->held);
	return new_flight(g, true, err);
}

/* Whether a key of the command may still follow this argument. */
static bool has_more_keys(const struct replay *g, uint32_t arg, bool is_last)
{
	if (is_last)
		return false;
	if (g->created.step > 0)
		return buf_len(&g->held) < HELD_BYTES_MAX;
	return arg < g->created.first;
}

/* Handle the end of an argument of an undecided command. */
static enum dyn_entropy_status decide(struct replay *g, bool is_last, struct dyn_entropy_error *err)
{
	uint32_t arg = resp_ended_arg(&g->scanner);

	if (!g->options->sink->may_restore)
		return let_go(g, err);
	if (arg == 0)
		g->created = sink_commands_created(&g->scanner.command);
	if (sink_commands_is_created(&g->created, arg) &&
		!may_restore(g, ended_arg(g), g->scanner.arg_len))
		return leave_alone(g, err);
	return has_more_keys(g, arg, is_last) ? DYN_ENTROPY_OK : let_go(g, err);
}

static void note_payload(struct replay *g)
{
	struct sink_payload *p = &g->flight->payload;

	p->len = g->scanner.arg_len;
	p->type = g->scanner.command.argv[RESTORE_PAYLOAD].head[0];
	memcpy(p->footer, g->end, SINK_FOOTER_BYTES);
}

/* The command being read counts as sent, or as left alone. */
static void queue_flight(struct replay *g)
{
	if (!g->flight)
		return;
	STAILQ_INSERT_TAIL(&g->flights, g->flight, next);
	if (!g->flight->is_left_alone) {
		g->n_flights++;
		g->flight_bytes += g->flight->key_len;
	}
	g->flight = NULL;
	settle_left_alone(g);
}

static enum dyn_entropy_status end_command(struct replay *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	queue_flight(g);
	g->number++;
	begin_command(g);
	status = take_replies(g, FLIGHTS_MAX, FLIGHT_BYTES_MAX, err);
	return status == DYN_ENTROPY_OK ? undo(g, err) : status;
}

/* ---- The bytes of the snapshot ---- */

/* Handle more bytes of the command being read; they end with an argument or before. */
static enum dyn_entropy_status add_bytes(
	struct replay *g, const uint8_t *bytes, size_t len, struct dyn_entropy_error *err)
{
	sink_keep_end(g->end, sizeof(g->end), bytes, len);
	if (g->is_dropped)
		return DYN_ENTROPY_OK;
	if (!buf_append(g->decided ? &g->out : &g->held, bytes, len))
		return error_no_memory(err);
	return buf_len(&g->out) >= OUT_BYTES ? flush(g, err) : DYN_ENTROPY_OK;
}

static enum dyn_entropy_status take_piece(
	struct replay *g, size_t len, struct dyn_entropy_error *err)
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

static enum dyn_entropy_status take_snapshot(struct replay *g, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = undo(g, err); /* from an earlier connection */
	size_t len;

	if (status == DYN_ENTROPY_OK)
		status = dyn_entropy_snapshot_rewind(g->options->snapshot, err);
	if (status != DYN_ENTROPY_OK)
		return status;
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

/* ---- Connections ---- */

/* Begin with the first command that is not settled. */
static enum dyn_entropy_status connect_again(struct replay *g, struct dyn_entropy_error *err)
{
	redis_conn_free(g->conn);
	g->conn = NULL;
	free(g->flight);
	free_flights(&g->flights);
	g->n_flights = g->flight_bytes = 0;
	buf_clear(&g->out);
	g->number = 0;
	resp_scanner_init(&g->scanner, NULL, NULL);
	begin_command(g);
	return redis_conn_open(g->options->endpoint, DYN_ENTROPY_ERR_SINK, &g->conn, err);
}

/* Take the replies that came before the connection was closed; the last may say why. */
static void take_last_replies(struct replay *g)
{
	queue_flight(g); /* it may be the one that Redis did not like */
	while (g->n_flights > 0) {
		redisReply *reply = NULL;

		if (redis_conn_last_reply(g->conn, &reply) != DYN_ENTROPY_OK || !reply)
			return;
		take_reply(g, reply);
		freeReplyObject(reply);
	}
}

/*
 * Redis has closed the connection: whether to go on over a new one.  The command at which it did
 * that twice, without a reply, is passed over.
 */
static bool goes_on(struct replay *g, uint64_t settled_before)
{
	struct flight *f;

	take_last_replies(g);
	if (g->settled > settled_before)
		return true;
	f = STAILQ_FIRST(&g->flights);
	if (!f || g->passed_over == SINK_REPLAY_PASSED_OVER_MAX)
		return false;
	g->passed_over++;
	g->settled++;
	g->options->passed_over(g->options->arg);
	return true;
}

enum dyn_entropy_status sink_replay(
	const struct sink_replay_options *options, uint64_t *settled, struct dyn_entropy_error *err)
{
	struct replay *g = calloc(1, sizeof(*g));
	enum dyn_entropy_status status;
	uint64_t before;

	if (!g)
		return error_no_memory(err);
	g->options = options;
	STAILQ_INIT(&g->flights);
	STAILQ_INIT(&g->doubtful);
	do {
		before = g->settled;
		status = connect_again(g, err);
		if (status == DYN_ENTROPY_OK)
			status = take_snapshot(g, err);
	} while (status == DYN_ENTROPY_ERR_SINK && g->conn && redis_conn_was_closed(g->conn) &&
		 goes_on(g, before));
	*settled = g->settled;
	redis_conn_free(g->conn);
	free(g->flight);
	free_flights(&g->flights);
	free_flights(&g->doubtful);
	buf_fini(&g->held);
	buf_fini(&g->out);
	free(g);
	return status;
}
