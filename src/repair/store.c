#include "repair/store_internal.h"

#include "base/clock.h"
#include "proto/reply.h"
#include "proto/resp_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2020-01-01T00:00:00Z, in ms of the Unix time. */
#define STAMP_ORIGIN_MS INT64_C(1577836800000)

/* What a payload of DUMP ends with: its version and a checksum. */
#define DUMP_FOOTER_BYTES 10

struct recon_now repair_store_now(void)
{
	return (struct recon_now){
		.wall_ms = (uint64_t)(clock_wall_coarse_ms() - STAMP_ORIGIN_MS),
		.mono_ms = (uint64_t)clock_monotonic_coarse_ms(),
	};
}

/* ---- Digests ---- */

/* The finaliser of MurmurHash3 (Appleby, public domain). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

uint64_t repair_store_digest(const void *dump, size_t len, uint64_t deadline_ms)
{
	const uint8_t *at = dump;
	uint64_t h = mix(deadline_ms);

	len -= len < DUMP_FOOTER_BYTES ? len : DUMP_FOOTER_BYTES;
	h = mix(h ^ len);
	for (; len > 0; at += 8) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;

		memcpy(&word, at, n);
		h = mix(h ^ word) + UINT64_C(0x9e3779b97f4a7c15);
		len -= n;
	}
	h = mix(h);
	return h ? h : 1;
}

/* ---- Jobs: what a core waits for ---- */

struct repair_job *repair_job_new(
	struct repair_store *s, struct recon_core *core, uint64_t ticket, size_t bytes)
{
	struct repair_job *job = calloc(1, bytes);

	if (!job)
		return NULL;
	job->store = s;
	job->core = core;
	job->ticket = ticket;
	LIST_INSERT_HEAD(&s->jobs, job, next);
	return job;
}

void repair_job_free(struct repair_job *job)
{
	LIST_REMOVE(job, next);
	free(job);
}

void repair_store_leave(struct repair_store *s, const struct recon_core *core)
{
	struct repair_job *job;

	LIST_FOREACH (job, &s->jobs, next)
		if (job->core == core)
			job->core = NULL;
}

/* Write a request with these arguments; the last may be any bytes. */
bool repair_store_write(struct buf *out, const char *name, const struct repair_arg *args, size_t n)
{
	const struct resp_writer w = resp_writer_2(out);
	bool ok = resp_write_array(&w, n + 1) && resp_write_text(&w, name);

	for (size_t i = 0; ok && i < n; i++)
		ok = resp_write_bulk(&w, args[i].bytes, args[i].len);
	return ok;
}

/* Ask for a key; answered is called with an unknown fate and without a reply when that fails. */
void repair_store_ask(struct repair_store *s, const void *key, size_t len,
	const struct buf *request, bool written, proxy_answered *answered, void *arg)
{
	const struct proxy_own_request own = {
		.key = key,
		.len = len,
		.request = buf_head(request),
		.request_len = buf_len(request),
		.answered = answered,
		.arg = arg,
	};

	if (!written || !proxy_ask(s->options.proxy, &own))
		answered(arg, NULL, 0, WRITE_MISSED);
}

/* ---- Reading a key ---- */

/* DUMP and PEXPIRETIME are sent together: on one lane nothing comes between them. */
struct reading {
	struct repair_job job; /* first: casts from struct repair_job */
	repair_read_done *done;
	struct buf dump;
	bool exists, failed;
};

static void on_dump(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reading *r = arg;
	const uint8_t *bytes = NULL;
	size_t n = 0, used;

	if (fate != WRITE_TAKEN || !reply || !reply_string(reply, len, &bytes, &n, &used))
		r->failed = true;
	else if (bytes)
		r->exists = true;
	if (bytes && !buf_append(&r->dump, bytes, n))
		r->failed = true;
}

static void on_deadline(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reading *r = arg;
	struct recon_content c = {0};
	int64_t deadline_ms = 0;

	if (fate != WRITE_TAKEN || !reply || !reply_integer(reply, len, &deadline_ms))
		r->failed = true;
	/* -2: it is gone, since its deadline has passed; -1: it has none. */
	if (r->exists && deadline_ms != -2) {
		c.exists = true;
		c.deadline_ms = deadline_ms > 0 ? (uint64_t)deadline_ms : 0;
		c.bytes = buf_head(&r->dump);
		c.len = buf_len(&r->dump);
		c.digest = repair_store_digest(c.bytes, c.len, c.deadline_ms);
	}
	r->done(&r->job, r->failed ? NULL : &c);
	buf_fini(&r->dump);
	repair_job_free(&r->job);
}

