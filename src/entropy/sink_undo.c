#include "entropy/sink_undo.h"

#include "base/number.h"

#include <string.h>

/* Types whose elements are unordered: Redis may dump them in a different order than they were
 * restored in. */
#define DUMP_TYPE_SET  2
#define DUMP_TYPE_HASH 4

#define VERSION_BYTES 2 /* the first of the footer */

/* Call a command with at most one key; the reply must be of this type. */
static enum dyn_entropy_status ask(struct redis_conn *conn, const char *name, const void *key,
	size_t key_len, int type, struct dyn_entropy_error *err)
{
	const char *argv[] = {name, key};
	const size_t len[] = {strlen(name), key_len};
	redisReply *reply = NULL;
	enum dyn_entropy_status status = redis_conn_call(conn, key ? 2 : 1, argv, len, &reply, err);

	if (status == DYN_ENTROPY_OK && reply->type != type)
		status = redis_conn_refused(conn, name, reply, err);
	freeReplyObject(reply);
	return status;
}

void sink_keep_end(uint8_t *end, size_t size, const uint8_t *bytes, size_t len)
{
	if (len >= size) {
		memcpy(end, bytes + len - size, size);
		return;
	}
	memmove(end, end + len, size - len);
	memcpy(end + size - len, bytes, len);
}

/* Read the value as it arrives, without storing it; *there is false when there is none. */
static enum dyn_entropy_status read_dump(struct redis_conn *conn, struct sink_payload *found,
	bool *there, struct dyn_entropy_error *err)
{
	const char *line;
	const uint8_t *bytes;
	size_t len;
	uint64_t left;
	enum dyn_entropy_status status = redis_conn_line(conn, &line, &len, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	if (len < 2 || line[0] != '$')
		return redis_conn_refused_line(conn, "DUMP", line, len, err);
	*there = line[1] != '-';
	if (!*there)
		return DYN_ENTROPY_OK;
	if (number_read(line + 1, len - 1, INT64_MAX, &found->len) != NUMBER_OK)
		return redis_conn_refused_line(conn, "DUMP", "", 0, err);
	left = found->len;
	while (status == DYN_ENTROPY_OK && left > 0) {
		status = redis_conn_bytes(
			conn, left < SIZE_MAX ? (size_t)left : SIZE_MAX, &bytes, &len, err);
		if (status != DYN_ENTROPY_OK)
			break;
		if (left == found->len)
			found->type = bytes[0];
		sink_keep_end(found->footer, SINK_FOOTER_BYTES, bytes, len);
		left -= len;
	}
	return status == DYN_ENTROPY_OK ? redis_conn_line(conn, &line, &len, err) : status;
}

static enum dyn_entropy_status dump(struct redis_conn *conn, const void *key, size_t key_len,
	struct sink_payload *found, bool *there, struct dyn_entropy_error *err)
{
	const char *argv[] = {"DUMP", key};
	const size_t len[] = {4, key_len};
	enum dyn_entropy_status status = redis_conn_append(conn, 2, argv, len, err);

	if (status == DYN_ENTROPY_OK)
		status = redis_conn_send(conn, NULL, 0, err);
	return status == DYN_ENTROPY_OK ? read_dump(conn, found, there, err) : status;
}

/*
 * For a set or a hash only the length is compared, since the checksum depends on the order.  A
 * write that replaced an element by one of the same length is therefore missed, and the key
 * removed; the next round brings it again from a replica that has it.
 */
static bool is_same(const struct sink_payload *a, const struct sink_payload *b)
{
	if (a->len != b->len || a->type != b->type)
		return false;
	if (memcmp(a->footer, b->footer, SINK_FOOTER_BYTES) == 0)
		return true;
	return (a->type == DUMP_TYPE_SET || a->type == DUMP_TYPE_HASH) &&
	       memcmp(a->footer, b->footer, VERSION_BYTES) == 0;
}

/* EXEC's reply is null when the key was written since WATCH. */
static enum dyn_entropy_status unlink_watched(struct redis_conn *conn, const void *key,
	size_t key_len, bool *gone, struct dyn_entropy_error *err)
{
	const char *exec[] = {"EXEC"};
	redisReply *reply = NULL;
	enum dyn_entropy_status status = ask(conn, "MULTI", NULL, 0, REDIS_REPLY_STATUS, err);

	if (status == DYN_ENTROPY_OK)
		status = ask(conn, "UNLINK", key, key_len, REDIS_REPLY_STATUS, err);
	if (status == DYN_ENTROPY_OK)
		status = redis_conn_call(conn, 1, exec, NULL, &reply, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	*gone = reply->type == REDIS_REPLY_ARRAY;
	if (!*gone && reply->type != REDIS_REPLY_NIL)
		status = redis_conn_refused(conn, "EXEC", reply, err);
	freeReplyObject(reply);
	return status;
}

enum dyn_entropy_status sink_undo(struct redis_conn *conn, const void *key, size_t key_len,
	const struct sink_payload *payload, bool *gone, struct dyn_entropy_error *err)
{
	struct sink_payload found = {0};
	bool there = false;
	enum dyn_entropy_status status = ask(conn, "WATCH", key, key_len, REDIS_REPLY_STATUS, err);

	*gone = false;
	if (status == DYN_ENTROPY_OK)
		status = dump(conn, key, key_len, &found, &there, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (there && is_same(&found, payload))
		return unlink_watched(conn, key, key_len, gone, err);
	*gone = !there;
	return ask(conn, "UNWATCH", NULL, 0, REDIS_REPLY_STATUS, err);
}
