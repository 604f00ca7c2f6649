#include "heal/ledger.h"

#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct heal_ledger {
	pthread_mutex_t lock;
	struct heal_figures totals;
	struct heal_ledger_sender *senders; /* n_senders of HEAL_LEDGER_SENDERS_MAX */
	size_t n_senders;
	size_t n_targets;
	struct heal_ledger_target targets[];
};

struct heal_ledger *heal_ledger_new(const char *const *endpoints, size_t n)
{
	struct heal_ledger *l = calloc(1, sizeof(*l) + n * sizeof(l->targets[0]));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->senders = calloc(HEAL_LEDGER_SENDERS_MAX, sizeof(*l->senders));
	l->n_targets = n;
	for (size_t i = 0; i < n; i++) {
		l->targets[i].endpoint = endpoints[i];
		l->targets[i].figures.last_seconds = (double)NAN;
		l->targets[i].figures.last_round = (double)NAN;
	}
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

static double now_s(void)
{
	return (double)clock_wall_ms() / 1e3;
}

/* The message of a failure, or an empty text. */
static void note_message(
	char to[DYN_ENTROPY_MESSAGE_MAX], enum dyn_entropy_status status, const char *message)
{
	memset(to, 0, DYN_ENTROPY_MESSAGE_MAX);
	if (status != DYN_ENTROPY_OK)
		memcpy(to, message, DYN_ENTROPY_MESSAGE_MAX);
}

/* ---- Rounds and targets ---- */

static void sum_push(struct heal_figures *t, const struct dyn_entropy_target_report *r)
{
	t->peers_attempted++;
	t->peers_exchanged += r->status == DYN_ENTROPY_OK;
	t->peers_failed += r->status != DYN_ENTROPY_OK;
	t->snapshots_sent += r->last.snapshots;
	t->keys_sent += r->last.keys;
	t->bytes_sent += r->last.bytes;
}

static void write_target(struct heal_ledger_target *p, const struct dyn_entropy_target_report *r)
{
	struct heal_target_figures *f = &p->figures;

	f->rounds++;
	f->rounds_failed += r->status != DYN_ENTROPY_OK;
	f->snapshots_sent += r->last.snapshots;
	f->keys_sent += r->last.keys;
	f->bytes_sent += r->last.bytes;
	f->last_ok = r->status == DYN_ENTROPY_OK;
	f->last_keys = r->last.keys;
	f->last_bytes = r->last.bytes;
	f->last_seconds = r->last.seconds;
	f->last_round = now_s();
	p->outcome = r->last.outcome;
	p->not_carried = r->last.source.not_carried;
	note_message(p->message, r->status, r->message);
}

void heal_ledger_pushed(struct heal_ledger *l, const struct dyn_entropy_target_report *report)
{
	pthread_mutex_lock(&l->lock);
	sum_push(&l->totals, report);
	write_target(&l->targets[report->target], report);
	pthread_mutex_unlock(&l->lock);
}

static uint64_t count(struct heal_ledger *l, uint64_t *figure)
{
	uint64_t n;

	pthread_mutex_lock(&l->lock);
	n = ++*figure;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t heal_ledger_round_ended(struct heal_ledger *l)
{
	return count(l, &l->totals.rounds);
}

uint64_t heal_ledger_round_skipped(struct heal_ledger *l)
{
	return count(l, &l->totals.rounds_skipped);
}

size_t heal_ledger_n_targets(struct heal_ledger *l)
{
	return l->n_targets;
}

bool heal_ledger_copy_target(struct heal_ledger *l, size_t i, struct heal_ledger_target *out)
{
	if (i >= l->n_targets)
		return false;
	pthread_mutex_lock(&l->lock);
	*out = l->targets[i];
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
	case DYN_ENTROPY_OUTCOME_NO_RECEIVER:
		return "no receiver";
	}
	return "unknown";
}

/* ---- Connections and senders ---- */

static void sum_connection(struct heal_figures *t, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result)
{
	const struct dyn_entropy_apply_result *applied = &result->applied;

	if (result->turned_away) {
		t->connections_turned_away++;
		return;
	}
	t->connections++;
	if (status == DYN_ENTROPY_OK) {
		t->snapshots_committed++;
		t->bytes_received += result->bytes;
	} else {
		t->connections_failed++;
	}
	t->commands += applied->commands;
	t->keys_applied += applied->applied;
	t->keys_kept += applied->kept;
	t->keys_left_alone += applied->left_alone;
}

/* A record to reuse: a new one, or that of the address without success for longest; or NULL. */
static struct heal_ledger_sender *free_record(struct heal_ledger *l)
{
	struct heal_ledger_sender *worst = NULL;

	if (l->n_senders < HEAL_LEDGER_SENDERS_MAX)
		return &l->senders[l->n_senders++];
	for (size_t i = 0; i < l->n_senders; i++) {
		struct heal_ledger_sender *s = &l->senders[i];

		if (s->figures.snapshots_committed == 0 &&
			(!worst || s->figures.last_connection < worst->figures.last_connection))
			worst = s;
	}
	return worst;
}

/* The record of this address, made if need be; NULL: it gets none. */
static struct heal_ledger_sender *record_of(
	struct heal_ledger *l, const char *address, enum dyn_entropy_status status)
{
	struct heal_ledger_sender *s;

	for (size_t i = 0; i < l->n_senders; i++)
		if (strcmp(l->senders[i].address, address) == 0)
			return &l->senders[i];
	if (status == DYN_ENTROPY_ERR_IO)
		return NULL; /* turned away, or sent nothing: it may not be a node at all */
	s = free_record(l);
	if (s) {
		memset(s, 0, sizeof(*s));
		strcpy(s->address, address);
	}
	return s;
}

static void write_sender(struct heal_ledger_sender *s, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	const struct dyn_entropy_apply_result *applied = &result->applied;
	struct heal_sender_figures *f = &s->figures;

	if (status == DYN_ENTROPY_OK) {
		f->snapshots_committed++;
		f->bytes_received += result->bytes;
	} else {
		f->connections_failed++;
	}
	f->commands += applied->commands;
	f->applied += applied->applied;
	f->kept += applied->kept;
	f->left_alone += applied->left_alone;
	f->failed += applied->failed;
	f->last_connection = now_s();
	f->last_seconds = result->seconds;
	s->last_ok = status == DYN_ENTROPY_OK;
	note_message(s->message, status, err->message);
}

void heal_ledger_received(struct heal_ledger *l, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct heal_ledger_sender *s = NULL;
	struct addr from;

	pthread_mutex_lock(&l->lock);
	sum_connection(&l->totals, status, result);
	if (status != DYN_ENTROPY_ERR_CANCELLED && addr_parse(&from, result->peer))
		s = record_of(l, from.host, status);
	if (s)
		write_sender(s, status, result, err);
	pthread_mutex_unlock(&l->lock);
}

size_t heal_ledger_n_senders(struct heal_ledger *l)
{
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = l->n_senders;
	pthread_mutex_unlock(&l->lock);
	return n;
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

void heal_ledger_totals(struct heal_ledger *l, struct heal_figures *out)
{
	pthread_mutex_lock(&l->lock);
	*out = l->totals;
	pthread_mutex_unlock(&l->lock);
}
