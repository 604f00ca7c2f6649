/*
 * source_rdb - a source that reads an RDB from a file or a connection.
 *
 * One thread at a time.
 */
#ifndef ENTROPY_SOURCE_RDB_H
#define ENTROPY_SOURCE_RDB_H

#include "entropy/dynentropy.h"
#include "entropy/rdb.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rdb_feed_ops {
	rdb_read_fn read; /* self is its arg */

	/* Called once, after the RDB's end mark: OK when what follows (rdb_rest) is as expected. */
	enum dyn_entropy_status (*finish)(void *self, struct rdb *r, struct dyn_entropy_error *err);

	/* The length of the whole RDB in bytes; 0 while it is not known. */
	uint64_t (*length)(void *self);
	void (*free)(void *self);
};

struct rdb_feed {
	const struct rdb_feed_ops *ops;
	void *self;
	const char *name; /* for messages; lives as long as self */
};

/* Takes ownership of feed, also on failure.  options may be NULL. */
enum dyn_entropy_status source_rdb_new(const struct rdb_feed *feed,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
