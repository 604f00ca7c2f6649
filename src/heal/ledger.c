#include "heal/ledger.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct heal_ledger {
	pthread_mutex_t lock;
	struct heal_ledger_sender *senders; /* n_senders of HEAL_LEDGER_SENDERS_MAX */
	size_t n_senders;
	size_t n_peers;
	struct heal_ledger_target peers[];
};

struct heal_ledger *heal_ledger_new(const char *const *endpoints, size_t n)
{
	struct heal_ledger *l = calloc(1, sizeof(*l) + n * sizeof(l->peers[0]));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->senders = calloc(HEAL_LEDGER_SENDERS_MAX, sizeof(*l->senders));
	l->n_peers = n;
	for (size_t i = 0; i < n; i++)
		l->peers[i].last.endpoint = endpoints[i];
	if (!l->senders) {
		heal_ledger_free(l);
		return NULL;
	}
	return l;
}

void heal_ledger_free(struct heal_ledger *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l->senders);
	free(l);
}

/* ---- Peers ---- */

void heal_ledger_pushed(struct heal_ledger *l, const struct dyn_entropy_target_report *report)
{
	struct heal_ledger_target *p = &l->peers[report->target];
	const char *endpoint = p->last.endpoint; /* the report's may not live as long */

	pthread_mutex_lock(&l->lock);
	p->last = *report;
	p->last.endpoint = endpoint;
	p->rounds++;
	p->rounds_failed += report->status != DYN_ENTROPY_OK;
	p->snapshots += report->last.snapshots;
	p->keys += report->last.keys;
	p->bytes += report->last.bytes;
	p->ended_ms = clock_wall_ms();
	pthread_mutex_unlock(&l->lock);
}

bool heal_ledger_copy_target(struct heal_ledger *l, size_t i, struct heal_ledger_target *out)
{
	if (i >= l->n_peers)
		return false;
	pthread_mutex_lock(&l->lock);
	*out = l->peers[i];
	pthread_mutex_unlock(&l->lock);
	return true;
}

const char *heal_ledger_outcome_word(enum dyn_entropy_outcome outcome)
{
	switch (outcome) {
	case DYN_ENTROPY_OUTCOME_NONE:
		return "none";
	case DYN_ENTROPY_OUTCOME_CLOSED:
		return "closed";
	case DYN_ENTROPY_OUTCOME_REFUSED:
		return "refused";
	case DYN_ENTROPY_OUTCOME_UNANSWERED:
		return "unanswered";
	case DYN_ENTROPY_OUTCOME_UNREACHED:
		return "unreached";
	case DYN_ENTROPY_OUTCOME_FAILED:
		return "failed";
	}
	return "unknown";
}

/* ---- Senders ---- */

/* A page to write anew: a fresh one, or that of the address which was without success for longest.
 */
static struct heal_ledger_sender *free_page(struct heal_ledger *l)
{
	struct heal_ledger_sender *worst = NULL;

	if (l->n_senders < HEAL_LEDGER_SENDERS_MAX)
		return &l->senders[l->n_senders++];
	for (size_t i = 0; i < l->n_senders; i++) {
		struct heal_ledger_sender *s = &l->senders[i];

		if (s->snapshots == 0 && (!worst || s->ended_ms < worst->ended_ms))
			worst = s;
	}
	return worst;
}

/* The page of whom result is of, or NULL. */
static struct heal_ledger_sender *page_of(
	struct heal_ledger *l, const char *address, enum dyn_entropy_status status)
{
	struct heal_ledger_sender *s;

	for (size_t i = 0; i < l->n_senders; i++)
		if (strcmp(l->senders[i].address, address) == 0)
			return &l->senders[i];
	if (status == DYN_ENTROPY_ERR_IO)
		return NULL; /* turned away, or silent: nothing says that it is one of ours */
	s = free_page(l);
	if (s) {
		memset(s, 0, sizeof(*s));
		strcpy(s->address, address);
	}
	return s;
}

static void write_page(struct heal_ledger_sender *s, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	const struct dyn_entropy_apply_result *applied = &result->applied;

	if (status == DYN_ENTROPY_OK) {
		s->snapshots++;
		s->bytes += result->bytes;
	} else {
		s->failed++;
	}
	s->commands += applied->commands;
	s->applied += applied->applied;
	s->kept += applied->kept;
	s->commands_failed += applied->failed;
	s->ended_ms = clock_wall_ms();
	s->seconds = result->seconds;
	s->status = status;
	memset(s->message, 0, sizeof(s->message));
	if (status != DYN_ENTROPY_OK)
		memcpy(s->message, err->message, sizeof(s->message));
}

void heal_ledger_received(struct heal_ledger *l, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct heal_ledger_sender *s;
	struct addr from;

	if (status == DYN_ENTROPY_ERR_CANCELLED || !addr_parse(&from, result->peer))
		return;
	pthread_mutex_lock(&l->lock);
	s = page_of(l, from.host, status);
	if (s)
		write_page(s, status, result, err);
	pthread_mutex_unlock(&l->lock);
}

bool heal_ledger_copy_sender(struct heal_ledger *l, size_t i, struct heal_ledger_sender *out)
{
	bool found;

	pthread_mutex_lock(&l->lock);
	found = i < l->n_senders;
	if (found)
		*out = l->senders[i];
	pthread_mutex_unlock(&l->lock);
	return found;
}