void repair_store_read_for(struct repair_store *s, const struct repair_read *read)
{
	const struct repair_arg arg = {read->key, read->len};
	struct buf dump = {0}, deadline = {0};
	bool written = repair_store_write(&dump, "DUMP", &arg, 1);
	bool also = repair_store_write(&deadline, "PEXPIRETIME", &arg, 1);
	struct reading *r =
		(struct reading *)repair_job_new(s, read->core, read->ticket, sizeof(*r));

	if (r) {
		r->done = read->done;
		r->job.arg = read->arg;
		repair_store_ask(s, read->key, read->len, &dump, written, on_dump, r);
		repair_store_ask(s, read->key, read->len, &deadline, also, on_deadline, r);
	} else {
		struct repair_job none = {
			.store = s, .core = read->core, .ticket = read->ticket, .arg = read->arg};

		read->done(&none, NULL);
	}
	buf_fini(&dump);
	buf_fini(&deadline);
}

static void tell(struct repair_store *s)
{
	s->options.answered(s->options.arg);
}

static void on_read(struct repair_job *job, const struct recon_content *c)
{
	if (job->core)
		recon_core_read_done(job->core, job->ticket, c, repair_store_now());
	tell(job->store);
}

void repair_store_read(struct repair_store *s, struct recon_core *core, const void *key, size_t len,
	uint64_t ticket)
{
	const struct repair_read read = {
		.core = core,
		.key = key,
		.len = len,
		.ticket = ticket,
		.done = on_read,
	};

	repair_store_read_for(s, &read);
}

/* ---- Repairing a key ---- */

static enum recon_outcome outcome_of(enum write_fate fate)
{
	switch (fate) {
	case WRITE_TAKEN:
		return RECON_TAKEN;
	case WRITE_REFUSED:
	case WRITE_MISSED:
		return RECON_WITHDRAWN;
	case WRITE_UNDER_WAY:
	case WRITE_UNKNOWN:
		break;
	}
	return RECON_UNSURE;
}

static void on_applied(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct repair_job *job = arg;
	struct repair_store *s = job->store;

	(void)reply;
	(void)len;
	if (job->core)
		recon_core_applied(job->core, job->ticket, outcome_of(fate), repair_store_now());
	repair_job_free(job);
	tell(s);
}

/* RESTORE removes a key whose deadline has passed already. */
static bool write_repair(
	struct buf *out, const void *key, size_t len, const struct recon_content *c)
{
	char deadline[24];
	const struct repair_arg args[] = {
		{key, len},
		{deadline,
			(size_t)snprintf(deadline, sizeof(deadline), "%" PRIu64, c->deadline_ms)},
		{c->bytes, c->len},
		{"REPLACE", 7},
		{"ABSTTL", 6},
	};

	if (!c->exists)
		return repair_store_write(out, "UNLINK", args, 1);
	return repair_store_write(out, "RESTORE", args, sizeof(args) / sizeof(args[0]));
}

void repair_store_apply(struct repair_store *s, struct recon_core *core, const void *key,
	size_t len, const struct recon_content *c, uint64_t ticket)
{
	struct repair_job *job = repair_job_new(s, core, ticket, sizeof(*job));
	struct buf request = {0};
	bool written = write_repair(&request, key, len, c);

	if (job)
		repair_store_ask(s, key, len, &request, written, on_applied, job);
	else
		recon_core_applied(core, ticket, RECON_WITHDRAWN, repair_store_now());
	buf_fini(&request);
}

/* ---- Making and freeing ---- */

struct repair_store *repair_store_new(const struct repair_store_options *options)
{
	struct repair_store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	LIST_INIT(&s->jobs);
	return s;
}

void repair_store_free(struct repair_store *s)
{
	if (!s)
		return;
	/* What is left are scans between two requests. */
	while (!LIST_EMPTY(&s->jobs))
		repair_scan_free(LIST_FIRST(&s->jobs));
	free(s);
}
