#include "recon/session_internal.h"

#include <stdlib.h>

/* Whether no other repair has replaced a content of the epoch since it was listed. */
static bool is_as_listed(
	const struct recon_session *s, const struct compared *x, const struct journal_epoch *e)
{
	return e->repairs == x->repairs || !recon_core_has_rule(s->c, RECON_REOPEN_CONTENT);
}

static void settle(struct recon_session *s, uint32_t epoch, uint64_t sum)
{
	struct journal_record r = {
		.action = JOURNAL_SETTLED, .peer = s->o.peer, .epoch = epoch, .sum = sum};

	recon_core_record(s->c, &r);
}

/* Note which of the sums are this node's own too; *to gets them when it is not NULL. */
static void agree_on(
	struct recon_session *s, const struct recon_settle *said, struct recon_settle *to)
{
	for (size_t i = 0; i < said->n; i++) {
		const struct recon_sum *sum = &said->sums[i];
		const struct compared *x = recon_session_epoch(s, sum->epoch);
		const struct journal_epoch *e = journal_find_epoch(s->c->journal, sum->epoch);

		if (!sum->is_held || !x || !e || e->sum != sum->sum || !is_as_listed(s, x, e))
			continue;
		settle(s, sum->epoch, sum->sum);
		if (to)
			to->sums[to->n++] = *sum;
	}
}

/* What the peer has forgotten, and all keys of which were compared, is settled with it. */
static void settle_forgotten(struct recon_session *s)
{
	uint32_t forgotten = s->theirs.forgotten;

	if (s->theirs.standing == RECON_UNKNOWN && s->theirs.horizon > forgotten)
		forgotten = s->theirs.horizon; /* it has no journal of them either */
	for (size_t i = 0; i < s->n_epochs; i++) {
		const struct compared *x = &s->epochs[i];
		const struct journal_epoch *e = journal_find_epoch(s->c->journal, x->epoch);

		if (e && x->epoch <= forgotten && !x->failed && is_as_listed(s, x, e))
			settle(s, x->epoch, e->sum);
	}
}

/* The dialer's epochs without a failed key. */
static bool list_sums(struct recon_session *s, struct recon_settle *said)
{
	said->all_well = s->all_well;
	said->standing = recon_core_standing(s->c);
	said->sums = calloc(s->n_epochs + 1, sizeof(*said->sums));
	if (!said->sums)
		return false;
	for (size_t i = 0; i < s->n_epochs; i++) {
		const struct compared *x = &s->epochs[i];
		const struct journal_epoch *e = journal_find_epoch(s->c->journal, x->epoch);

		if (x->failed)
			continue;
		said->sums[said->n++] = (struct recon_sum){
			.epoch = x->epoch,
			.is_held = e && is_as_listed(s, x, e),
			.sum = e ? e->sum : 0,
		};
	}
	return true;
}

void recon_session_settle(struct recon_session *s, struct recon_now now)
{
	struct recon_settle said = {0};
	bool ok = list_sums(s, &said) && recon_put_settle(&s->out, RECON_SETTLE, &said);

	s->stage = STAGE_SETTLE;
	recon_settle_fini(&said);
	recon_session_flush(s, ok, now);
}

/* The listener's part of it. */
static void answer(struct recon_session *s, const struct recon_settle *said, struct recon_now now)
{
	struct recon_settle agreed = {
		.all_well = s->all_well,
		.standing = s->my_standing,
		.sums = calloc(said->n + 1, sizeof(*agreed.sums)),
	};
	bool ok = agreed.sums != NULL;

	s->stage = STAGE_SETTLE;
	for (size_t i = 0; i < s->n_epochs; i++)
		s->epochs[i].failed = true;
	for (size_t i = 0; i < said->n; i++) {
		struct compared *x = recon_session_epoch(s, said->sums[i].epoch);

		if (x)
			x->failed = false;
	}
	if (ok) {
		agree_on(s, said, &agreed);
		settle_forgotten(s);
		recon_core_compared(
			s->c, s->o.peer, &s->theirs, s->their_standing, s->full && s->all_well);
		ok = recon_put_settle(&s->out, RECON_SETTLED, &agreed);
	}
	recon_settle_fini(&agreed);
	recon_session_flush(s, ok, now);
}

void recon_settle_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct recon_settle said;

	if (!recon_get_settle(f, &said)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	s->all_well &= said.all_well;
	if (s->o.is_dialer) {
		agree_on(s, &said, NULL);
		settle_forgotten(s);
		recon_core_compared(
			s->c, s->o.peer, &s->theirs, s->their_standing, s->full && s->all_well);
		recon_session_end(s, RECON_WHY_DONE);
	} else {
		answer(s, &said, now);
	}
	recon_settle_fini(&said);
}
