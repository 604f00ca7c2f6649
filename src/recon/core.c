#include "recon/core_internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t bit(uint32_t peer)
{
	return UINT64_C(1) << peer;
}

static void keep(struct recon_core *c)
{
	c->o.host->keep(c->o.arg, &c->kept);
}

uint32_t recon_core_epoch_before(uint32_t ago_ms, struct recon_now now)
{
	return now.wall_ms > ago_ms ? stamp_epoch(stamp_make(now.wall_ms - ago_ms, 0, 0)) : 0;
}

bool recon_core_record(struct recon_core *c, const struct journal_record *r)
{
	c->o.host->record(c->o.arg, r);
	return journal_do(c->journal, r);
}

/* ---- The write path ---- */

static struct journal_record record_of(const struct recon_write *w, enum journal_action action)
{
	return (struct journal_record){
		.action = action,
		.key = w->key,
		.len = w->len,
		.stamp = w->stamp,
		.kind = w->kind,
		.mixed = w->mixed,
	};
}

static bool is_late(const struct recon_core *c, uint64_t stamp, struct recon_now now)
{
	uint32_t closed = recon_core_has_rule(c, RECON_CLOSE_EPOCHS)
				  ? journal_closed(c->journal)
				  : journal_forgotten(c->journal);

	if (recon_core_has_rule(c, RECON_LATE_REFUSAL) &&
		stamp_ms(stamp) + c->o.max_delay_ms < now.wall_ms)
		return true;
	return stamp_epoch(stamp) <= closed;
}

/* Record a write that is not carried out. */
static enum recon_verdict pass_over(
	struct recon_core *c, const struct recon_write *w, enum journal_action action, bool mixed)
{
	struct journal_record r = record_of(w, action);

	r.mixed = mixed;
	return recon_core_record(c, &r) ? RECON_DO_NOTHING : RECON_NO_MEMORY;
}

enum recon_verdict recon_core_write(
	struct recon_core *c, const struct recon_write *w, struct recon_now now)
{
	struct journal_record r = record_of(w, JOURNAL_SENT);
	bool doubt = recon_core_has_rule(c, RECON_MIXED_FOR_OLDER);

	if (!stamp_see(c->o.clock, w->stamp, now.wall_ms))
		return RECON_TOO_FAR;
	if (is_late(c, w->stamp, now))
		return RECON_TOO_LATE;
	r.hash = journal_key_hash(c->journal, w->key, w->len);
	switch (journal_arrival_hashed(c->journal, w->key, w->len, r.hash, w->stamp, w->kind)) {
	case JOURNAL_WAIT:
		if (recon_core_has_rule(c, RECON_WAIT_ITS_TURN))
			return RECON_WAIT;
		break;
	case JOURNAL_COUNT:
		return pass_over(c, w, JOURNAL_COUNTED, false);
	case JOURNAL_COUNT_MIXED:
		return pass_over(c, w, JOURNAL_COUNTED, doubt);
	case JOURNAL_LEAVE_MIXED:
		return pass_over(c, w, JOURNAL_LEFT, true);
	case JOURNAL_LEAVE:
		return RECON_DO_NOTHING;
	case JOURNAL_CARRY_OUT_MIXED:
		r.mixed |= doubt;
		break;
	case JOURNAL_CARRY_OUT:
		break;
	}
	if (c->kept.standing != RECON_INTACT && w->kind == JOURNAL_UPDATE)
		r.mixed |= recon_core_has_rule(c, RECON_MIXED_WHILE_BEHIND);
	return recon_core_record(c, &r) ? RECON_CARRY_OUT : RECON_NO_MEMORY;
}

uint64_t recon_core_place(const struct recon_core *c)
{
	return journal_last_place(c->journal);
}

void recon_core_prefetch(const struct recon_core *c, const void *key, size_t len)
{
	journal_prefetch(c->journal, journal_key_hash(c->journal, key, len));
}

/* Whether Redis has it is not known: it does not count, but the key's content is in doubt.  Where
 * nothing else is known of the key it counts, since doubt is a mark of an entry. */
static void leave_unsure(struct recon_core *c, struct journal_record *r)
{
	if (journal_look(c->journal, r->key, r->len).n == 0 && r->action == JOURNAL_SENT) {
		r->action = JOURNAL_TAKEN;
		r->mixed = true;
		recon_core_record(c, r);
		return;
	}
	r->action = JOURNAL_WITHDRAWN;
	recon_core_record(c, r);
	r->action = JOURNAL_LEFT;
	recon_core_record(c, r);
}

void recon_core_answered(
	struct recon_core *c, const struct recon_write *w, enum recon_outcome outcome)
{
	struct journal_record r = record_of(w, JOURNAL_SENT);

	if (outcome == RECON_UNSURE) {
		leave_unsure(c, &r);
		return;
	}
	r.action = outcome == RECON_TAKEN ? JOURNAL_TAKEN : JOURNAL_WITHDRAWN;
	r.place = w->place;
	recon_core_record(c, &r);
}

/* ---- What one node tells another ---- */

static bool is_settled_with_all(const struct recon_core *c, const struct journal_epoch *e)
{
	return (e->settled & c->o.peers) == c->o.peers;
}

