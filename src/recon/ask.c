#include "recon/core_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- What the host is asked, and answers ---- */

static struct recon_pending *ask(
	struct recon_core *c, struct recon_session *s, uint32_t id, enum recon_asked what)
{
	struct recon_pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ticket = ++c->last_ticket;
	p->what = what;
	p->session = s;
	p->id = id;
	TAILQ_INSERT_TAIL(&c->pending, p, link);
	return p;
}

static struct recon_pending *find(struct recon_core *c, uint64_t ticket, enum recon_asked what)
{
	struct recon_pending *p;

	TAILQ_FOREACH (p, &c->pending, link)
		if (p->ticket == ticket && p->what == what)
			return p;
	return NULL;
}

static void end(struct recon_core *c, struct recon_pending *p)
{
	TAILQ_REMOVE(&c->pending, p, link);
	free(p->entries);
	free(p->key);
	free(p);
}

bool recon_core_ask_read(
	struct recon_core *c, struct recon_session *s, uint32_t id, const void *key, size_t len)
{
	struct recon_pending *p = ask(c, s, id, RECON_ASKED_READ);

	if (p)
		c->o.host->read(c->o.arg, key, len, p->ticket);
	return p != NULL;
}

bool recon_core_ask_scan(struct recon_core *c, struct recon_session *s)
{
	struct recon_pending *p = ask(c, s, 0, RECON_ASKED_SCAN);

	if (p)
		c->o.host->scan(c->o.arg, p->ticket);
	return p != NULL;
}

bool recon_core_ask_apply(struct recon_core *c, struct recon_session *s, uint32_t id,
	const struct journal_record *r, const struct recon_content *content)
{
	struct recon_pending *p = ask(c, s, id, RECON_ASKED_APPLY);

	if (!p)
		return false;
	p->peer = recon_session_peer(s);
	p->record = *r;
	p->key = malloc(r->len ? r->len : 1);
	p->entries = calloc(r->n_entries ? r->n_entries : 1, sizeof(*p->entries));
	if (!p->key || !p->entries)
		goto failed;
	memcpy(p->key, r->key, r->len);
	if (r->n_entries > 0)
		memcpy(p->entries, r->entries, r->n_entries * sizeof(*p->entries));
	p->record.key = p->key;
	p->record.entries = p->entries;
	p->record.action = JOURNAL_REPAIR;
	if (!recon_core_record(c, &p->record))
		goto failed;
	c->o.host->apply(c->o.arg, p->key, r->len, content, p->ticket);
	return true;
failed:
	end(c, p);
	return false;
}

void recon_core_leave(struct recon_core *c, struct recon_session *s)
{
	struct recon_pending *p, *next;

	for (p = TAILQ_FIRST(&c->pending); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->session != s)
			continue;
		p->session = NULL;
		if (p->what != RECON_ASKED_APPLY)
			end(c, p);
	}
}

void recon_core_read_done(struct recon_core *c, uint64_t ticket,
	const struct recon_content *content, struct recon_now now)
{
	struct recon_pending *p = find(c, ticket, RECON_ASKED_READ);
	struct recon_session *s;
	uint32_t id;

	if (!p)
		return;
	s = p->session;
	id = p->id;
	end(c, p);
	recon_keys_read(s, id, content, now);
}

bool recon_core_is_refused(const struct recon_core *c, const struct journal_chain *chain)
{
	for (size_t i = 0; i < RECON_REFUSED_MAX; i++)
		if (c->refused[i].hash == chain->hash && chain->n > 0 &&
			c->refused[i].chain_digest == journal_chain_digest(chain))
			return true;
	return false;
}

static void accept(struct recon_core *c, const struct journal_record *r)
{
	uint64_t hash = journal_key_hash(c->journal, r->key, r->len);

	for (size_t i = 0; i < RECON_REFUSED_MAX; i++)
		if (c->refused[i].hash == hash)
			c->refused[i].hash = 0;
}

void recon_core_refuse(struct recon_core *c, uint32_t peer, const struct journal_record *r)
{
	struct journal_record aligned = *r;
	struct journal_chain chain;

	aligned.action = JOURNAL_ALIGNED;
	recon_core_record(c, &aligned);
	chain = journal_look(c->journal, r->key, r->len);
	c->refused[c->next_refused++ % RECON_REFUSED_MAX] = (struct recon_refused){
		.hash = chain.hash,
		.chain_digest = journal_chain_digest(&chain),
	};
	c->o.host->unsettled(c->o.arg, peer, r->key, r->len, RECON_REFUSED);
}

/* Doubt is left where nobody knows whether the repair was made. */
static void leave_unsure(struct recon_core *c, struct journal_record *r)
{
	r->action = JOURNAL_WITHDRAWN;
	recon_core_record(c, r);
	r->action = JOURNAL_LEFT;
	recon_core_record(c, r);
}

void recon_core_applied(
	struct recon_core *c, uint64_t ticket, enum recon_outcome outcome, struct recon_now now)
{
	struct recon_pending *p = find(c, ticket, RECON_ASKED_APPLY);

	if (!p)
		return;
	switch (outcome) {
	case RECON_TAKEN:
		p->record.action = JOURNAL_REPAIRED;
		if (p->session)
			recon_keys_before_repair(p->session, &p->record);
		recon_core_record(c, &p->record);
		if (p->session)
			recon_keys_after_repair(p->session);
		accept(c, &p->record);
		break;
	case RECON_WITHDRAWN:
		p->record.action = JOURNAL_WITHDRAWN;
		recon_core_record(c, &p->record);
		recon_core_refuse(c, p->peer, &p->record);
		break;
	case RECON_UNSURE:
		leave_unsure(c, &p->record);
		break;
	}
	TAILQ_REMOVE(&c->pending, p, link);
	if (p->session)
		recon_keys_applied(p->session, p->id, outcome, now);
	free(p->entries);
	free(p->key);
	free(p);
}

bool recon_core_scan_wants(struct recon_core *c, uint64_t ticket, const void *key, size_t len)
{
	struct recon_pending *p = find(c, ticket, RECON_ASKED_SCAN);

	return p && recon_full_wants(p->session, key, len);
}

void recon_core_scan_key(
	struct recon_core *c, uint64_t ticket, const void *key, size_t len, uint64_t digest)
{
	struct recon_pending *p = find(c, ticket, RECON_ASKED_SCAN);

	if (p)
		recon_full_key(p->session, key, len, digest);
}

void recon_core_scan_done(struct recon_core *c, uint64_t ticket, bool ok, struct recon_now now)
{
	struct recon_pending *p = find(c, ticket, RECON_ASKED_SCAN);
	struct recon_session *s;

	if (!p)
		return;
	s = p->session;
	end(c, p);
	recon_full_scanned(s, ok, now);
}
