#include "stats.h"

#include <inttypes.h>

struct stat_entry {
	const char *name;
	const char *unit;
	const char *help;
	size_t offset;
};

#define ENTRY(name, unit, help)                                                                    \
	{                                                                                          \
#name, unit, help, offsetof(struct stats, name)                                    \
	}

static const struct stat_entry entries[] = {
	ENTRY(rounds, "rounds", "entropy rounds that ended"),
	ENTRY(rounds_skipped, "rounds", "rounds not started because the one before still ran"),
	ENTRY(peers_attempted, "pushes", "pushes to a peer, a peer and round each"),
	ENTRY(peers_exchanged, "pushes",
		"of them, all of whose snapshots were closed in good order"),
	ENTRY(peers_failed, "pushes", "of them, the others"),
	ENTRY(snapshots_sent, "snapshots", "sent whole to a peer"),
	ENTRY(keys_sent, "keys", "in the snapshots that were sent whole"),
	ENTRY(bytes_sent, "bytes", "of plaintext sent"),
	ENTRY(connections, "connections", "accepted by the receiver"),
	ENTRY(snapshots_committed, "snapshots", "received, checked and applied whole"),
	ENTRY(connections_failed, "connections", "accepted, but not applied whole"),
	ENTRY(connections_turned_away, "connections",
		"refused: unknown address, or no worker free"),
	ENTRY(bytes_received, "bytes", "of plaintext in the snapshots applied whole"),
	ENTRY(commands, "commands", "in the snapshots handed to Redis"),
	ENTRY(keys_applied, "commands", "of them, that Redis carried out"),
	ENTRY(keys_kept, "commands", "of them, whose key was there already and was left as it is"),
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

void stats_describe(FILE *to)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		fprintf(to, "  %-24s %-12s %s\n", entries[i].name, entries[i].unit,
			entries[i].help);
}

const char *stats_format(const struct stats *s, char *text, size_t cap)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < N_ENTRIES && at < cap; i++) {
		const uint64_t *value =
			(const uint64_t *)(const void *)((const char *)s + entries[i].offset);

		at += (size_t)snprintf(text + at, cap - at, "%s%s %" PRIu64, i ? ", " : "",
			entries[i].name, *value);
	}
	return text;
}
