#include "journal/journal_internal.h"

#include "journal/stamp.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const struct journal_entry *entries_of(const struct chain *c)
{
	return c->n > 1 ? c->many.all : &c->one;
}

static uint64_t newest_of(const struct chain *c)
{
	return c->n > 0 ? entries_of(c)[0].newest : 0;
}

static uint64_t newest_overwrite(const struct journal_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i].overwrite)
			return entries[i].overwrite;
	return 0;
}

/* ---- Changes ---- */

/* The entry of an epoch, created if needed.  It is taken out of its epoch's sum: the caller changes
 * it and adds it again.  NULL when out of memory. */
static struct journal_entry *entry_for(struct journal *j, struct chain *c, uint32_t epoch)
{
	struct journal_entry *entries = journal_chain_entries(c);
	uint32_t at = 0;

	if (!journal_epoch_make(j, epoch))
		return NULL;
	while (at < c->n && entries[at].epoch > epoch)
		at++;
	if (at == c->n || entries[at].epoch != epoch)
		return journal_chain_insert(j, c, at, epoch);
	journal_epoch_take(j, c, &entries[at]);
	return &entries[at];
}

static void clear_doubt(struct journal *j, struct chain *c)
{
	struct journal_entry *entries = journal_chain_entries(c);

	for (size_t i = 0; i < c->n; i++) {
		if (!entries[i].mixed)
			continue;
		journal_epoch_take(j, c, &entries[i]);
		entries[i].mixed = false;
		journal_epoch_add(j, c, &entries[i]);
	}
}

/* Add a write to the chain.  False when out of memory. */
static bool count(
	struct journal *j, struct chain *c, uint64_t stamp, enum journal_kind kind, bool mixed)
{
	uint64_t newest = newest_of(c);
	struct journal_entry *e;

	if (stamp_epoch(stamp) <= j->forgotten)
		return true;
	if (kind != JOURNAL_UPDATE && stamp > newest && !mixed)
		clear_doubt(j, c);
	e = entry_for(j, c, stamp_epoch(stamp));
	if (!e)
		return false;
	e->sum += journal_mix(stamp);
	e->count++;
	e->mixed |= mixed;
	if (stamp > e->newest)
		e->newest = stamp;
	if (kind != JOURNAL_UPDATE && stamp > e->overwrite)
		e->overwrite = stamp;
	journal_epoch_add(j, c, e);
	return true;
}

static void doubt_newest(struct journal *j, struct chain *c)
{
	struct journal_entry *newest = journal_chain_entries(c);

	if (c->n == 0 || newest->mixed)
		return;
	journal_epoch_take(j, c, newest);
	newest->mixed = true;
	journal_epoch_add(j, c, newest);
}

static bool add_attempt(struct journal *j, struct chain *c, const struct journal_record *r)
{
	const struct attempt attempt = {
		.stamp = r->stamp,
		.is_repair = r->action == JOURNAL_REPAIR,
		.mixed = r->mixed,
		.kind = r->kind,
	};

	return journal_attempt_add(j, c, &attempt);
}

/* The content of a key has changed, though perhaps not its chain: its epochs are no longer settled.
 */
static void reopen(struct journal *j, const struct journal_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct journal_epoch *e = journal_epoch_find(j, entries[i].epoch);

		if (!e)
			continue;
		e->settled = e->said = 0;
		e->repairs++;
	}
}

static const struct journal_entry *of_epoch(
	const struct journal_entry *entries, uint32_t n, uint32_t epoch)
{
	for (uint32_t i = 0; i < n; i++)
		if (entries[i].epoch == epoch)
			return &entries[i];
	return NULL;
}

static bool is_same(const struct journal_entry *a, const struct journal_entry *b)
{
	return a->newest == b->newest && a->overwrite == b->overwrite && a->sum == b->sum &&
	       a->epoch == b->epoch && a->count == b->count && a->mixed == b->mixed;
}

