/*
 * figures - what the channel counts, in the structs that are shown, and the tables of what each
 * field means.  All fields are uint64_t or double.  Plain values: any thread.
 */
#ifndef HEAL_FIGURES_H
#define HEAL_FIGURES_H

#include "base/figure.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Since the start. */
struct heal_figures {
	uint64_t rounds, rounds_skipped;
	uint64_t peers_attempted, peers_exchanged,
		peers_failed; /* targets, counted in each round */
	uint64_t snapshots_sent, keys_sent, bytes_sent;
	uint64_t connections, snapshots_committed, connections_failed, connections_turned_away,
		connections_taken;
	uint64_t bytes_received, commands, keys_applied, keys_kept, keys_left_alone;
};

struct heal_schedule_figures {
	uint64_t running;  /* 1 while a round is */
	double next_round; /* seconds from now; NaN: no target */
};

/* Of a target. */
struct heal_target_figures {
	uint64_t rounds, rounds_failed, snapshots_sent, keys_sent, bytes_sent;
	uint64_t last_ok, last_keys, last_bytes; /* of its last round */
	double last_seconds;                     /* its duration; NaN: there was none */
	double last_round; /* its end, seconds since 1970; NaN: there was none */
};

/* Of an address that pushed to this node. */
struct heal_sender_figures {
	uint64_t snapshots_committed, connections_failed;
	uint64_t bytes_received; /* plaintext of snapshots applied whole */
	uint64_t commands, applied, kept, left_alone, failed;
	double last_seconds;    /* the duration of its last connection */
	double last_connection; /* its end, seconds since 1970 */
};

extern const struct figure_table heal_figures_channel;  /* of struct heal_figures */
extern const struct figure_table heal_figures_schedule; /* of struct heal_schedule_figures */
extern const struct figure_table heal_figures_target;   /* of struct heal_target_figures */
extern const struct figure_table heal_figures_sender;   /* of struct heal_sender_figures */

#ifdef __cplusplus
}
#endif

#endif
