#include "heal/ledger.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ledger {
	pthread_mutex_t lock;
	struct ledger_sender *senders; /* n_senders of LEDGER_SENDERS_MAX */
	size_t n_senders;
	size_t n_peers;
	struct ledger_peer peers[];
};

struct ledger *ledger_new(const char *const *endpoints, size_t n)
{
	struct ledger *l = calloc(1, sizeof(*l) + n * sizeof(l->peers[0]));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->senders = calloc(LEDGER_SENDERS_MAX, sizeof(*l->senders));
	l->n_peers = n;
	for (size_t i = 0; i < n; i++)
		l->peers[i].last.endpoint = endpoints[i];
	if (!l->senders) {
		ledger_free(l);
		return NULL;
	}
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l->senders);
	free(l);
}

/* ---- Peers ---- */

void ledger_pushed(struct ledger *l, const struct dyn_entropy_target_report *report)
{
	struct ledger_peer *p = &l->peers[report->target];
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

bool ledger_copy_peer(struct ledger *l, size_t i, struct ledger_peer *out)
{
	if (i >= l->n_peers)
		return false;
	pthread_mutex_lock(&l->lock);
	*out = l->peers[i];
	pthread_mutex_unlock(&l->lock);
	return true;
}

const char *ledger_outcome_word(enum dyn_entropy_outcome outcome)
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
static struct ledger_sender *free_page(struct ledger *l)
{
	struct ledger_sender *worst = NULL;

	if (l->n_senders < LEDGER_SENDERS_MAX)
		return &l->senders[l->n_senders++];
	for (size_t i = 0; i < l->n_senders; i++) {
		struct ledger_sender *s = &l->senders[i];

		if (s->snapshots == 0 && (!worst || s->ended_ms < worst->ended_ms))
			worst = s;
	}
	return worst;
}

/* The page of whom result is of, or NULL. */
static struct ledger_sender *page_of(
	struct ledger *l, const char *address, enum dyn_entropy_status status)
{
	struct ledger_sender *s;

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

static void write_page(struct ledger_sender *s, enum dyn_entropy_status status,
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

void ledger_received(struct ledger *l, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct ledger_sender *s;
	struct addr from;

	if (status == DYN_ENTROPY_ERR_CANCELLED || !addr_parse(&from, result->peer))
		return;
	pthread_mutex_lock(&l->lock);
	s = page_of(l, from.host, status);
	if (s)
		write_page(s, status, result, err);
	pthread_mutex_unlock(&l->lock);
}

bool ledger_copy_sender(struct ledger *l, size_t i, struct ledger_sender *out)
{
	bool found;

	pthread_mutex_lock(&l->lock);
	found = i < l->n_senders;
	if (found)
		*out = l->senders[i];
	pthread_mutex_unlock(&l->lock);
	return found;
}
