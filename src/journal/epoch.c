#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

struct journal_epoch *journal_epoch_find(const struct journal *j, uint32_t epoch)
{
	size_t low = 0, high = j->n_epochs;

	/* Nearly all are of the newest, or of the one before. */
	for (size_t i = high; i > 0 && i + 2 > high; i--)
		if (j->epochs[i - 1].epoch == epoch)
			return &j->epochs[i - 1];
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (j->epochs[middle].epoch < epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low < j->n_epochs && j->epochs[low].epoch == epoch ? &j->epochs[low] : NULL;
}

struct journal_epoch *journal_epoch_make(struct journal *j, uint32_t epoch)
{
	struct journal_epoch *e = journal_epoch_find(j, epoch);
	size_t at = j->n_epochs;

	if (e)
		return e;
	if (j->n_epochs == j->cap_epochs) {
		size_t cap = j->cap_epochs ? j->cap_epochs * 2 : 16;
		struct journal_epoch *grown = realloc(j->epochs, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		j->epochs = grown;
		j->cap_epochs = cap;
	}
	while (at > 0 && j->epochs[at - 1].epoch > epoch) {
		j->epochs[at] = j->epochs[at - 1];
		at--;
	}
	j->n_epochs++;
	memset(&j->epochs[at], 0, sizeof(j->epochs[at]));
	j->epochs[at].epoch = epoch;
	return &j->epochs[at];
}

/* Add an entry to its epoch's sum, or take it out; the epoch is no longer settled. */
void journal_epoch_add(struct journal *j, const struct chain *c, const struct journal_entry *e)
{
	struct journal_epoch *epoch = journal_epoch_find(j, e->epoch);

	epoch->sum += journal_entry_hash(c->hash, e);
	epoch->n_entries++;
	epoch->n_mixed += e->mixed;
	epoch->settled = epoch->said = 0;
	j->n_entries++;
}

void journal_epoch_take(struct journal *j, const struct chain *c, const struct journal_entry *e)
{
	struct journal_epoch *epoch = journal_epoch_find(j, e->epoch);

	epoch->sum -= journal_entry_hash(c->hash, e);
	epoch->n_entries--;
	epoch->n_mixed -= e->mixed;
	epoch->settled = epoch->said = 0;
	j->n_entries--;
}

void journal_epoch_drop_empty(struct journal *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->n_epochs; i++)
		if (j->epochs[i].n_entries > 0)
			j->epochs[kept++] = j->epochs[i];
	j->n_epochs = kept;
}
