/*
 * figures - what sessions count, in the structs that are shown, and the tables of what each field
 * means.  All fields are uint64_t or double.  Plain values: any thread.
 */
#ifndef REPAIR_FIGURES_H
#define REPAIR_FIGURES_H

#include "base/figure.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct repair_figures {
	uint64_t sessions, sessions_failed; /* since the start, in either role */
	uint64_t sessions_full;             /* that compared every key */
	uint64_t bytes_sent, bytes_received;
	uint64_t keys_compared, keys_repaired, keys_given, keys_changed, keys_unsettled;
	uint64_t keys_in_conflict, keys_refused, keys_too_large; /* of keys_unsettled */
	uint64_t writes_passed_over, writes_late, writes_ahead, writes_unstamped;
	uint64_t journal_keys;     /* with entries, now */
	uint64_t sessions_running; /* now */
	uint64_t paused;           /* 1 while no session begins */
	uint64_t catching_up;      /* 1 while this node lacks data, or does not know whether */
	uint64_t peers, peers_settled;
	double settled_age; /* the greatest of the peers'; NaN: one of them has none */
};

/* Of a peer that owns keys of this node. */
struct repair_peer_figures {
	uint64_t sessions, sessions_failed, sessions_full;
	uint64_t bytes_sent, bytes_received;
	uint64_t keys_compared, keys_repaired, keys_given, keys_changed, keys_unsettled;
	uint64_t running;    /* 1 while there is a session with it */
	uint64_t full;       /* 1: the session that runs, or the next, compares every key */
	uint64_t asked;      /* 1 while not all is settled that reconciler_run() was to settle */
	uint64_t settled;    /* settled_age is as small as sessions in good order leave it */
	uint64_t last_ok;    /* its last session went well */
	double last_session; /* its end, seconds since 1970; NaN: there was none */
	double last_success; /* likewise of the last one that went well */
	double settled_age;  /* seconds; everything older is settled with it; NaN: nothing is */
};

extern const struct figure_table repair_figures_all;  /* of struct repair_figures */
extern const struct figure_table repair_figures_peer; /* of struct repair_peer_figures */

#ifdef __cplusplus
}
#endif

#endif
