#include "heal/schedule.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One round heals nodes that come back together. */
#define SOON_SECONDS 1

/* A round to a target that is to be repeated; monotonic, in ms. */
struct again {
	int64_t at_ms;        /* 0: none is wanted */
	int64_t last_back_ms; /* its node was back then */
};

struct heal_schedule {
	const struct heal_targets *targets;
	struct heal_rounds *rounds;
	struct heal_ledger *ledger;
	int64_t interval_s;
	struct event *timer; /* starts a round */
	struct event *soon;  /* starts one outside the interval */
	struct event *again; /* the same, to those whose round is to be repeated */
	int64_t again_ms;
	struct again *wanted;  /* of each target */
	int64_t next_round_ms; /* monotonic */
	bool stopping;
	bool due[]; /* of each target that is sent something: whether the next round includes it */
};

static void set_soon(struct heal_schedule *s)
{
	const struct timeval soon = {.tv_sec = SOON_SECONDS};

	if (!event_pending(s->soon, EV_TIMEOUT, NULL))
		event_add(s->soon, &soon);
}

/* A round to those that are due. */
static bool run_due(struct heal_schedule *s)
{
	size_t n = s->targets->n_sent;

	if (heal_rounds_is_running(s->rounds) || n == 0 || s->stopping)
		return false;
	if (!heal_rounds_begin(s->rounds, s->due)) {
		set_soon(s);
		return false;
	}
	memset(s->due, 0, n * sizeof(s->due[0]));
	return true;
}

bool heal_schedule_run_now(struct heal_schedule *s)
{
	if (heal_rounds_is_running(s->rounds))
		return false;
	for (size_t i = 0; i < s->targets->n_sent; i++)
		s->due[i] = true;
	return run_due(s);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct heal_schedule *s = arg;

	(void)fd;
	(void)events;
	s->next_round_ms = clock_deadline_ms(s->interval_s * 1000);
	if (!heal_rounds_is_running(s->rounds)) {
		heal_schedule_run_now(s);
		return;
	}
	log_warn("entropy: the last round still runs, so this one is skipped (%" PRIu64
		 " so far): raise recon_interval_seconds or recon_max_rate",
		heal_ledger_round_skipped(s->ledger));
}

/* Set the timer to the earliest of those wanted. */
static void set_again(struct heal_schedule *s)
{
	int64_t now_ms = clock_monotonic_ms(), first_ms = INT64_MAX;
	struct timeval tv;

	for (size_t i = 0; i < s->targets->n_sent; i++)
		if (s->wanted[i].at_ms && s->wanted[i].at_ms < first_ms)
			first_ms = s->wanted[i].at_ms;
	if (first_ms == INT64_MAX)
		return;
	first_ms = first_ms > now_ms ? first_ms - now_ms : 0;
	tv.tv_sec = (time_t)(first_ms / 1000);
	tv.tv_usec = (suseconds_t)(first_ms % 1000 * 1000);
	event_add(s->again, &tv);
}

void heal_schedule_node_back(struct heal_schedule *s, size_t node)
{
	int64_t now_ms = clock_monotonic_ms();

	heal_targets_missed(s->targets, node, s->due);
	set_soon(s);
	for (size_t i = 0; s->again_ms && i < s->targets->n_sent; i++) {
		if (!s->due[i])
			continue;
		s->wanted[i].last_back_ms = now_ms;
		/* A node that is often back must not put its round off for ever. */
		if (!s->wanted[i].at_ms)
			s->wanted[i].at_ms = now_ms + s->again_ms;
	}
	set_again(s);
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	struct heal_schedule *s = arg;
	int64_t now_ms = clock_monotonic_ms();

	(void)fd;
	(void)events;
	for (size_t i = 0; i < s->targets->n_sent; i++) {
		struct again *a = &s->wanted[i];
		int64_t next_ms = a->last_back_ms + s->again_ms;

		if (!a->at_ms || a->at_ms > now_ms)
			continue;
		a->at_ms = next_ms > now_ms ? next_ms : 0;
		s->due[i] = true;
	}
	set_soon(s);
	set_again(s);
}

static bool any_due(const struct heal_schedule *s)
{
	for (size_t i = 0; i < s->targets->n_sent; i++)
		if (s->due[i])
			return true;
	return false;
}

static void on_soon(evutil_socket_t fd, short events, void *arg)
{
	struct heal_schedule *s = arg;

	(void)fd;
	(void)events;
	if (heal_rounds_is_running(s->rounds))
		set_soon(s); /* the running one may be past that target */
	else if (any_due(s))
		run_due(s);
}

/* ---- Making and freeing ---- */

struct heal_schedule *heal_schedule_new(struct event_base *base, const struct heal_targets *targets,
	struct heal_rounds *rounds, struct heal_ledger *ledger, int64_t again_ms)
{
	struct heal_schedule *s = calloc(1, sizeof(*s) + targets->n_sent * sizeof(s->due[0]));

	if (!s)
		return NULL;
	s->targets = targets;
	s->rounds = rounds;
	s->ledger = ledger;
	s->interval_s = targets->conf->recon_interval_seconds;
	s->again_ms = again_ms;
	s->wanted = calloc(targets->n_sent + 1, sizeof(*s->wanted));
	s->again = event_new(base, -1, 0, on_again, s);
	s->timer = event_new(base, -1, EV_PERSIST, on_timer, s);
	s->soon = event_new(base, -1, 0, on_soon, s);
	if (!s->timer || !s->soon || !s->again || !s->wanted) {
		heal_schedule_free(s);
		return NULL;
	}
	return s;
}

void heal_schedule_free(struct heal_schedule *s)
{
	if (!s)
		return;
	if (s->timer)
		event_free(s->timer);
	if (s->soon)
		event_free(s->soon);
	if (s->again)
		event_free(s->again);
	free(s->wanted);
	free(s);
}

bool heal_schedule_start(struct heal_schedule *s)
{
	const struct timeval interval = {.tv_sec = (time_t)s->interval_s};

	if (s->targets->n_sent == 0)
		return true;
	s->next_round_ms = clock_deadline_ms(s->interval_s * 1000);
	return event_add(s->timer, &interval) == 0;
}

void heal_schedule_stop(struct heal_schedule *s)
{
	s->stopping = true;
	event_del(s->timer);
	event_del(s->soon);
	event_del(s->again);
}

void heal_schedule_figures(const struct heal_schedule *s, struct heal_schedule_figures *out)
{
	int64_t left_ms = s->next_round_ms - clock_monotonic_ms();

	out->running = heal_rounds_is_running(s->rounds);
	out->next_round = (double)(left_ms > 0 ? left_ms : 0) / 1e3;
	if (s->targets->n_sent == 0)
		out->next_round = (double)NAN;
}