/* Replace the key's chain by the record's, but for epochs forgotten here. */
static bool install(struct journal *j, struct chain *c, const struct journal_record *r)
{
	struct journal_entry *entries = NULL;
	uint32_t n = 0;

	if (r->n_entries > 0) {
		entries = malloc(r->n_entries * sizeof(*entries));
		if (!entries)
			return false;
	}
	for (size_t i = 0; i < r->n_entries; i++) {
		if (r->entries[i].epoch <= j->forgotten)
			continue;
		if (!journal_epoch_make(j, r->entries[i].epoch)) {
			free(entries);
			return false;
		}
		entries[n++] = r->entries[i];
	}
	for (uint32_t i = 0; i < c->n; i++) {
		const struct journal_entry *was = &entries_of(c)[i];
		const struct journal_entry *is = of_epoch(entries, n, was->epoch);

		if (!is && was->epoch > j->dropped)
			j->dropped = was->epoch;
		if (!is || !is_same(is, was))
			journal_epoch_take(j, c, was);
	}
	for (uint32_t k = 0; k < n; k++) {
		const struct journal_entry *was = of_epoch(entries_of(c), c->n, entries[k].epoch);

		if (!was || !is_same(was, &entries[k]))
			journal_epoch_add(j, c, &entries[k]);
	}
	if (r->epoch > j->dropped)
		j->dropped = r->epoch;
	journal_chain_replace(j, c, entries, n, (uint32_t)r->n_entries);
	if (r->n_entries > 0 && r->entries[0].newest > c->repaired)
		c->repaired = r->entries[0].newest;
	journal_epoch_drop_empty(j);
	return true;
}

/* The chain of a record's key, made if needed.  NULL when out of memory. */
static struct chain *chain_for(struct journal *j, const struct journal_record *r)
{
	struct journal_name name;

	/* It has an attempt, so that it is there. */
	if (r->place >> 32 == j->number)
		return slab_at(&j->chains, (uint32_t)r->place);
	name = journal_name_of(j, r->key, r->len, r->hash);
	return journal_table_make(j, &name);
}

static bool do_write(struct journal *j, const struct journal_record *r)
{
	struct chain *c = chain_for(j, r);
	struct attempt was;
	bool ok = true;

	if (!c)
		return false;
	switch (r->action) {
	case JOURNAL_SENT:
	case JOURNAL_REPAIR:
		ok = add_attempt(j, c, r);
		j->last_place = c->number;
		break;
	case JOURNAL_TAKEN:
		ok = !journal_attempt_end(j, c, r->stamp, false, &was) ||
		     count(j, c, r->stamp, was.kind, was.mixed || r->mixed);
		break;
	case JOURNAL_WITHDRAWN:
		if (!journal_attempt_end(j, c, r->stamp, false, &was))
			journal_attempt_end(j, c, r->stamp, true, &was);
		break;
	case JOURNAL_COUNTED:
		ok = count(j, c, r->stamp, r->kind, r->mixed);
		break;
	case JOURNAL_LEFT:
		doubt_newest(j, c);
		break;
	case JOURNAL_REPAIRED:
		if (!journal_attempt_end(j, c, r->stamp, true, &was))
			break;
		reopen(j, entries_of(c), c->n);
		ok = install(j, c, r);
		reopen(j, entries_of(c), c->n);
		break;
	case JOURNAL_KEPT_CHAIN:
		ok = journal_kept_chain(j, c, r);
		break;
	default:
		ok = install(j, c, r);
		break;
	}
	journal_table_drop_if_empty(j, c);
	return ok;
}

bool journal_do(struct journal *j, const struct journal_record *r)
{
	struct journal_epoch *e;

	switch (r->action) {
	case JOURNAL_KEPT_LIMITS:
		j->forgotten = r->limits->forgotten;
		j->closed = r->limits->closed;
		j->dropped = r->limits->dropped;
		return true;
	case JOURNAL_KEPT_EPOCH:
		journal_kept_epoch(j, r->marks);
		return true;
	case JOURNAL_SETTLED:
	case JOURNAL_SAID:
		e = journal_epoch_find(j, r->epoch);
		if (e && e->sum == r->sum && r->action == JOURNAL_SETTLED)
			e->settled |= UINT64_C(1) << r->peer;
		else if (e && e->sum == r->sum)
			e->said |= UINT64_C(1) << r->peer;
		return true;
	case JOURNAL_FORGOT:
		if (r->epoch > j->forgotten)
			j->forgotten = r->epoch;
		journal_chain_forget(j, r->epoch);
		journal_epoch_drop_empty(j);
		return true;
	case JOURNAL_CLOSED:
		if (r->epoch > j->closed)
			j->closed = r->epoch;
		return true;
	case JOURNAL_DROPPED:
		if (r->epoch > j->dropped)
			j->dropped = r->epoch;
		return true;
	case JOURNAL_REPUDIATED:
		for (size_t i = 0; i < j->n_epochs; i++) {
			j->epochs[i].settled &= ~(UINT64_C(1) << r->peer);
			j->epochs[i].said &= ~(UINT64_C(1) << r->peer);
		}
		return true;
	default:
		break;
	}
	if (do_write(j, r))
		return true;
	journal_epoch_drop_empty(j); /* made for an entry for which there was no memory */
	return false;
}

