#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- One side of a key ---- */

bool recon_key_fill(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	const struct recon_core *c = s->c;
	struct journal_chain chain = journal_look(c->journal, k->name, k->len);
	struct recon_side *m = &k->mine;

	m->id = (uint32_t)(k - s->keys);
	m->is_unread = !content || chain.n > RECON_CHAIN_MAX || content->len > UINT32_MAX;
	m->is_busy = chain.under_way > 0;
	m->is_behind = c->kept.standing != RECON_INTACT;
	m->unknown = c->kept.standing == RECON_UNKNOWN ? c->kept.complete : 0;
	m->is_refused = recon_core_is_refused(c, &chain);
	m->forgotten =
		recon_core_has_rule(c, RECON_FORGOTTEN_LOSES) ? journal_forgotten(c->journal) : 0;
	m->horizon = journal_horizon(c->journal);
	if (m->is_unread)
		return true;
	m->is_home = chain.n > 0 && c->o.host->is_home(c->o.arg, chain.entries[0].newest);
	m->exists = content->exists;
	m->digest = content->exists ? content->digest : 0;
	m->deadline_ms = content->exists ? content->deadline_ms : 0;
	m->content_bytes = content->exists ? (uint32_t)content->len : 0;
	m->entries = calloc(chain.n + 1, sizeof(*m->entries));
	if (!m->entries)
		return false;
	if (chain.n > 0)
		memcpy(m->entries, chain.entries, chain.n * sizeof(*m->entries));
	m->n_entries = chain.n;
	return true;
}

static struct journal_chain chain_of(const struct recon_side *side)
{
	return (struct journal_chain){.entries = side->entries, .n = side->n_entries};
}

static struct journal_side judged(const struct recon_side *side)
{
	return (struct journal_side){
		.chain = chain_of(side),
		.forgotten = side->forgotten,
		.behind = side->is_behind,
		.digest = side->digest,
		.is_home = side->is_home,
		.unknown = side->unknown,
	};
}

/* Of two sides, one has a value that is older than its entries say. */
static enum journal_winner decide_refused(const struct key *k)
{
	const struct recon_side *m = &k->mine, *t = &k->theirs;
	uint64_t nm = m->n_entries > 0 ? m->entries[0].newest : 0;
	uint64_t nt = t->n_entries > 0 ? t->entries[0].newest : 0;

	if (m->is_refused && t->is_refused)
		return JOURNAL_CONFLICT;
	if (m->is_refused)
		return nt >= nm ? JOURNAL_SECOND : JOURNAL_CONFLICT;
	return nm >= nt ? JOURNAL_FIRST : JOURNAL_CONFLICT;
}

enum journal_winner recon_key_decide(const struct key *k)
{
	struct journal_side mine = judged(&k->mine), theirs = judged(&k->theirs);

	if (k->mine.is_refused || k->theirs.is_refused)
		return decide_refused(k);
	return journal_decide(&mine, &theirs);
}

/* ---- The side that loses takes the other's ---- */

bool recon_key_is_as_seen(struct recon_session *s, const struct key *k, struct recon_now now)
{
	struct journal_chain chain = journal_look(s->c->journal, k->name, k->len);
	struct journal_chain seen = chain_of(&k->mine);

	if (now.mono_ms - k->began_ms > s->o.key_ms && recon_core_has_rule(s->c, RECON_FRESH_KEYS))
		return false;
	if (!recon_core_has_rule(s->c, RECON_COMPARE_AND_SET))
		return true;
	return chain.under_way == 0 && journal_chain_digest(&chain) == journal_chain_digest(&seen);
}

static struct journal_record record_of(const struct key *k, enum journal_action action)
{
	const struct recon_side *t = &k->theirs;

	return (struct journal_record){
		.action = action,
		.key = k->name,
		.len = k->len,
		.stamp = t->n_entries > 0 ? t->entries[0].newest : 0,
		.entries = t->entries,
		.n_entries = t->n_entries,
		.epoch = t->horizon,
	};
}

bool recon_key_align(struct recon_session *s, const struct key *k)
{
	struct journal_record r = record_of(k, JOURNAL_ALIGNED);
	struct journal_chain mine = chain_of(&k->mine), theirs = chain_of(&k->theirs);

	/* An entry of what the other has forgotten stays until it is forgotten here. */
	if (journal_chain_digest(&mine) == journal_chain_digest(&theirs) ||
		(mine.n > 0 && mine.entries[0].epoch <= k->theirs.forgotten))
		return true;
	return recon_core_record(s->c, &r);
}

bool recon_key_apply(struct recon_session *s, struct key *k)
{
	const struct recon_side *t = &k->theirs;
	struct journal_record r = record_of(k, JOURNAL_REPAIR);
	struct recon_content content = {
		.exists = t->exists,
		.deadline_ms = t->deadline_ms,
		.bytes = t->exists ? buf_head(&k->content) : NULL,
		.len = t->exists ? buf_len(&k->content) : 0,
		.digest = t->digest,
	};

	k->state = KEY_APPLYING;
	return recon_core_ask_apply(s->c, s, (uint32_t)(k - s->keys), &r, &content);
}

void recon_keys_before_repair(struct recon_session *s, const struct journal_record *r)
{
	struct journal_chain chain = journal_look(s->c->journal, r->key, r->len);

	for (size_t i = 0; i < chain.n + r->n_entries; i++) {
		const struct journal_entry *e =
			i < chain.n ? &chain.entries[i] : &r->entries[i - chain.n];
		struct compared *x = recon_session_epoch(s, e->epoch);
		const struct journal_epoch *epoch = journal_find_epoch(s->c->journal, e->epoch);

		if (!x)
			continue;
		x->is_touched = true;
		x->before = epoch ? epoch->repairs : 0;
	}
}

void recon_keys_after_repair(struct recon_session *s)
{
	for (size_t i = 0; i < s->n_epochs; i++) {
		struct compared *x = &s->epochs[i];
		const struct journal_epoch *epoch;

		if (!x->is_touched)
			continue;
		epoch = journal_find_epoch(s->c->journal, x->epoch);
		x->repairs += (epoch ? epoch->repairs : 0) - x->before;
		x->is_touched = false;
	}
}
