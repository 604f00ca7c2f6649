/*
 * figures - what the entropy channel of a node has counted since its start.
 *
 * Plain data; control/figures.h has their names and meanings.
 */
#ifndef HEAL_FIGURES_H
#define HEAL_FIGURES_H

#include <stdint.h>

struct figures_entropy {
	uint64_t rounds, rounds_skipped;
	uint64_t peers_attempted, peers_exchanged, peers_failed;
	uint64_t snapshots_sent, keys_sent, bytes_sent;
	uint64_t connections, snapshots_committed, connections_failed, connections_turned_away;
	uint64_t bytes_received, commands, keys_applied, keys_kept;
};

#endif
