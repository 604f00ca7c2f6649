/*
 * ledger - what the entropy channel did with whom: a page for each peer that is pushed to, and one
 * for each address that pushed to us.
 *
 * The wire tells a sender nothing of what became of its keys: what was applied and what was kept is
 * known where it was received, and stands here under the address it came from.  Any thread.
 */
#ifndef HEAL_LEDGER_H
#define HEAL_LEDGER_H

#include "base/addr.h"
#include "entropy/dynentropy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses with a page of their own. */
#define HEAL_LEDGER_SENDERS_MAX 256

struct heal_ledger;

struct heal_ledger_target {
	uint64_t rounds, rounds_failed; /* that it took part in; of them, those that failed */
	uint64_t snapshots, keys, bytes;
	int64_t ended_ms; /* wall clock, of the last round; 0: there was none */
	struct dyn_entropy_target_report last; /* its endpoint is always there */
};

struct heal_ledger_sender {
	char address[ADDR_HOST_MAX];
	uint64_t snapshots; /* applied whole */
	uint64_t failed;    /* connections that ended otherwise */
	uint64_t bytes;     /* plaintext of the snapshots applied whole */
	uint64_t commands, applied, kept, commands_failed;
	int64_t ended_ms; /* wall clock, of the last connection */
	double seconds;   /* that it took */
	enum dyn_entropy_status status;
	char message[DYN_ENTROPY_MESSAGE_MAX]; /* empty when it went well */
};

/* endpoints is borrowed, and so is what it names.  NULL when memory is short. */
struct heal_ledger *heal_ledger_new(const char *const *endpoints, size_t n);
void heal_ledger_free(struct heal_ledger *l);

/* A peer's part of a round has ended. */
void heal_ledger_pushed(struct heal_ledger *l, const struct dyn_entropy_target_report *report);

/*
 * A connection to the receiver has ended.  Who gets no further than to connect gets no page, and
 * when there is no room for another page the one goes that was without success for longest: so
 * strangers can neither fill the ledger nor grow it.
 */
void heal_ledger_received(struct heal_ledger *l, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err);

/* "closed", "refused" and so on: for programs, as dyn_entropy_outcome_text() is for people. */
const char *heal_ledger_outcome_word(enum dyn_entropy_outcome outcome);

/* A copy of page i; false when there is none. */
bool heal_ledger_copy_target(struct heal_ledger *l, size_t i, struct heal_ledger_target *out);
bool heal_ledger_copy_sender(struct heal_ledger *l, size_t i, struct heal_ledger_sender *out);

#ifdef __cplusplus
}
#endif

#endif
