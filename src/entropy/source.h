/*
 * source - what the sources of Redis data have in common: they fill a segment with commands until
 * it is full, which is a snapshot, and then the next one.
 *
 * A source of this kind has a struct source as its first member, and is reached through the ops
 * that are given to source_init().  One thread at a time.
 */
#ifndef ENTROPY_SOURCE_H
#define ENTROPY_SOURCE_H

#include "entropy/dynentropy.h"
#include "entropy/segment.h"
#include "entropy/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

struct source;

struct source_kind {
	/* Add to s->segment until no more fits (OK) or nothing is left (END).  Not called again
	 * after END or a failure. */
	enum dyn_entropy_status (*fill)(struct source *s, struct dyn_entropy_error *err);
	/* Complete *t, in which keys and bytes are set. */
	void (*totals)(struct source *s, struct dyn_entropy_source_totals *t);
	/* Release all but what source_init() made; also where the source was not opened. */
	void (*fini)(struct source *s);
};

struct source {
	const struct source_kind *kind;
	struct dyn_entropy_source_options
		options; /* spool_dir: as long as the call that opens it */
	struct watch watch;
	struct segment segment;
	enum dyn_entropy_status status; /* of the end, once it came */
	struct dyn_entropy_error error;
	uint64_t keys, bytes; /* in all segments before this one */
};

/* Take options (may be NULL) and make the segment.  s is zeroed; source_discard() it on failure. */
enum dyn_entropy_status source_init(struct source *s, const struct source_kind *kind,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err);

/* Hand the finished source out; status OK, or discard it and pass the failure on. */
enum dyn_entropy_status source_open(
	struct source *s, enum dyn_entropy_status status, struct dyn_entropy_source *out);

/* The source of a running Redis has one cancel object for both: it ends the waits for Redis and
 * what is done with its bytes.  Takes redis and options (may be NULL) whatever version the program
 * was built with; both borrow. */
enum dyn_entropy_status source_take_redis(struct dyn_entropy_redis *endpoint,
	struct dyn_entropy_source_options *o, const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
