#include "repair/internal.h"

#include "base/clock.h"

void repair_held_note(struct reconciler *r, const struct journal_record *record)
{
	/* The keys of writes that are sent are noted as they are. */
	if (record->key && record->action != JOURNAL_SENT && record->action != JOURNAL_TAKEN)
		recent_note(r->options.recent, record->key, record->len, clock_monotonic_ms());
}

static void note_key(void *arg, const void *key, size_t len, const struct journal_chain *c)
{
	struct reconciler *r = arg;

	(void)c;
	recent_note(r->options.recent, key, len, clock_monotonic_ms());
}

void repair_held_begin(struct reconciler *r)
{
	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core)
			journal_each(recon_core_journal(r->cores[i].core), note_key, r);
	reach_begin(&r->reach, clock_monotonic_ms());
	recent_hold(r->options.recent, r->reach.since_ms);
}

void repair_held_look(struct reconciler *r)
{
	uint32_t oldest = 0, newest = 0;

	for (size_t i = 0; i < r->shares.n; i++) {
		const struct journal_epoch *epochs;
		size_t n = 0;

		if (!r->cores[i].core)
			continue;
		epochs = journal_epochs(recon_core_journal(r->cores[i].core), &n);
		if (n == 0)
			continue;
		if (newest == 0 || epochs[0].epoch < oldest)
			oldest = epochs[0].epoch;
		if (epochs[n - 1].epoch > newest)
			newest = epochs[n - 1].epoch;
	}
	reach_look(&r->reach, oldest, newest, clock_monotonic_ms());
	recent_hold(r->options.recent, r->reach.since_ms);
}