bool recon_core_hello(
	struct recon_core *c, uint32_t peer, struct recon_now now, struct recon_hello *h)
{
	size_t n;
	const struct journal_epoch *epochs = journal_epochs(c->journal, &n);
	uint32_t complete = recon_core_epoch_before(c->o.max_delay_ms, now);
	struct journal_record r = {.action = JOURNAL_CLOSED};

	*h = (struct recon_hello){
		.standing = c->kept.standing,
		.wants_full = recon_core_needs_full(c, peer),
		.node = c->o.node,
		.share = c->o.share,
		.incarnation = c->kept.incarnation,
		.clock_ms = now.wall_ms,
		.forgotten = journal_forgotten(c->journal),
		.horizon = journal_horizon(c->journal),
		.closed = recon_core_epoch_before(c->o.close_ms, now),
	};
	strcpy(h->name, c->name);
	if (n > RECON_EPOCHS_MAX) {
		n = RECON_EPOCHS_MAX; /* later ones when these are settled */
		h->closed = epochs[n].epoch < h->closed ? epochs[n].epoch : h->closed;
	}
	h->epochs = calloc(n ? n : 1, sizeof(*h->epochs));
	if (!h->epochs)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct journal_epoch *e = &epochs[i];
		bool all = c->kept.standing == RECON_INTACT && is_settled_with_all(c, e) &&
			   e->epoch < complete;

		h->epochs[h->n_epochs++] = (struct recon_hello_epoch){
			.epoch = e->epoch,
			.n_entries = e->n_entries,
			.n_mixed = e->n_mixed,
			.sum = e->sum,
			.is_settled = e->settled >> peer & 1,
			.is_settled_with_all = all,
		};
		if (all && e->epoch > r.epoch)
			r.epoch = e->epoch;
	}
	if (r.epoch > journal_closed(c->journal))
		recon_core_record(c, &r);
	return true;
}

/* Whether what came back with less is all that epochs cannot bring. */
static void judge_loss(struct recon_core *c, uint32_t peer, const struct recon_hello *h)
{
	c->kept.contacted |= bit(peer);
	if (h->horizon > c->kept.complete && recon_core_has_rule(c, RECON_FULL_COMPARISON)) {
		c->kept.standing = RECON_BEHIND;
		c->kept.compared = 0;
	} else if ((c->kept.contacted & c->o.peers) == c->o.peers) {
		c->kept.standing = RECON_INTACT;
	}
}

/* Whether the peer holds nothing any more of the time before this journal began. */
static void judge_unknown(struct recon_core *c, uint32_t peer, const struct recon_hello *h)
{
	if (h->n_epochs == 0 || h->epochs[0].epoch > c->kept.complete)
		c->kept.contacted |= bit(peer);
	else
		c->kept.contacted &= ~bit(peer);
}

static void hear_said(struct recon_core *c, uint32_t peer, const struct recon_hello *h)
{
	struct journal_record r = {.action = JOURNAL_SAID, .peer = peer};

	for (size_t i = 0; i < h->n_epochs; i++) {
		const struct recon_hello_epoch *said = &h->epochs[i];
		const struct journal_epoch *e = journal_find_epoch(c->journal, said->epoch);

		if (!said->is_settled_with_all || !e || e->sum != said->sum || e->said >> peer & 1)
			continue;
		r.epoch = e->epoch;
		r.sum = e->sum;
		recon_core_record(c, &r);
	}
}

void recon_core_hear(struct recon_core *c, uint32_t peer, const struct recon_hello *h)
{
	struct recon_peer *p = &c->kept.peers[peer];
	struct journal_record r = {.action = JOURNAL_REPUDIATED, .peer = peer};

	if (p->incarnation != h->incarnation) {
		recon_core_record(c, &r);
		p->incarnation = h->incarnation;
	}
	p->forgotten = h->forgotten;
	/* It has no entries of before its journal began, and will never say anything of them. */
	if (h->standing == RECON_UNKNOWN && h->horizon > p->forgotten)
		p->forgotten = h->horizon;
	if (c->kept.standing == RECON_LOST)
		judge_loss(c, peer, h);
	else if (c->kept.standing == RECON_UNKNOWN)
		judge_unknown(c, peer, h);
	hear_said(c, peer, h);
	keep(c);
}

bool recon_core_needs_full(const struct recon_core *c, uint32_t peer)
{
	if (c->wants_full & bit(peer))
		return true;
	switch (c->kept.standing) {
	case RECON_INTACT:
	case RECON_LOST:
		return false;
	case RECON_BEHIND:
		return true;
	case RECON_UNKNOWN:
		return !(c->kept.compared & bit(peer));
	}
	return false;
}

void recon_core_compared(struct recon_core *c, uint32_t peer, const struct recon_hello *h,
	enum recon_standing other, bool full)
{
	struct journal_record r = {.action = JOURNAL_FORGOT};
	bool is_behind = c->kept.standing == RECON_BEHIND;
	uint32_t forgotten = journal_forgotten(c->journal);

