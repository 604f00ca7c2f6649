#include "repair/internal.h"

#include "proto/reply.h"
#include "proto/resp_write.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

/*
 * A connection that this node has lost may still have commands in the datastore's input, which are
 * carried out later: after it was looked at what the dataset has.  So each connection gets a name
 * with the number of a life, and those of an earlier life are ended first.
 */

#define NAME_MAX_BYTES 80

static void write_name(const struct reconciler *r, char name[NAME_MAX_BYTES], size_t *stem_len)
{
	*stem_len = (size_t)snprintf(
		name, NAME_MAX_BYTES, "dynomite:%s:", state_identity(r->options.state));
	snprintf(name + *stem_len, NAME_MAX_BYTES - *stem_len, "%08" PRIx32, r->life);
}

static bool ask(struct reconciler *r, uint32_t lane, const char *const *words, size_t n,
	proxy_answered *answered)
{
	struct buf request = {0};
	const struct resp_writer w = resp_writer_2(&request);
	bool ok = resp_write_array(&w, n);

	for (size_t i = 0; ok && i < n; i++)
		ok = resp_write_text(&w, words[i]);
	if (ok) {
		const struct proxy_own_request own = {
			.token = lane,
			.request = buf_head(&request),
			.request_len = buf_len(&request),
			.answered = answered,
			.arg = r,
		};

		ok = proxy_ask(r->proxy, &own);
	}
	buf_fini(&request);
	return ok;
}

/* ---- Ending the old connections ---- */

static void on_killed(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	/* It was ended, or has gone by itself. */
	(void)arg;
	(void)reply;
	(void)len;
	(void)fate;
}

/* The word that follows a label in a line of CLIENT LIST; NULL: there is none. */
static const char *field(const char *line, const char *end, const char *label, size_t *len)
{
	const char *at = memmem(line, (size_t)(end - line), label, strlen(label));
	const char *stop;

	if (!at)
		return NULL;
	at += strlen(label);
	stop = memchr(at, ' ', (size_t)(end - at));
	*len = (size_t)((stop ? stop : end) - at);
	return at;
}

/* End the connection that a line is about, if it is of an earlier life of this node. */
static void end_if_old(struct reconciler *r, const char *line, const char *end)
{
	const char *words[] = {"CLIENT", "KILL", "ID", NULL};
	char own[NAME_MAX_BYTES], id[24];
	size_t stem_len, name_len, id_len;
	const char *name = field(line, end, " name=", &name_len);
	const char *at = line + strlen("id=");

	write_name(r, own, &stem_len);
	if (!name || name_len < stem_len || memcmp(name, own, stem_len) != 0 ||
		(name_len == strlen(own) && memcmp(name, own, name_len) == 0))
		return;
	id_len = strcspn(at, " ");
	if ((size_t)(end - line) < strlen("id=") || id_len == 0 || id_len >= sizeof(id))
		return;
	memcpy(id, at, id_len);
	id[id_len] = '\0';
	words[3] = id;
	ask(r, 0, words, 4, on_killed);
}

static void on_list(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reconciler *r = arg;
	const uint8_t *text;
	size_t n, used;

	if (fate == WRITE_TAKEN && reply && reply_string(reply, len, &text, &n, &used) && text) {
		const char *line = (const char *)text, *end = line + n, *stop;

		for (; line < end; line = stop + 1) {
			stop = memchr(line, '\n', (size_t)(end - line));
			if (!stop)
				break;
			end_if_old(r, line, stop);
		}
	}
	/* Behind the commands that end them.  Where a user of Redis may not do that, it is looked
	 * all the same. */
	repair_dataset_look(r);
}

/* ---- Names ---- */

static void on_named(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	static const char *const words[] = {"CLIENT", "LIST", "TYPE", "normal"};
	struct reconciler *r = arg;

	(void)reply;
	(void)len;
	(void)fate;
	if (--r->naming == 0 && !ask(r, 0, words, 4, on_list))
		r->is_asking = false;
}

void repair_dataset_ask(struct reconciler *r)
{
	char name[NAME_MAX_BYTES];
	const char *const words[] = {"CLIENT", "SETNAME", name};
	size_t stem_len;

	if (RAND_bytes((unsigned char *)&r->life, sizeof(r->life)) != 1)
		return; /* the ticker asks again */
	write_name(r, name, &stem_len);
	r->is_asking = true;
	r->naming = r->options.n_lanes;
	for (uint32_t i = 0; i < r->options.n_lanes; i++)
		if (!ask(r, i, words, 3, on_named))
			on_named(r, NULL, 0, WRITE_MISSED);
}
