/*
 * The replication stream of a running Redis.  Of a replica's handshake only SYNC is sent, and the
 * option that makes Redis send an RDB and nothing after it: it is not replicated to, and no offset
 * is acknowledged.
 */
#include "base/clock.h"
#include "base/number.h"
#include "entropy/error.h"
#include "entropy/redis_conn.h"
#include "entropy/redis_words.h"
#include "entropy/source.h"
#include "entropy/source_rdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512 /* of Redis's answer to SYNC, without keep-alives */
#define DELIMITER_LEN  40
#define NAME_MAX_BYTES 320

/* Redis sends a line feed every second while it prepares its dump; this limits the whole wait. */
#define PREPARE_MAX_MS INT64_C(3600000)

struct sync_feed {
	struct redis_conn *conn; /* NULL after everything was read */
	char name[NAME_MAX_BYTES];
	bool begun;
	uint8_t head[LINE_MAX_BYTES]; /* the answer's line, and what came with it */
	size_t head_pos, head_end;
	uint64_t length; /* of the RDB; 0: it ends with the delimiter */
	uint64_t left;   /* of length */
	uint8_t delimiter[DELIMITER_LEN];
};

/* ---- The answer to SYNC ---------------------------------------------------------------------- */

static enum dyn_entropy_status receive(
	struct sync_feed *f, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct stream *s = redis_conn_stream(f->conn);
	enum dyn_entropy_status status =
		stream_read(s, buf, cap, clock_deadline_ms(s->timeout_ms), len, err);

	if (status == DYN_ENTROPY_OK && *len == 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"%s: SYNC: it closed the connection before the end of its dump; its log "
			"says why (repl-timeout, client-output-buffer-limit replica)",
			f->name);
	return redis_conn_stream_failed(f->conn, "Redis: SYNC", status, err);
}

/* Redis's refusals, and what to do. */
static const struct {
	const char *begin;
	const char *remedy;
} refusals[] = {
	{"NOMASTERLINK", "it is a replica that has lost its master; name one that serves, or use "
			 "the scan source"},
	{"NOPERM", "its ACL must allow this user SYNC and REPLCONF, or use the scan source"},
	{"ERR unknown command", "it has no SYNC (renamed, or a service that hides it); use the "
				"scan source"},
};

static const char *remedy_for(const char *words)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strncmp(words, refusals[i].begin, strlen(refusals[i].begin)) == 0)
			return refusals[i].remedy;
	return redis_words_remedy(words);
}

static enum dyn_entropy_status refused(
	const struct sync_feed *f, const char *reply, size_t len, struct dyn_entropy_error *err)
{
	char words[LINE_MAX_BYTES];
	const char *remedy;

	redis_words_clean(reply, len, words, sizeof(words));
	remedy = remedy_for(words);
	return error_set(err, DYN_ENTROPY_ERR_SOURCE, "%s: SYNC: '%s'%s%s", f->name, words,
		*remedy ? "; " : "", remedy);
}

static bool parse_length(const char *digits, size_t len, uint64_t *length)
{
	return number_read(digits, len, INT64_MAX, length) == NUMBER_OK && *length > 0;
}

/* The line without its CR LF. */
static enum dyn_entropy_status parse_line(
	struct sync_feed *f, const char *line, size_t len, struct dyn_entropy_error *err)
{
	static const char eof[] = "$EOF:";
	size_t eof_len = sizeof(eof) - 1;

	if (len > 0 && line[0] == '-')
		return refused(f, line + 1, len - 1, err);
	if (len == eof_len + DELIMITER_LEN && memcmp(line, eof, eof_len) == 0) {
		memcpy(f->delimiter, line + eof_len, DELIMITER_LEN);
		return DYN_ENTROPY_OK;
	}
	if (len > 0 && line[0] == '$' && parse_length(line + 1, len - 1, &f->length)) {
		f->left = f->length;
		return DYN_ENTROPY_OK;
	}
	return error_set(err, DYN_ENTROPY_ERR_SOURCE,
		"%s: SYNC: the answer is neither a dump nor an error; is that a Redis?", f->name);
}

/* Drop the keep-alives in front of the line. */
static void drop_newlines(struct sync_feed *f)
{
	while (f->head_pos < f->head_end && f->head[f->head_pos] == '\n')
		f->head_pos++;
	if (f->head_pos == f->head_end)
		f->head_pos = f->head_end = 0;
}

static enum dyn_entropy_status read_line(struct sync_feed *f, struct dyn_entropy_error *err)
{
	int64_t give_up_ms = clock_deadline_ms(PREPARE_MAX_MS);
	enum dyn_entropy_status status;
	size_t len;