	if (!is_behind && c->kept.standing != RECON_UNKNOWN)
		return;
	if (full)
		c->kept.compared |= bit(peer);
	keep(c);
	if (is_behind ? !full : (c->kept.contacted & c->o.peers) != c->o.peers)
		return;
	if (!(c->kept.compared & bit(peer)) ||
		(other != RECON_INTACT && (c->kept.compared & c->o.peers) != c->o.peers))
		return;
	c->kept.standing = RECON_INTACT;
	r.epoch = h->forgotten > forgotten ? h->forgotten : forgotten;
	recon_core_record(c, &r);
	r.action = JOURNAL_DROPPED;
	r.epoch = h->horizon;
	recon_core_record(c, &r);
	keep(c);
}

void recon_core_forget(struct recon_core *c, struct recon_now now)
{
	uint32_t limit = recon_core_epoch_before(c->o.max_delay_ms, now);
	struct journal_record r = {.action = JOURNAL_FORGOT};
	size_t n;
	const struct journal_epoch *e = journal_epochs(c->journal, &n);

	if (c->kept.standing != RECON_INTACT)
		return;
	for (; n > 0 && e->epoch < limit; e++, n--) {
		uint64_t said = e->said;

		for (uint32_t p = 0; p < JOURNAL_PEERS_MAX; p++)
			if (c->kept.peers[p].forgotten >= e->epoch)
				said |= bit(p);
		if (!recon_core_has_rule(c, RECON_FORGET_ALL)
				? !e->settled && c->o.peers
				: !is_settled_with_all(c, e) || (said & c->o.peers) != c->o.peers)
			break;
		r.epoch = e->epoch;
	}
	if (r.epoch > journal_forgotten(c->journal))
		recon_core_record(c, &r);
}

uint64_t recon_core_settled_until(const struct recon_core *c, uint32_t peer, struct recon_now began)
{
	uint32_t until = recon_core_epoch_before(c->o.close_ms, began);
	size_t n;
	const struct journal_epoch *e = journal_epochs(c->journal, &n);

	if (recon_core_needs_full(c, peer))
		return 0;
	for (size_t i = 0; i < n && e[i].epoch < until; i++)
		if (!(e[i].settled & bit(peer)))
			until = e[i].epoch;
	return (uint64_t)until << STAMP_EPOCH_MS_BITS;
}

void recon_core_want_full(struct recon_core *c, uint32_t peer, bool wanted)
{
	c->wants_full = wanted ? c->wants_full | bit(peer) : c->wants_full & ~bit(peer);
}

/* ---- Creating, beginning again, releasing ---- */

static void drop_pending(struct recon_core *c)
{
	struct recon_pending *p;

	while ((p = TAILQ_FIRST(&c->pending))) {
		TAILQ_REMOVE(&c->pending, p, link);
		free(p->entries);
		free(p->key);
		free(p);
	}
}

struct recon_core *recon_core_new(const struct recon_options *o, struct recon_now now)
{
	struct recon_core *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->o = *o;
	strncpy(c->name, o->name, RECON_NAME_MAX);
	c->o.name = c->name;
	TAILQ_INIT(&c->pending);
	c->kept.incarnation = o->incarnation;
	c->kept.standing = o->peers ? o->standing : RECON_INTACT;
	c->journal = journal_new(o->seed);
	if (!c->journal) {
		free(c);
		return NULL;
	}
	if (c->kept.standing == RECON_UNKNOWN) {
		struct journal_record r = {.action = JOURNAL_DROPPED};

		/* Whatever it took before has no later stamp. */
		r.epoch = stamp_epoch(stamp_make(now.wall_ms + STAMP_AHEAD_MAX_MS, 0, 0));
		c->kept.complete = r.epoch;
		recon_core_record(c, &r);
	}
	return c;
}

void recon_core_free(struct recon_core *c)
{
	if (!c)
		return;
	drop_pending(c);
	journal_free(c->journal);
	free(c);
}

bool recon_core_restart(struct recon_core *c, const struct recon_kept *k)
{
	struct journal *j = journal_new(c->o.seed);

	if (!j)
		return false;
	drop_pending(c);
	journal_free(c->journal);
	c->journal = j;
	if (k)
		c->kept = *k;
	return true;
}

bool recon_core_replay(struct recon_core *c, const struct journal_record *r)
{
	return journal_do(c->journal, r);
}

void recon_core_came_back(struct recon_core *c, uint64_t incarnation)
{
	size_t n;
	const struct journal_epoch *e = journal_epochs(c->journal, &n);

	c->kept.incarnation = incarnation;
	c->kept.standing = RECON_LOST;
	c->kept.contacted = c->kept.compared = 0;
	c->kept.complete = journal_forgotten(c->journal);
	for (size_t i = 0; i < n && is_settled_with_all(c, &e[i]); i++)
		c->kept.complete = e[i].epoch;
	keep(c);
}

const struct journal *recon_core_journal(const struct recon_core *c)
{
	return c->journal;
}

enum recon_standing recon_core_standing(const struct recon_core *c)
{
	return c->kept.standing;
}

const struct recon_kept *recon_core_kept(const struct recon_core *c)
{
	return &c->kept;
}
