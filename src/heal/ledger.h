/*
 * ledger - what the entropy channel did: totals, a record for each target that is sent something,
 * and one for each address that pushed to this node.
 *
 * The wire protocol does not tell a sender which of its keys were applied: only the receiver knows,
 * and counts it here under the sender's address.  Any thread.
 */
#ifndef HEAL_LEDGER_H
#define HEAL_LEDGER_H

#include "base/addr.h"
#include "entropy/dynentropy.h"
#include "heal/figures.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The maximum number of senders with a record. */
#define HEAL_LEDGER_SENDERS_MAX 256

struct heal_ledger;

struct heal_ledger_target {
	const char *endpoint;
	struct heal_target_figures figures;
	/* Of its last round. */
	enum dyn_entropy_outcome outcome;
	uint64_t not_carried;
	char message[DYN_ENTROPY_MESSAGE_MAX]; /* empty when it went well */
};

struct heal_ledger_sender {
	char address[ADDR_HOST_MAX];
	struct heal_sender_figures figures;
	bool last_ok;                          /* of its last connection */
	char message[DYN_ENTROPY_MESSAGE_MAX]; /* likewise; empty when it went well */
};

/* endpoints: the driver's targets, in its order; the array and the texts are borrowed.  NULL when
 * memory is short. */
struct heal_ledger *heal_ledger_new(const char *const *endpoints, size_t n);
void heal_ledger_free(struct heal_ledger *l);

/* Record the end of a target's part of a round. */
void heal_ledger_pushed(struct heal_ledger *l, const struct dyn_entropy_target_report *report);

/* Count a round that ended, or was skipped.  Returns how many there were. */
uint64_t heal_ledger_round_ended(struct heal_ledger *l);
uint64_t heal_ledger_round_skipped(struct heal_ledger *l);

/*
 * Record the end of a connection to the receiver.  An address that only connects gets no record,
 * and when there is no room for another record, it replaces the one that had no success for
 * longest: so strangers can neither fill the ledger nor make it grow.
 */
void heal_ledger_received(struct heal_ledger *l, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err);

/* "closed", "refused" and so on, for JSON; dyn_entropy_outcome_text() is for people.  Static
 * storage. */
const char *heal_ledger_outcome_word(enum dyn_entropy_outcome outcome);

/* A copy of the totals; connections are those that ended. */
void heal_ledger_totals(struct heal_ledger *l, struct heal_figures *out);

/* How many records there are; those of senders only become more. */
size_t heal_ledger_n_targets(struct heal_ledger *l);
size_t heal_ledger_n_senders(struct heal_ledger *l);

/* A copy of record i; false when there is none. */
bool heal_ledger_copy_target(struct heal_ledger *l, size_t i, struct heal_ledger_target *out);
bool heal_ledger_copy_sender(struct heal_ledger *l, size_t i, struct heal_ledger_sender *out);

#ifdef __cplusplus
}
#endif

#endif
