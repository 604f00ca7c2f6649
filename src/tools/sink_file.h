/*
 * sink_file - a sink that keeps snapshots in a file, one behind the other.
 *
 * They are written to FILE.partial-XXXXXX beside it, mode 0600, which takes the file's name when
 * all of them are there.  An empty one, with which a peer asks whether anybody is there, is none of
 * them.  Its apply() is thread-safe; the rest belongs to the thread that made it.
 */
#ifndef TOOLS_SINK_FILE_H
#define TOOLS_SINK_FILE_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sink_file_options {
	const char *path; /* copied */
	bool replace;     /* whether a file that exists may be replaced */
	uint64_t
		wanted; /* the file gets its name after so many snapshots; 0: at sink_file_finish */
};

/* Make the partial file.  Fails when there is a file already that may not be replaced. */
enum dyn_entropy_status sink_file_new(const struct sink_file_options *options,
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err);

/* Give what was received so far its name, unless that has happened or there is nothing. */
enum dyn_entropy_status sink_file_finish(
	const struct dyn_entropy_sink *s, struct dyn_entropy_error *err);

/*
 * Where the snapshots are that never got their name, or NULL when there are none; the senders were
 * told that these are safe, so they are not removed.  Lives as long as the sink.
 */
const char *sink_file_left_over(const struct dyn_entropy_sink *s);

#ifdef __cplusplus
}
#endif

#endif
