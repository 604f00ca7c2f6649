/*
 * script_cache - the bodies of scripts and function libraries that were seen lately, so that they
 * can be given to a datastore that lacks them.
 *
 * Bounded by number and bytes; what was not used for longest goes first.  No I/O.  One thread.
 */
#ifndef PROXY_SCRIPT_CACHE_H
#define PROXY_SCRIPT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCRIPT_CACHE_MAX       512
#define SCRIPT_CACHE_BYTES_MAX ((size_t)4 * 1024 * 1024) /* of all bodies */
#define SCRIPT_NAME_MAX        64                        /* bytes */

enum script_kind {
	SCRIPT_OF_EVAL,   /* its name is its SHA1, in 40 small hexadecimal digits */
	SCRIPT_FUNCTIONS, /* a library; its name is in the first line: #!lua name=... */
};

struct script {
	TAILQ_ENTRY(script) next;
	LIST_ENTRY(script) same_bucket;
	enum script_kind kind;
	char name[SCRIPT_NAME_MAX + 1];
	size_t len; /* of the body */
	uint8_t body[];
};

#define SCRIPT_BUCKETS 256

struct script_cache {
	TAILQ_HEAD(script_queue, script) all; /* the last used one is the first */
	LIST_HEAD(script_bucket, script) buckets[SCRIPT_BUCKETS];
	size_t n, bytes;
};

void script_cache_init(struct script_cache *c);
void script_cache_fini(struct script_cache *c);

/* Keep a body; a library replaces one with the same name.  Does nothing for one that is too large
 * or has no valid name, and when out of memory. */
void script_cache_keep(struct script_cache *c, enum script_kind kind, const void *body, size_t len);

/* Find by name, in capitals or not for a SHA1, and note that it was used.  NULL: not there. */
const struct script *script_cache_find(
	struct script_cache *c, enum script_kind kind, const void *name, size_t len);

/* Forget one by name; forget all of a kind. */
void script_cache_drop(struct script_cache *c, enum script_kind kind, const void *name, size_t len);
void script_cache_clear(struct script_cache *c, enum script_kind kind);

#ifdef __cplusplus
}
#endif

#endif
