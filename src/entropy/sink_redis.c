#include "base/buf.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/redis_conn.h"
#include "entropy/redis_words.h"
#include "entropy/resp.h"
#include "entropy/sink_commands.h"
#include "entropy/sink_replay.h"
#include "entropy/sized.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES     ((size_t)64 * 1024)
#define ERROR_KINDS_MAX 8
#define ERROR_KIND_SIZE 24
#define NAME_SIZE       40

/* Immutable once made: apply() runs on several threads. */
struct sink {
	struct dyn_entropy_redis endpoint;
	struct dyn_entropy_sink_redis_options options;
};

/* Errors that begin with the same word. */
struct error_kind {
	char word[ERROR_KIND_SIZE];
	char words[REDIS_WORDS_SIZE]; /* the text of the first */
	uint64_t n;
};

/* One apply(). */
struct apply {
	const struct sink *sink;
	struct dyn_entropy_apply_result result;
	struct error_kind kinds[ERROR_KINDS_MAX];
	size_t n_kinds;
	uint64_t other_kinds; /* errors beyond kinds */
	uint64_t settled;     /* commands that were answered, left alone or passed over */
	const char *refusal;  /* of the first command that is not allowed */
	uint8_t piece[PIECE_BYTES];
};

/* ---- First pass: is every command allowed? ---- */

static bool check_command(void *arg, const struct resp_command *command)
{
	struct apply *a = arg;

	a->refusal = sink_commands_refusal(command, a->sink->options.accept);
	return a->refusal == NULL;
}

static enum dyn_entropy_status refused(
	const struct apply *a, const struct resp_scanner *s, struct dyn_entropy_error *err)
{
	char name[NAME_SIZE];
	/* Only if the other setting would have allowed it. */
	bool by_accept = a->sink->options.accept == DYN_ENTROPY_ACCEPT_RESTORE &&
			 !sink_commands_refusal(&s->command, DYN_ENTROPY_ACCEPT_DATA);

	if (a->refusal)
		return error_by_setting(err, by_accept ? "accept" : NULL,
			error_set(err, DYN_ENTROPY_ERR_SINK,
				"refused, and nothing of the snapshot applied: command %" PRIu64
				", '%s', %s",
				s->command.number,
				sink_commands_name(&s->command, name, sizeof(name)), a->refusal));
	return error_set(err, DYN_ENTROPY_ERR_SINK,
		"refused, and nothing of the snapshot applied: command %" PRIu64 " at byte %" PRIu64
		": %s",
		s->command.number, s->offset, s->why);
}

static enum dyn_entropy_status check_all(
	struct apply *a, dyn_entropy_snapshot *snapshot, struct dyn_entropy_error *err)
{
	struct resp_scanner scanner;
	enum dyn_entropy_status status;
	size_t len;

