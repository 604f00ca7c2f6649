#include "tools/fetch.h"

#include "base/clock.h"
#include "base/number.h"
#include "entropy/error.h"
#include "entropy/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES ((size_t)64 * 1024)

static enum dyn_entropy_status ask(
	struct stream *s, const struct addr *from, const char *path, struct dyn_entropy_error *err)
{
	char host[ADDR_TEXT_MAX], request[ADDR_TEXT_MAX + 512];
	int len = snprintf(request, sizeof(request),
		"GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
		addr_format(from, host, sizeof(host)));

	if (len < 0 || (size_t)len >= sizeof(request))
		return error_set(err, DYN_ENTROPY_ERR_CONFIG, "the path is too long");
	return stream_write(s, request, (size_t)len, err);
}

static enum dyn_entropy_status read_answer(
	struct stream *s, int64_t deadline_ms, struct buf *out, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	size_t len = 0;

	do {
		uint8_t *room;

		if (buf_len(out) >= FETCH_BYTES_MAX)
			return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
				"%s: its answer is longer than %zu bytes", s->peer,
				FETCH_BYTES_MAX);
		room = buf_reserve(out, READ_BYTES);
		if (!room)
			return error_no_memory(err);
		status = stream_read(s, room, READ_BYTES, deadline_ms, &len, err);
		if (status == DYN_ENTROPY_OK)
			buf_commit(out, len);
	} while (status == DYN_ENTROPY_OK && len > 0);
	return status;
}

/* Remove the header of the response. */
static enum dyn_entropy_status take_header(
	const struct stream *s, struct buf *answer, struct dyn_entropy_error *err)
{
	static const char separator[] = "\r\n\r\n";
	const char *text, *body;
	size_t digits;
	uint64_t code;

	if (!buf_append(answer, "", 1)) /* a NUL for the string functions */
		return error_no_memory(err);
	answer->end--;
	text = (const char *)buf_head(answer);
	body = strstr(text, separator);
	if (strncmp(text, "HTTP/1.", 7) != 0 || !body)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL,
			"%s: it does not speak HTTP: is this a node's stats_listen?", s->peer);
	body += strlen(separator);
	text += strcspn(text, " \r"); /* at the latest where the header ends */
	text += strspn(text, " ");
	if (number_read_front(text, (size_t)(body - text), 999, &code, &digits) != NUMBER_OK)
		code = 0;
	if (code != 200)
		return error_set(err, DYN_ENTROPY_ERR_PROTOCOL, "%s: answer %" PRIu64 ": %.*s",
			s->peer, code, (int)strcspn(body, "\r\n"), body);
	buf_consume(answer, (size_t)((const uint8_t *)body - buf_head(answer)));
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status fetch(const struct addr *from, const char *path, uint32_t timeout_ms,
	const dyn_entropy_cancel *cancel, struct buf *out, struct dyn_entropy_error *err)
{
	int64_t deadline_ms = clock_deadline_ms(timeout_ms);
	struct stream s;
	enum dyn_entropy_status status = stream_connect(&s, from, NULL, timeout_ms, cancel, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	status = ask(&s, from, path, err);
	if (status == DYN_ENTROPY_OK)
		status = read_answer(&s, deadline_ms, out, err);
	if (status == DYN_ENTROPY_OK)
		status = take_header(&s, out, err);
	stream_close(&s);
	return status;
}