	for (;;) {
		char *line, *end;

		drop_newlines(f);
		line = (char *)f->head + f->head_pos;
		end = memchr(line, '\n', f->head_end - f->head_pos);
		if (end) {
			f->head_pos = (size_t)(end + 1 - (char *)f->head);
			len = (size_t)(end - line);
			return parse_line(f, line, len > 0 && end[-1] == '\r' ? len - 1 : len, err);
		}
		if (f->head_end == sizeof(f->head) && f->head_pos == 0)
			return parse_line(f, "", 0, err);
		if (clock_monotonic_ms() > give_up_ms)
			return error_set(err, DYN_ENTROPY_ERR_SOURCE,
				"%s: SYNC: no dump within an hour; see its log", f->name);
		memmove(f->head, line, f->head_end - f->head_pos);
		f->head_end -= f->head_pos;
		f->head_pos = 0;
		status =
			receive(f, f->head + f->head_end, sizeof(f->head) - f->head_end, &len, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		f->head_end += len;
	}
}

/* A Redis too old for the option refuses it: go on without. */
static enum dyn_entropy_status replconf(
	struct sync_feed *f, const char *option, const char *value, struct dyn_entropy_error *err)
{
	const char *argv[] = {"REPLCONF", option, value};
	redisReply *reply = NULL;
	enum dyn_entropy_status status = redis_conn_call(f->conn, 3, argv, NULL, &reply, err);

	freeReplyObject(reply);
	return status;
}

static enum dyn_entropy_status begin(struct sync_feed *f, struct dyn_entropy_error *err)
{
	static const char sync[] = "*1\r\n$4\r\nSYNC\r\n";
	enum dyn_entropy_status status;

	f->begun = true;
	status = replconf(f, "capa", "eof", err);
	if (status == DYN_ENTROPY_OK)
		status = replconf(f, "rdb-only", "1", err);
	/* Not through hiredis: the answer is not a RESP reply. */
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_stream_failed(f->conn, "Redis: SYNC",
			stream_write(redis_conn_stream(f->conn), sync, sizeof(sync) - 1, err), err);
	return status == DYN_ENTROPY_OK ? read_line(f, err) : status;
}

/* ---- The feed -------------------------------------------------------------------------------- */

static enum dyn_entropy_status sync_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct sync_feed *f = self;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	*len = 0;
	if (!f->begun)
		status = begin(f, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (f->length > 0 && cap > f->left)
		cap = (size_t)f->left;
	if (cap == 0)
		return DYN_ENTROPY_OK;
	if (f->head_pos < f->head_end) {
		*len = f->head_end - f->head_pos < cap ? f->head_end - f->head_pos : cap;
		memcpy(buf, f->head + f->head_pos, *len);
		f->head_pos += *len;
	} else {
		status = receive(f, buf, cap, len, err);
	}
	if (status == DYN_ENTROPY_OK && f->length > 0)
		f->left -= *len;
	return status;
}

static enum dyn_entropy_status sync_finish(void *self, struct rdb *r, struct dyn_entropy_error *err)
{
	struct sync_feed *f = self;
	uint8_t rest[DELIMITER_LEN];
	size_t len;
	enum dyn_entropy_status status;

	status = rdb_rest(r, rest, f->length > 0 ? 1 : sizeof(rest), &len, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (f->length > 0 ? len > 0 : memcmp(rest, f->delimiter, sizeof(rest)) != 0)
		return error_set(err, DYN_ENTROPY_ERR_SOURCE,
			"%s: SYNC: the dump does not end where Redis said it would", f->name);
	redis_conn_free(f->conn);
	f->conn = NULL;
	return DYN_ENTROPY_OK;
}

static uint64_t sync_length(void *self)
{
	struct sync_feed *f = self;

	return f->length;
}

static void sync_free(void *self)
{
	struct sync_feed *f = self;

	redis_conn_free(f->conn);
	free(f);
}

static const struct rdb_feed_ops sync_ops = {
	.read = sync_read,
	.finish = sync_finish,
	.length = sync_length,
	.free = sync_free,
};

enum dyn_entropy_status dyn_entropy_source_sync(const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	struct sync_feed *f = calloc(1, sizeof(*f));
	struct dyn_entropy_redis endpoint;
	struct dyn_entropy_source_options o;
	enum dyn_entropy_status status;

	memset(out, 0, sizeof(*out));
	if (!f)
		return error_no_memory(err);
	status = source_take_redis(&endpoint, &o, redis, options, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_open(&endpoint, DYN_ENTROPY_ERR_SOURCE, &f->conn, err);
	if (status != DYN_ENTROPY_OK) {
		sync_free(f);
		return status;
	}
	snprintf(f->name, sizeof(f->name), "Redis: %s", redis_conn_name(f->conn));
	return source_rdb_new(
		&(struct rdb_feed){.ops = &sync_ops, .self = f, .name = f->name}, &o, out, err);
}
