/*
 * store - reads, repairs and lists the keys of this node's datastore, for sessions.
 *
 * The requests go through the proxy, on the lane of their key, so that a value that is read has
 * just those writes in it that were answered before.  Event loop's thread.
 */
#ifndef REPAIR_STORE_H
#define REPAIR_STORE_H

#include "proxy/proxy.h"
#include "recon/core.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct repair_store_options {
	struct event_base *base;
	struct proxy *proxy;
	/* Whether a key belongs to a core's share. */
	bool (*holds)(void *arg, const struct recon_core *core, const void *key, size_t len);
	/* Called after each answer to a core: its sessions may have ended. */
	void (*answered)(void *arg);
	void *arg;
};

struct repair_store;

/* NULL when out of memory.  Free it after the proxy, which answers all requests when it is freed;
 * the cores must live as long, or be left with repair_store_leave(). */
struct repair_store *repair_store_new(const struct repair_store_options *options);
void repair_store_free(struct repair_store *s);

/* The read, apply and scan of struct recon_host. */
void repair_store_read(struct repair_store *s, struct recon_core *core, const void *key, size_t len,
	uint64_t ticket);
void repair_store_apply(struct repair_store *s, struct recon_core *core, const void *key,
	size_t len, const struct recon_content *c, uint64_t ticket);
void repair_store_scan(struct repair_store *s, struct recon_core *core, uint64_t ticket);

/* Answer nothing more to a core. */
void repair_store_leave(struct repair_store *s, const struct recon_core *core);

/* A digest of a value, as DUMP gives it, and of its deadline; never 0. */
uint64_t repair_store_digest(const void *dump, size_t len, uint64_t deadline_ms);

/* The time as cores take it. */
struct recon_now repair_store_now(void);

#ifdef __cplusplus
}
#endif

#endif
