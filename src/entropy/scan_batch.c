#include "entropy/scan_batch.h"

#include "base/number.h"
#include "entropy/segment.h"

#include <string.h>

#define MEMORY_BYTES ((size_t)1024 * 1024) /* of payloads; more are in a file */

/* The first byte of a DUMP payload is the type; these two are of modules. */
#define DUMP_TYPE_MODULE   6
#define DUMP_TYPE_MODULE_2 7

enum dyn_entropy_status scan_batch_init(struct scan_batch *b, const char *spool_dir,
	const struct watch *watch, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	memset(b, 0, sizeof(*b));
	status = spool_new(spool_dir, MEMORY_BYTES, &b->payloads, err);
	if (status == DYN_ENTROPY_OK)
		spool_watch(b->payloads, watch);
	return status;
}

void scan_batch_clear(struct scan_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		freeReplyObject(b->keys[i]);
	b->n = b->next = 0;
	spool_clear(b->payloads);
}

void scan_batch_unread(struct scan_batch *b)
{
	for (size_t i = 0; i < b->next; i++)
		freeReplyObject(b->keys[i]);
	b->n -= b->next;
	memmove(b->keys, b->keys + b->next, b->n * sizeof(b->keys[0]));
	b->next = 0;
	spool_clear(b->payloads);
}

void scan_batch_fini(struct scan_batch *b)
{
	if (b->payloads)
		scan_batch_clear(b);
	spool_free(b->payloads);
	memset(b, 0, sizeof(*b));
}

/* ---- The request ---- */

static const char *deadline_command(const struct scan_batch *b)
{
	return b->has_pexpiretime ? "PEXPIRETIME" : "PTTL";
}

static enum dyn_entropy_status append_word(
	struct redis_conn *conn, const char *word, struct dyn_entropy_error *err)
{
	return redis_conn_append(conn, 1, &word, NULL, err);
}

static enum dyn_entropy_status append_key_command(struct redis_conn *conn, const char *name,
	const redisReply *key, struct dyn_entropy_error *err)
{
	const char *argv[] = {name, key->str};
	size_t len[] = {strlen(name), key->len};

	return redis_conn_append(conn, 2, argv, len, err);
}

enum dyn_entropy_status scan_batch_ask(
	const struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = append_word(conn, "MULTI", err);

	if (status == DYN_ENTROPY_OK && !b->has_pexpiretime)
		status = append_word(conn, "TIME", err);
	for (size_t i = 0; status == DYN_ENTROPY_OK && i < b->n; i++) {
		status = append_key_command(conn, deadline_command(b), b->keys[i], err);
		if (status == DYN_ENTROPY_OK)
			status = append_key_command(conn, "DUMP", b->keys[i], err);
	}
	return status == DYN_ENTROPY_OK ? append_word(conn, "EXEC", err) : status;
}

/* ---- The replies ---- */

/* The next line, which must begin with mark; what: the command it answers.  *number: what follows
 * mark, except for a status ('+'). */
static enum dyn_entropy_status read_line(struct redis_conn *conn, char mark, const char *what,
	int64_t *number, struct dyn_entropy_error *err)
{
	const char *line;
	size_t len;
	enum dyn_entropy_status status = redis_conn_line(conn, &line, &len, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	if (len == 0 || line[0] != mark)
		return redis_conn_refused_line(conn, what, line, len, err);
	if (mark != '+' && number_read_signed(line + 1, len - 1, number) != NUMBER_OK)
		return redis_conn_refused_line(conn, what, "", 0, err);
	return DYN_ENTROPY_OK;
}

/* Redis's time, an array of two texts: the remaining times are added to it. */
static enum dyn_entropy_status read_time(
	struct redis_conn *conn, int64_t *now_ms, struct dyn_entropy_error *err)
{
	int64_t n = 0, parts[2] = {0, 0};
	enum dyn_entropy_status status = read_line(conn, '*', "TIME", &n, err);

	for (size_t i = 0; status == DYN_ENTROPY_OK && i < 2; i++) {
		const char *line;
		size_t len;

		status = read_line(conn, '$', "TIME", &n, err);
		if (status == DYN_ENTROPY_OK)
			status = redis_conn_line(conn, &line, &len, err);
		if (status == DYN_ENTROPY_OK &&
			number_read_signed(line, len, &parts[i]) != NUMBER_OK)
			status = redis_conn_refused_line(conn, "TIME", "", 0, err);
	}
	*now_ms = parts[0] * 1000 + parts[1] / 1000;
	return status;
}

static enum dyn_entropy_status read_payload(struct scan_batch *b, struct scan_value *v,
	struct redis_conn *conn, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	uint64_t left = v->payload_len;
	const uint8_t *bytes;
	const char *line;
	size_t len;

	while (status == DYN_ENTROPY_OK && left > 0) {
		size_t max = left < SIZE_MAX ? (size_t)left : SIZE_MAX;

		status = redis_conn_bytes(conn, max, &bytes, &len, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		if (left == v->payload_len && v->fate == SCAN_PLAIN &&
			(bytes[0] == DUMP_TYPE_MODULE || bytes[0] == DUMP_TYPE_MODULE_2))
			v->fate = SCAN_OF_MODULE;
		if (v->fate == SCAN_PLAIN)
			status = spool_append(b->payloads, bytes, len, err);
		left -= len;
	}
	return status == DYN_ENTROPY_OK ? redis_conn_line(conn, &line, &len, err) : status;
}

static enum dyn_entropy_status read_value(struct scan_batch *b, struct scan_value *v,
	int64_t now_ms, struct redis_conn *conn, struct dyn_entropy_error *err)
{
	int64_t deadline = 0, len = 0;
	enum dyn_entropy_status status = read_line(conn, ':', deadline_command(b), &deadline, err);

	if (status == DYN_ENTROPY_OK)
		status = read_line(conn, '$', "DUMP", &len, err);
	memset(v, 0, sizeof(*v));
	if (status != DYN_ENTROPY_OK || len < 0)
		return status;
	if (deadline >= 0)
		v->deadline_ms = now_ms + deadline;
	v->payload_len = (uint64_t)len;
	v->fate = deadline < -1                          ? SCAN_GONE
		  : v->payload_len > SEGMENT_PAYLOAD_MAX ? SCAN_TOO_LARGE
							 : SCAN_PLAIN;
	return read_payload(b, v, conn, err);
}

/*
 * When Redis refuses a command, its first error says more than that of EXEC.
 */
enum dyn_entropy_status scan_batch_read(
	struct scan_batch *b, struct redis_conn *conn, struct dyn_entropy_error *err)
{
	size_t n_exec = 2 * b->n + (b->has_pexpiretime ? 0 : 1);
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	int64_t n = 0, now_ms = 0;

	for (size_t i = 0; status == DYN_ENTROPY_OK && i < n_exec + 1; i++)
		status = read_line(conn, '+', "reading keys", &n, err);
	if (status == DYN_ENTROPY_OK)
		status = read_line(conn, '*', "reading keys (EXEC)", &n, err);
	if (status == DYN_ENTROPY_OK && n != (int64_t)n_exec)
		status = redis_conn_refused_line(conn, "reading keys (EXEC)", "", 0, err);
	if (status == DYN_ENTROPY_OK && !b->has_pexpiretime)
		status = read_time(conn, &now_ms, err);
	for (size_t i = 0; status == DYN_ENTROPY_OK && i < b->n; i++)
		status = read_value(b, &b->values[i], now_ms, conn, err);
	return status;
}
