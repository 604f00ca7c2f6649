#include "journal/journal.h"

/* Whether b has forgotten the epoch of a's newest write, and lost no data since: b has that write.
 */
static bool is_past(const struct journal_side *a, const struct journal_side *b)
{
	return !b->behind && a->chain.n > 0 && a->chain.entries[0].epoch <= b->forgotten;
}

static bool is_mixed(const struct journal_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].mixed)
			return true;
	return false;
}

/* How many writes it has in the epochs that neither side has forgotten. */
static uint32_t writes(const struct journal_chain *c, uint32_t forgotten)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].epoch > forgotten)
			n += c->entries[i].count;
	return n;
}

/* Greater than zero: a's chain wins. */
static int compare_chains(const struct journal_side *a, const struct journal_side *b)
{
	uint64_t na = a->chain.entries[0].newest, nb = b->chain.entries[0].newest;
	bool ma = is_mixed(&a->chain), mb = is_mixed(&b->chain);
	uint32_t forgotten = a->forgotten > b->forgotten ? a->forgotten : b->forgotten;
	uint32_t wa = writes(&a->chain, forgotten), wb = writes(&b->chain, forgotten);

	if (na != nb)
		return na > nb ? 1 : -1;
	if (ma != mb)
		return ma ? -1 : 1;
	if (wa != wb)
		return wa > wb ? 1 : -1;
	if (a->is_home != b->is_home)
		return a->is_home ? 1 : -1;
	if (a->digest != b->digest)
		return a->digest > b->digest ? 1 : -1;
	return journal_chain_digest(&a->chain) > journal_chain_digest(&b->chain) ? 1 : -1;
}

/* Whether nothing says that b's state of the key is newer than a's, which has no entry because its
 * journal began later. */
static bool is_unknown(const struct journal_side *a, const struct journal_side *b)
{
	return a->unknown && a->chain.n == 0 &&
	       (b->chain.n == 0 || b->chain.entries[0].epoch <= a->unknown);
}

/* Fill in what is missing, and neither overwrite nor delete what is unknown. */
static enum journal_winner fill_in(const struct journal_side *a, const struct journal_side *b)
{
	if (a->digest == 0 && b->digest != 0)
		return JOURNAL_SECOND;
	if (b->digest == 0 && a->digest != 0 && b->chain.n == 0)
		return JOURNAL_FIRST;
	return JOURNAL_CONFLICT;
}

enum journal_winner journal_decide(const struct journal_side *a, const struct journal_side *b)
{
	bool a_past = is_past(a, b), b_past = is_past(b, a);
	bool a_has = a->chain.n > 0, b_has = b->chain.n > 0;
	int order = 0;

	if (is_unknown(a, b))
		return fill_in(a, b);
	if (is_unknown(b, a)) {
		enum journal_winner w = fill_in(b, a);

		return w == JOURNAL_CONFLICT ? w
		       : w == JOURNAL_FIRST  ? JOURNAL_SECOND
					     : JOURNAL_FIRST;
	}
	if (a_past != b_past)
		order = a_past ? -1 : 1;
	else if (a_has && b_has)
		order = compare_chains(a, b);
	else if (a_has != b_has)
		order = a_has ? 1 : -1;
	else if (a->behind != b->behind)
		order = a->behind ? -1 : 1;
	else if ((a->digest == 0) != (b->digest == 0))
		order = a->digest ? 1 : -1; /* restore the key: nothing says that it was deleted */
	if (order == 0)
		return JOURNAL_CONFLICT;
	return order > 0 ? JOURNAL_FIRST : JOURNAL_SECOND;
}
