/*
 * stats - the engine's counters, and what each of them means.
 */
#ifndef STATS_H
#define STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct stats {
	uint64_t rounds, rounds_skipped;
	uint64_t peers_attempted, peers_exchanged, peers_failed;
	uint64_t snapshots_sent, keys_sent, bytes_sent;
	uint64_t connections, snapshots_committed, connections_failed, connections_turned_away;
	uint64_t bytes_received, commands, keys_applied, keys_kept;
};

/* For -D: every counter with its unit and meaning. */
void stats_describe(FILE *to);

/* "name value, name value, ..." of all counters; cut to cap.  Returns text. */
const char *stats_format(const struct stats *s, char *text, size_t cap);

#endif
