#include "repair/store_internal.h"

#include "base/clock.h"
#include "proto/reply.h"
#include "proto/resp_write.h"

#include <stdlib.h>
#include <string.h>

/* SCAN's hint, and so about how many keys are read at once. */
#define SCAN_COUNT "64"

/* The longest pause between two batches. */
#define PAUSE_MAX_MS 20

#define CURSOR_MAX 24

/* All keys of a share.  A batch is read, then there is a pause of the same length, so that clients
 * find the datastore at least half free. */
struct scan {
	struct repair_job job; /* first: casts from struct repair_job */
	char cursor[CURSOR_MAX];
	struct event *next;
	size_t reading; /* keys, plus one while the batch is being asked for */
	int64_t began_us;
	bool failed;
};

static struct scan *scan_of(struct repair_job *job)
{
	return (struct scan *)job;
}

void repair_scan_free(struct repair_job *job)
{
	event_free(scan_of(job)->next);
	repair_job_free(job);
}

static void end(struct scan *s)
{
	struct repair_store *store = s->job.store;

	if (s->job.core)
		recon_core_scan_done(s->job.core, s->job.ticket, !s->failed, repair_store_now());
	repair_scan_free(&s->job);
	store->options.answered(store->options.arg);
}

static void check_batch(struct scan *s)
{
	int64_t took_ms = (clock_monotonic_us() - s->began_us) / 1000;
	struct timeval pause = {.tv_usec = 0};

	if (s->reading > 0)
		return;
	if (s->failed || !s->job.core || strcmp(s->cursor, "0") == 0) {
		end(s);
		return;
	}
	if (took_ms > PAUSE_MAX_MS)
		took_ms = PAUSE_MAX_MS;
	pause.tv_usec = (suseconds_t)(took_ms * 1000);
	event_add(s->next, &pause);
}

/* A key of a scan, while it is read. */
struct scanned {
	struct scan *scan;
	size_t len;
	uint8_t key[];
};

static void on_read(struct repair_job *job, const struct recon_content *c)
{
	struct scanned *k = job->arg;
	struct scan *s = k->scan;

	if (!c)
		s->failed = true;
	else if (c->exists && s->job.core)
		recon_core_scan_key(s->job.core, s->job.ticket, k->key, k->len, c->digest);
	free(k);
	s->reading--;
	check_batch(s);
}

static void take_key(struct scan *s, const uint8_t *key, size_t len)
{
	struct repair_store *store = s->job.store;
	struct recon_core *core = s->job.core;
	struct scanned *k;

	if (!store->options.holds(store->options.arg, core, key, len) ||
		!recon_core_scan_wants(core, s->job.ticket, key, len))
		return;
	k = malloc(sizeof(*k) + len);
	if (!k) {
		s->failed = true;
		return;
	}
	k->scan = s;
	k->len = len;
	memcpy(k->key, key, len);
	s->reading++;
	repair_store_read_for(store, &(struct repair_read){
					     .core = core,
					     .key = k->key,
					     .len = len,
					     .done = on_read,
					     .arg = k,
				     });
}

/* The reply is an array of the next cursor and an array of keys. */
static bool take_keys(struct scan *s, const uint8_t *reply, size_t len)
{
	const uint8_t *text, *end = reply + len;
	size_t used, n_text;
	uint64_t n;

	if (!reply_array(reply, len, &n, &used) || n != 2)
		return false;
	reply += used;
	if (!reply_string(reply, (size_t)(end - reply), &text, &n_text, &used) || !text ||
		n_text >= sizeof(s->cursor))
		return false;
	memcpy(s->cursor, text, n_text);
	s->cursor[n_text] = '\0';
	reply += used;
	if (!reply_array(reply, (size_t)(end - reply), &n, &used))
		return false;
	for (; n > 0; n--) {
		reply += used;
		if (!reply_string(reply, (size_t)(end - reply), &text, &n_text, &used) || !text)
			return false;
		if (s->job.core)
			take_key(s, text, n_text);
	}
	return true;
}

static void on_keys(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct scan *s = arg;

	if (fate != WRITE_TAKEN || !reply || !take_keys(s, reply, len))
		s->failed = true;
	s->reading--;
	check_batch(s);
}

static void on_next(evutil_socket_t fd, short events, void *arg)
{
	struct scan *s = arg;
	const struct repair_arg args[] = {
		{s->cursor, strlen(s->cursor)}, {"COUNT", 5}, {SCAN_COUNT, strlen(SCAN_COUNT)}};
	struct buf request = {0};
	bool written = repair_store_write(&request, "SCAN", args, 3);

	(void)fd;
	(void)events;
	s->began_us = clock_monotonic_us();
	s->reading = 1;
	repair_store_ask(s->job.store, "", 0, &request, written, on_keys, s);
	buf_fini(&request);
}

void repair_store_scan(struct repair_store *store, struct recon_core *core, uint64_t ticket)
{
	struct scan *s = (struct scan *)repair_job_new(store, core, ticket, sizeof(*s));

	if (s) {
		s->next = event_new(store->options.base, -1, 0, on_next, s);
		memcpy(s->cursor, "0", 2);
		if (s->next) {
			event_active(s->next, EV_TIMEOUT, 0);
			return;
		}
		repair_job_free(&s->job);
	}
	recon_core_scan_done(core, ticket, false, repair_store_now());
}
