/*
 * sink_file - a sink that writes snapshots to a file, one after the other.
 *
 * They are written to FILE.partial-XXXXXX, mode 0600, which is renamed to FILE when all snapshots
 * are complete.  Empty snapshots, with which a sender checks the connection, are ignored.  Its
 * apply() is thread-safe; the rest belongs to the thread that created it.
 */
#ifndef TOOLS_SINK_FILE_H
#define TOOLS_SINK_FILE_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sink_file_options {
	const char *path; /* copied */
	bool replace;     /* an existing file may be replaced */
	uint64_t wanted;  /* rename the file after this many snapshots; 0: in sink_file_finish() */
};

/* Create the partial file.  Fails when the file exists and may not be replaced. */
enum dyn_entropy_status sink_file_new(const struct sink_file_options *options,
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);

/* Rename the partial file, unless that was done already or nothing was received. */
enum dyn_entropy_status sink_file_finish(
	const struct dyn_entropy_sink *s, struct dyn_entropy_error *err);

/*
 * The path of a partial file that was not renamed, or NULL.  Its snapshots were acknowledged to
 * their senders, so it is not removed.  Valid as long as the sink.
 */
const char *sink_file_left_over(const struct dyn_entropy_sink *s);

#ifdef __cplusplus
}
#endif

#endif
