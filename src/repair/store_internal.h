/*
 * store_internal - what reading single keys (store.c) and all of them (scan.c) share.
 */
#ifndef REPAIR_STORE_INTERNAL_H
#define REPAIR_STORE_INTERNAL_H

#include "repair/store.h"

#include "base/buf.h"

#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Something that a core waits for. */
struct repair_job {
	LIST_ENTRY(repair_job) next;
	struct repair_store *store;
	struct recon_core *core; /* NULL: it is gone */
	uint64_t ticket;
	void *arg;
};

struct repair_store {
	struct repair_store_options options;
	LIST_HEAD(, repair_job) jobs;
};

/* A job of this many bytes, which begins with struct repair_job; the rest is zeroed.  NULL when out
 * of memory. */
struct repair_job *repair_job_new(
	struct repair_store *s, struct recon_core *core, uint64_t ticket, size_t bytes);
void repair_job_free(struct repair_job *job);

/* The value of a key; c is NULL when it could not be read. */
typedef void repair_read_done(struct repair_job *job, const struct recon_content *c);

struct repair_read {
	struct recon_core *core;
	const void *key;
	size_t len;
	uint64_t ticket;
	repair_read_done *done; /* called once, perhaps before the read function returns */
	void *arg;              /* of the job */
};

void repair_store_read_for(struct repair_store *s, const struct repair_read *read);

struct repair_arg {
	const void *bytes;
	size_t len;
};

/* Write a request.  False when out of memory. */
bool repair_store_write(struct buf *out, const char *name, const struct repair_arg *args, size_t n);

/* Send a request, if it could be written; answered is called in any case. */
void repair_store_ask(struct repair_store *s, const void *key, size_t len,
	const struct buf *request, bool written, proxy_answered *answered, void *arg);

/* Free a job that is a scan. */
void repair_scan_free(struct repair_job *job);

#ifdef __cplusplus
}
#endif

#endif
