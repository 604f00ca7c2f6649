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
static int compare_chains(const struct journal_side *a, const struct journal_side *b,
	uint32_t (*rack_of)(uint64_t stamp))
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
	if ((a->rack == rack_of(na)) != (b->rack == rack_of(na)))
		return a->rack == rack_of(na) ? 1 : -1;
	if (a->digest != b->digest)
		return a->digest > b->digest ? 1 : -1;
	return journal_chain_digest(&a->chain) > journal_chain_digest(&b->chain) ? 1 : -1;
}

enum journal_winner journal_decide(const struct journal_side *a, const struct journal_side *b,
	uint32_t (*rack_of)(uint64_t stamp))
{
	bool a_past = is_past(a, b), b_past = is_past(b, a);
	bool a_has = a->chain.n > 0, b_has = b->chain.n > 0;
	int order = 0;

	if (a_past != b_past)
		order = a_past ? -1 : 1;
	else if (a_has && b_has)
		order = compare_chains(a, b, rack_of);
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
