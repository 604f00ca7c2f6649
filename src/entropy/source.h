/*
 * source - shared by the sources of Redis data: they fill a segment with commands until it is full,
 * which is a snapshot, and then the next one.
 *
 * Such a source has a struct source as its first member.  One thread at a time.
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
	/* Release everything except what source_init() made; also called when opening failed. */
	void (*fini)(struct source *s);
};

struct source {
	const struct source_kind *kind;
	struct dyn_entropy_source_options
		options; /* spool_dir: as long as the call that opens it */
	struct watch watch;
	struct segment segment;
	enum dyn_entropy_status status; /* OK until the end or a failure */
	struct dyn_entropy_error error;
	uint64_t keys, bytes; /* in all segments before this one */
};

/* Copy options (may be NULL) and make the segment.  s is zeroed.  Give the status to source_open()
 * in either case. */
enum dyn_entropy_status source_init(struct source *s, const struct source_kind *kind,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err);

/* Give out the source when status is OK, else free it.  Returns status. */
enum dyn_entropy_status source_open(
	struct source *s, enum dyn_entropy_status status, struct dyn_entropy_source *out);

/* Copy redis and options (may be NULL), whatever version the program was built with; their texts
 * are borrowed.  Both get the same cancel object, which ends the I/O and the work between. */
enum dyn_entropy_status source_take_redis(struct dyn_entropy_redis *endpoint,
	struct dyn_entropy_source_options *o, const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
