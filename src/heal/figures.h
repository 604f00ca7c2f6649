/*
 * figures - what the channel counts, in the structs that are shown: control/figures.c names each
 * field as it is named here.  All are uint64_t or double.
 */
#ifndef HEAL_FIGURES_H
#define HEAL_FIGURES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Since the start. */
struct heal_figures {
	uint64_t rounds, rounds_skipped;
	uint64_t peers_attempted, peers_exchanged, peers_failed; /* targets, one a round */
	uint64_t snapshots_sent, keys_sent, bytes_sent;
	uint64_t connections, snapshots_committed, connections_failed, connections_turned_away;
	uint64_t bytes_received, commands, keys_applied, keys_kept, keys_left_alone;
};

struct heal_schedule_figures {
	uint64_t running;  /* 1 while a round is */
	double next_round; /* seconds from now; NaN: there is no target */
};

/* Of a target. */
struct heal_target_figures {
	uint64_t rounds, rounds_failed, snapshots_sent, keys_sent, bytes_sent;
	uint64_t last_ok, last_keys, last_bytes; /* of its last round */
	double last_seconds;                     /* that it took; NaN: there was none */
	double last_round;                       /* since 1970, at its end; NaN: there was none */
};

/* Of an address that pushed to us. */
struct heal_sender_figures {
	uint64_t snapshots_committed, connections_failed;
	uint64_t bytes_received; /* plaintext of the snapshots applied whole */
	uint64_t commands, applied, kept, left_alone, failed;
	double last_seconds;    /* that its last connection took */
	double last_connection; /* since 1970, at its end */
};

#ifdef __cplusplus
}
#endif

#endif