/* ---- Queries ---- */

enum journal_verdict journal_arrival(const struct journal *j, const void *key, size_t len,
	uint64_t stamp, enum journal_kind kind)
{
	return journal_arrival_hashed(j, key, len, 0, stamp, kind);
}

enum journal_verdict journal_arrival_hashed(const struct journal *j, const void *key, size_t len,
	uint64_t hash, uint64_t stamp, enum journal_kind kind)
{
	const struct journal_name name = journal_name_of(j, key, len, hash);
	const struct chain *c = journal_table_find(j, &name);
	uint64_t newest, overwrite;

	if (!c)
		return JOURNAL_CARRY_OUT;
	for (uint32_t at = c->attempts; at; at = j->attempts[at].next)
		if (j->attempts[at].stamp > stamp || j->attempts[at].is_repair)
			return JOURNAL_WAIT;
	newest = newest_of(c);
	overwrite = newest_overwrite(entries_of(c), c->n);
	if (stamp == c->repaired)
		return JOURNAL_LEAVE; /* the repair brought it; newer ones may have come since */
	if (stamp < c->repaired)
		return stamp < overwrite ? JOURNAL_LEAVE : JOURNAL_LEAVE_MIXED;
	if (stamp < overwrite)
		return JOURNAL_COUNT;
	if (stamp < newest)
		return kind == JOURNAL_UPDATE ? JOURNAL_CARRY_OUT_MIXED : JOURNAL_COUNT_MIXED;
	return JOURNAL_CARRY_OUT;
}

uint64_t journal_last_place(const struct journal *j)
{
	return (uint64_t)j->number << 32 | j->last_place;
}

struct journal_chain journal_look(const struct journal *j, const void *key, size_t len)
{
	const struct journal_name name = journal_name_of(j, key, len, 0);
	const struct chain *c = journal_table_find(j, &name);

	return c ? journal_view(j, c) : (struct journal_chain){0};
}

uint64_t journal_chain_digest(const struct journal_chain *c)
{
	uint64_t h = journal_mix(c->n);

	for (size_t i = 0; i < c->n; i++) {
		const struct journal_entry *e = &c->entries[i];

		h = journal_mix(h ^ e->newest) + e->sum;
		h = journal_mix(h ^ e->overwrite) + e->count * 2 + e->mixed;
	}
	return h;
}

const struct journal_epoch *journal_epochs(const struct journal *j, size_t *n)
{
	*n = j->n_epochs;
	return j->epochs;
}

const struct journal_epoch *journal_find_epoch(const struct journal *j, uint32_t epoch)
{
	return journal_epoch_find(j, epoch);
}

uint32_t journal_forgotten(const struct journal *j)
{
	return j->forgotten;
}

uint32_t journal_closed(const struct journal *j)
{
	return j->closed > j->forgotten ? j->closed : j->forgotten;
}

uint32_t journal_horizon(const struct journal *j)
{
	return j->dropped > j->forgotten ? j->dropped : j->forgotten;
}

size_t journal_n_entries(const struct journal *j)
{
	return j->n_entries;
}

/* ---- Creating and releasing ---- */

struct journal *journal_new(uint64_t seed)
{
	static atomic_uint n_made;
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->seed = seed;
	do
		j->number = atomic_fetch_add_explicit(&n_made, 1, memory_order_relaxed) + 1;
	while (j->number == 0); /* no place is 0 */
	return j;
}

static void free_entries(void *arg, const void *block)
{
	(void)arg;
	journal_chain_fini(block);
}

void journal_free(struct journal *j)
{
	uint64_t cursor = 0;
	size_t n;

	if (!j)
		return;
	while (slab_each(&j->chains, &cursor, &n, free_entries, NULL))
		;
	slab_fini(&j->chains);
	journal_table_fini(j);
	free(j->attempts);
	free(j->epochs);
	free(j);
}
