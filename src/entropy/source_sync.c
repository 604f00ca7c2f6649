/*
 * The replication stream of a running Redis.  Of a replica's handshake only SYNC is sent, and the
 * option that makes Redis send an RDB and nothing after it: it is not replicated to, and no offset
 * is acknowledged.
 *
 * All of the RDB is spooled before its first key is used: Redis drops a replica that reads slowly
 * (repl-timeout, client-output-buffer-limit), and the target may take what is sent slowly.
 */
#include "base/clock.h"
#include "base/number.h"
#include "entropy/error.h"
#include "entropy/redis_conn.h"
#include "entropy/redis_words.h"
#include "entropy/source.h"
#include "entropy/source_rdb.h"
#include "entropy/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512 /* of Redis's answer to SYNC, without keep-alives */
#define DELIMITER_LEN  40
#define NAME_MAX_BYTES 320
#define PIECE_BYTES    ((size_t)64 * 1024)
#define SETTING_SIZE   64

/* Redis sends a line feed every second while it prepares its dump; this limits the whole wait. */
#define PREPARE_MAX_MS INT64_C(3600000)

struct sync_feed {
	struct redis_conn *conn; /* NULL after everything was read */
	struct spool *dump;      /* the RDB, and the delimiter behind it */
	char name[NAME_MAX_BYTES];
	uint8_t head[LINE_MAX_BYTES]; /* the answer's line, and what came with it */
	size_t head_pos, head_end;
	uint64_t length; /* of the RDB; 0: it ends with the delimiter */
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
	if (len > 0 && line[0] == '$' && parse_length(line + 1, len - 1, &f->length))
		return DYN_ENTROPY_OK;
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

	status = replconf(f, "capa", "eof", err);
	if (status == DYN_ENTROPY_OK)
		status = replconf(f, "rdb-only", "1", err);
	/* Not through hiredis: the answer is not a RESP reply. */
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_stream_failed(f->conn, "Redis: SYNC",
			stream_write(redis_conn_stream(f->conn), sync, sizeof(sync) - 1, err), err);
	return status == DYN_ENTROPY_OK ? read_line(f, err) : status;
}

/* ---- Whether it may be asked ------------------------------------------------------------------
 */

/* A setting of Redis; empty when it is, or when Redis does not tell. */
static enum dyn_entropy_status get_setting(struct sync_feed *f, const char *name,
	char value[SETTING_SIZE], struct dyn_entropy_error *err)
{
	const char *argv[] = {"CONFIG", "GET", name};
	redisReply *reply = NULL;
	enum dyn_entropy_status status = redis_conn_call(f->conn, 3, argv, NULL, &reply, err);

	value[0] = '\0';
	if (status == DYN_ENTROPY_OK && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		reply->element[1]->type == REDIS_REPLY_STRING)
		snprintf(value, SETTING_SIZE, "%s", reply->element[1]->str);
	freeReplyObject(reply);
	return status;
}

/*
 * Where Redis writes its dump to disk for a replica and that fails, it takes no more writes from
 * anyone if it has save points: reading must not be able to do that.
 */
static enum dyn_entropy_status check_harmless(struct sync_feed *f, struct dyn_entropy_error *err)
{
	char diskless[SETTING_SIZE], save[SETTING_SIZE], stop[SETTING_SIZE];
	enum dyn_entropy_status status = get_setting(f, "repl-diskless-sync", diskless, err);

	if (status == DYN_ENTROPY_OK)
		status = get_setting(f, "save", save, err);
	if (status == DYN_ENTROPY_OK)
		status = get_setting(f, "stop-writes-on-bgsave-error", stop, err);
	if (status != DYN_ENTROPY_OK || strcmp(diskless, "no") != 0 || !save[0] ||
		strcmp(stop, "yes") != 0)
		return status;
	return error_set(err, DYN_ENTROPY_ERR_CONFIG,
		"%s: SYNC would make it save to disk, and if that fails it refuses all writes; set "
		"repl-diskless-sync yes there, or use the scan source",
		f->name);
}

/* ---- The feed -------------------------------------------------------------------------------- */

/* The next bytes behind the answer's line, those that came with it first. */
static enum dyn_entropy_status next_bytes(
	struct sync_feed *f, uint8_t *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	if (f->head_pos == f->head_end)
		return receive(f, buf, cap, len, err);
	*len = f->head_end - f->head_pos < cap ? f->head_end - f->head_pos : cap;
	memcpy(buf, f->head + f->head_pos, *len);
	f->head_pos += *len;
	return DYN_ENTROPY_OK;
}

/*
 * Spool the RDB: up to its length, or to the delimiter, which is looked for in each piece together
 * with the end of the piece before it.
 */
static enum dyn_entropy_status read_dump(struct sync_feed *f, struct dyn_entropy_error *err)
{
	uint8_t *window = calloc(1, DELIMITER_LEN + PIECE_BYTES);
	uint8_t *piece = window ? window + DELIMITER_LEN : NULL;
	enum dyn_entropy_status status = window ? DYN_ENTROPY_OK : error_no_memory(err);
	uint64_t done = 0;
	bool ended = false;
	size_t len;

	while (status == DYN_ENTROPY_OK && !ended) {
		size_t cap = PIECE_BYTES;

		if (f->length > 0 && f->length - done < cap)
			cap = (size_t)(f->length - done);
		status = next_bytes(f, piece, cap, &len, err);
		if (status != DYN_ENTROPY_OK)
			break;
		done += len;
		ended = f->length > 0 ? done == f->length
				      : memmem(window, DELIMITER_LEN + len, f->delimiter,
						DELIMITER_LEN) != NULL;
		status = spool_append(f->dump, piece, len, err);
		memmove(window, window + len, DELIMITER_LEN);
	}
	free(window);
	return status;
}

static enum dyn_entropy_status sync_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct sync_feed *f = self;
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	*len = 0;
	if (f->conn) {
		status = begin(f, err);
		if (status == DYN_ENTROPY_OK)
			status = read_dump(f, err);
		redis_conn_free(f->conn);
		f->conn = NULL;
	}
	return status == DYN_ENTROPY_OK ? spool_read(f->dump, buf, cap, len, err) : status;
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
	spool_free(f->dump);
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
		status = spool_new(o.spool_dir, SPOOL_MEMORY_BYTES, &f->dump, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_open(&endpoint, DYN_ENTROPY_ERR_SOURCE, &f->conn, err);
	if (status == DYN_ENTROPY_OK) {
		snprintf(f->name, sizeof(f->name), "Redis: %s", redis_conn_name(f->conn));
		status = check_harmless(f, err);
	}
	if (status != DYN_ENTROPY_OK) {
		sync_free(f);
		return status;
	}
	return source_rdb_new(
		&(struct rdb_feed){.ops = &sync_ops, .self = f, .name = f->name}, &o, out, err);
}
