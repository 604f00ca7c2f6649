#include "heal/figures.h"

static const struct figure channel[] = {
	FIGURE(heal_figures, rounds, FIGURE_COUNTER, "entropy_rounds_total", "rounds",
		"that ended"),
	FIGURE(heal_figures, rounds_skipped, FIGURE_COUNTER, "entropy_rounds_skipped_total",
		"rounds", "not started because the previous one was still running"),
	FIGURE(heal_figures, peers_attempted, FIGURE_COUNTER, "entropy_pushes_total", "pushes",
		"to a target, one for each target and round"),
	FIGURE(heal_figures, peers_exchanged, FIGURE_COUNTER, "entropy_pushes_exchanged_total",
		"pushes", "to a target, with every snapshot closed in good order"),
	FIGURE(heal_figures, peers_failed, FIGURE_COUNTER, "entropy_pushes_failed_total", "pushes",
		"to a target, that failed"),
	FIGURE(heal_figures, snapshots_sent, FIGURE_COUNTER, "entropy_sent_snapshots_total",
		"snapshots", "sent whole to a target"),
	FIGURE(heal_figures, keys_sent, FIGURE_COUNTER, "entropy_sent_keys_total", "keys",
		"in the snapshots that were sent whole"),
	FIGURE(heal_figures, bytes_sent, FIGURE_COUNTER, "entropy_sent_bytes_total", "bytes",
		"of plaintext sent"),
	FIGURE(heal_figures, connections, FIGURE_COUNTER, "entropy_connections_total",
		"connections", "that the receiver accepted"),
	FIGURE(heal_figures, snapshots_committed, FIGURE_COUNTER,
		"entropy_received_snapshots_total", "snapshots",
		"received, checked and applied whole"),
	FIGURE(heal_figures, connections_failed, FIGURE_COUNTER, "entropy_connections_failed_total",
		"connections", "that the receiver accepted, but did not apply whole"),
	FIGURE(heal_figures, connections_turned_away, FIGURE_COUNTER,
		"entropy_connections_turned_away_total", "connections",
		"that the receiver refused: unknown address, or no worker free"),
	FIGURE(heal_figures, connections_taken, FIGURE_COUNTER, "entropy_connections_taken_total",
		"connections", "that the receiver accepted and that speak version 2"),
	FIGURE(heal_figures, bytes_received, FIGURE_COUNTER, "entropy_received_bytes_total",
		"bytes", "of plaintext in the snapshots applied whole"),
	FIGURE(heal_figures, commands, FIGURE_COUNTER, "entropy_received_commands_total",
		"commands", "of received snapshots, handed to Redis"),
	FIGURE(heal_figures, keys_applied, FIGURE_COUNTER, "entropy_applied_commands_total",
		"commands", "of received snapshots, that Redis carried out"),
	FIGURE(heal_figures, keys_kept, FIGURE_COUNTER, "entropy_kept_commands_total", "commands",
		"of received snapshots, whose key was there and stayed as it is"),
	FIGURE(heal_figures, keys_left_alone, FIGURE_COUNTER, "entropy_left_alone_commands_total",
		"commands", "of received snapshots, left out: clients wrote the key meanwhile"),
};

const struct figure_table heal_figures_channel = FIGURE_TABLE("The entropy channel", channel);

static const struct figure schedule[] = {
	FIGURE(heal_schedule_figures, running, FIGURE_FLAG, "entropy_round_running", "boolean",
		"1 while a round runs"),
	FIGURE(heal_schedule_figures, next_round, FIGURE_SECONDS, "entropy_next_round_seconds",
		"seconds", "until the timer starts the next round"),
};

const struct figure_table heal_figures_schedule =
	FIGURE_TABLE("The rounds of the entropy channel", schedule);

static const struct figure target[] = {
	FIGURE(heal_target_figures, rounds, FIGURE_COUNTER, "entropy_peer_rounds_total", "rounds",
		"that pushed to it"),
	FIGURE(heal_target_figures, rounds_failed, FIGURE_COUNTER,
		"entropy_peer_rounds_failed_total", "rounds",
		"in which a snapshot to it was not closed in good order"),
	FIGURE(heal_target_figures, snapshots_sent, FIGURE_COUNTER,
		"entropy_peer_sent_snapshots_total", "snapshots", "sent whole to it"),
	FIGURE(heal_target_figures, keys_sent, FIGURE_COUNTER, "entropy_peer_sent_keys_total",
		"keys", "in the snapshots that were sent whole to it"),
	FIGURE(heal_target_figures, bytes_sent, FIGURE_COUNTER, "entropy_peer_sent_bytes_total",
		"bytes", "of plaintext sent to it"),
	FIGURE(heal_target_figures, last_ok, FIGURE_FLAG, "entropy_peer_last_round_ok", "boolean",
		"1 when its last round went well"),
	FIGURE(heal_target_figures, last_keys, FIGURE_GAUGE, "entropy_peer_last_round_keys", "keys",
		"sent whole to it in its last round"),
	FIGURE(heal_target_figures, last_bytes, FIGURE_GAUGE, "entropy_peer_last_round_bytes",
		"bytes", "of plaintext sent to it in its last round"),
	FIGURE(heal_target_figures, last_seconds, FIGURE_SECONDS,
		"entropy_peer_last_round_duration_seconds", "seconds", "that its last round took"),
	FIGURE(heal_target_figures, last_round, FIGURE_SECONDS,
		"entropy_peer_last_round_timestamp_seconds", "seconds",
		"since 1970 at the end of its last round"),
};

const struct figure_table heal_figures_target =
	FIGURE_TABLE("Each target of the entropy channel", target);

static const struct figure sender[] = {
	FIGURE(heal_sender_figures, snapshots_committed, FIGURE_COUNTER,
		"entropy_sender_snapshots_total", "snapshots", "from it that were applied whole"),
	FIGURE(heal_sender_figures, connections_failed, FIGURE_COUNTER,
		"entropy_sender_connections_failed_total", "connections",
		"from it that were not applied whole"),
	FIGURE(heal_sender_figures, bytes_received, FIGURE_COUNTER,
		"entropy_sender_received_bytes_total", "bytes",
		"of plaintext in its snapshots applied whole"),
	FIGURE(heal_sender_figures, commands, FIGURE_COUNTER, "entropy_sender_commands_total",
		"commands", "of its snapshots, handed to Redis"),
	FIGURE(heal_sender_figures, applied, FIGURE_COUNTER,
		"entropy_sender_applied_commands_total", "commands",
		"of its snapshots, that Redis carried out"),
	FIGURE(heal_sender_figures, kept, FIGURE_COUNTER, "entropy_sender_kept_commands_total",
		"commands", "of its snapshots, whose key was there and stayed as it is"),
	FIGURE(heal_sender_figures, left_alone, FIGURE_COUNTER,
		"entropy_sender_left_alone_commands_total", "commands",
		"of its snapshots, left out: clients wrote the key meanwhile"),
	FIGURE(heal_sender_figures, failed, FIGURE_COUNTER, "entropy_sender_failed_commands_total",
		"commands", "of its snapshots, that Redis refused"),
	FIGURE(heal_sender_figures, last_seconds, FIGURE_SECONDS,
		"entropy_sender_last_connection_duration_seconds", "seconds",
		"that its last connection took"),
	FIGURE(heal_sender_figures, last_connection, FIGURE_SECONDS,
		"entropy_sender_last_connection_timestamp_seconds", "seconds",
		"since 1970 at the end of its last connection"),
};

const struct figure_table heal_figures_sender =
	FIGURE_TABLE("Each address that pushed to the entropy channel", sender);