	resp_scanner_init(&scanner, check_command, a);
	do {
		/* A large snapshot takes long. */
		if (dyn_entropy_cancel_is_set(a->sink->endpoint.cancel))
			return error_cancelled(err);
		status = dyn_entropy_snapshot_read(snapshot, a->piece, sizeof(a->piece), &len, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		if (!resp_scan(&scanner, a->piece, len))
			return refused(a, &scanner, err);
	} while (len > 0);
	if (!resp_finish(&scanner))
		return refused(a, &scanner, err);
	a->result.commands = scanner.command.number;
	return DYN_ENTROPY_OK;
}

/* ---- Second pass: send, and read every reply ---- */

static void count_error(struct apply *a, const char words[REDIS_WORDS_SIZE])
{
	size_t n;

	a->result.failed++;
	n = strcspn(words, " ");
	if (n >= ERROR_KIND_SIZE)
		n = ERROR_KIND_SIZE - 1;
	for (size_t i = 0; i < a->n_kinds; i++) {
		if (strncmp(a->kinds[i].word, words, n) == 0 && a->kinds[i].word[n] == '\0') {
			a->kinds[i].n++;
			return;
		}
	}
	if (a->n_kinds == ERROR_KINDS_MAX) {
		a->other_kinds++;
		return;
	}
	memcpy(a->kinds[a->n_kinds].word, words, n);
	memcpy(a->kinds[a->n_kinds].words, words, REDIS_WORDS_SIZE);
	a->kinds[a->n_kinds++].n = 1;
}

static bool count_reply(void *arg, const redisReply *reply)
{
	char words[REDIS_WORDS_SIZE];
	struct apply *a = arg;

	if (reply->type != REDIS_REPLY_ERROR) {
		a->result.applied++;
		return true;
	}
	if (redis_words_begin(reply->str, "BUSYKEY"))
		a->result.kept++;
	else
		count_error(a, redis_conn_error_words(reply, words, sizeof(words)));
	return false;
}

static void count_passed_over(void *arg)
{
	static const char words[REDIS_WORDS_SIZE] = "CLOSED the connection without a word";

	count_error(arg, words);
}

/* ---- What it came to ---- */

/* "3 of 150000 commands failed: 2 x OOM ('OOM command not ...'), 1 x ERR (...); a remedy" */
static enum dyn_entropy_status report_failures(const struct apply *a, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	struct buf text = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < a->n_kinds; i++) {
		ok = buf_printf(&text, "%s%" PRIu64 " x %s ('%s')", i ? ", " : "", a->kinds[i].n,
			a->kinds[i].word, a->kinds[i].words);
	}
	if (ok && a->other_kinds)
		ok = buf_printf(&text, ", %" PRIu64 " of other kinds", a->other_kinds);
	/* Leave room for the remedy. */
	for (size_t i = 0; ok && i < a->n_kinds; i++) {
		const char *remedy = redis_words_remedy(a->kinds[i].words);
		size_t room = DYN_ENTROPY_MESSAGE_MAX / 2;

		if (!*remedy)
			continue;
		if (buf_len(&text) > room)
			text.end = text.pos + room;
		ok = buf_printf(&text, "; %s", remedy);
		break;
	}
	if (ok)
		status = error_set(err, DYN_ENTROPY_ERR_SINK,
			"Redis: %s: %" PRIu64 " of %" PRIu64 " commands failed: %.*s",
			a->sink->endpoint.address, a->result.failed, a->result.commands,
			(int)buf_len(&text), (const char *)buf_head(&text));
	else
		status = error_no_memory(err);
	buf_fini(&text);
	return status;
}

/* Redis closed the connection or stopped answering: say how far it came. */
static enum dyn_entropy_status interrupted(
	const struct apply *a, enum dyn_entropy_status status, struct dyn_entropy_error *err)
{
	if (err && status == DYN_ENTROPY_ERR_SINK)
		error_prefix(err, "%" PRIu64 " of %" PRIu64 " commands were answered", a->settled,
			a->result.commands);
	return status;
}

static enum dyn_entropy_status replay(
	struct apply *a, dyn_entropy_snapshot *snapshot, struct dyn_entropy_error *err)
{
	const struct sink_replay_options options = {
		.endpoint = &a->sink->endpoint,
		.sink = &a->sink->options,
		.snapshot = snapshot,
		.answered = count_reply,
		.passed_over = count_passed_over,
		.arg = a,
		.result = &a->result,
	};
	enum dyn_entropy_status status = sink_replay(&options, &a->settled, err);

	if (status != DYN_ENTROPY_OK)
		return interrupted(a, status, err);
	return a->result.failed > 0 ? report_failures(a, err) : DYN_ENTROPY_OK;
}

static enum dyn_entropy_status sink_apply(void *self, dyn_entropy_snapshot *snapshot,
	struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err)
{
	struct apply *a = calloc(1, sizeof(*a));
	enum dyn_entropy_status status;

	if (!a)
		return error_no_memory(err);
	a->sink = self;
	status = check_all(a, snapshot, err);
	/* Also when there is none: a sender that sends an empty snapshot asks whether Redis is
	 * there. */
	if (status == DYN_ENTROPY_OK)
		status = replay(a, snapshot, err);
	sized_out(result, &a->result, sizeof(a->result));
	free(a);
	return status;
}

static void sink_free(void *self)
{
	struct sink *s = self;

	redis_endpoint_fini(&s->endpoint);
	free(s);
}

enum dyn_entropy_status dyn_entropy_sink_redis(const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_sink_redis_options *options, struct dyn_entropy_sink *out,
	struct dyn_entropy_error *err)
{
	static const struct dyn_entropy_sink_ops ops = {
		.struct_size = sizeof(ops), .apply = sink_apply, .free = sink_free};
	struct sink *s = calloc(1, sizeof(*s));
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	memset(out, 0, sizeof(*out));
	if (!s)
		return error_no_memory(err);
	if (options)
		status = sized_in(&s->options, sizeof(s->options), options,
			"dyn_entropy_sink_redis_options", err);
	if (status == DYN_ENTROPY_OK)
		status = redis_endpoint_copy(&s->endpoint, redis, err);
	if (status != DYN_ENTROPY_OK) {
		free(s);
		return status;
	}
	out->ops = &ops;
	out->self = s;
	return DYN_ENTROPY_OK;
}
