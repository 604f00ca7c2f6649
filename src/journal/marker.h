/*
 * marker - how far a dataset goes in the log of writes.
 *
 * At the end of a lane's batch of commands the node sets a key of the lane, its marker, to the
 * position of the lane's last command: SET marker value GET.  What a Redis loads is a prefix of the
 * commands of each connection, so the marker found there bounds what the dataset has lost:
 *
 *     void      a command past the marker of its lane: nothing of it is in the dataset.  What was
 *               settled or forgotten after the first of these does not count either.
 *     unheard   a command up to the marker that has no answer in the log: it was carried out.
 *
 * Event loop's thread.
 */
#ifndef JOURNAL_MARKER_H
#define JOURNAL_MARKER_H

#include "journal/journal.h"
#include "journal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MARKER_KEY_MAX   32 /* with the NUL */
#define MARKER_VALUE_MAX 48

/* Marker keys begin with this.  They are in a database of their own, the last one that a Redis has
 * by default; in 0 where there is no other. */
#define MARKER_DATABASE "15"
#define MARKER_PREFIX "\001dynomite:marker:"

struct marker {
	uint64_t log; /* wal_id() */
	uint32_t lane;
	uint64_t position; /* wal_lane_position() */
};

/* The key of a lane's marker; returns its length. */
size_t marker_key(uint32_t lane, char key[MARKER_KEY_MAX]);

/* Whether a key is that of a marker. */
bool marker_is_key(const void *key, size_t len);

/* The value "<log>:<lane>:<position>", and back; returns its length.  False when it is not one. */
size_t marker_format(const struct marker *m, char value[MARKER_VALUE_MAX]);
bool marker_parse(struct marker *m, const void *value, size_t len);

/* What a Redis has at the key of a lane's marker. */
struct marker_found {
	enum {
		MARKER_NONE, /* there is no such key */
		MARKER_THERE,
		MARKER_FOREIGN, /* the key is there, but is not a marker */
	} what;
	struct marker marker;
};

enum marker_verdict {
	MARKER_INTACT,  /* the dataset has all that the log has */
	MARKER_LOST,    /* it has less: the journals are as they were then */
	MARKER_TOO_OLD, /* it has less than the log can tell of, or nothing: it is behind */
	MARKER_UNKNOWN, /* it is not the dataset of this log: not all that it has is known */
};

/* Each is called with arg. */
struct marker_host {
	/* Empty all journals: the log is done again. */
	void (*restart)(void *arg);
	/* Apply a record to the journal of a share; false when out of memory.  The log has it. */
	bool (*apply)(void *arg, uint32_t share, const struct journal_record *r);
	void *arg;
};

/*
 * Compare the log with the markers of all lanes, by lane, and make the journals what the dataset
 * is.  Call it with the old connections dead, before a command is sent on the new ones; then
 * append the new incarnation and standing, where the verdict asks for them, and flush. has_journals
 * says whether they are in memory, with all records of the log: else they are empty.  is_empty:
 * the dataset has no key.  After MARKER_TOO_OLD and MARKER_UNKNOWN journals are empty and the log
 * is new.
 */
enum marker_verdict marker_rebuild(struct wal *w, const struct marker_found found[WAL_LANES_MAX],
	bool is_empty, bool has_journals, const struct marker_host *host);

#ifdef __cplusplus
}
#endif

#endif
