#include "heal/schedule.h"

#include "base/clock.h"
#include "base/log.h"
#include "heal/due.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heal_schedule {
	struct heal_schedule_options options;
	const struct heal_targets *targets;
	struct heal_rounds *rounds;
	int64_t interval_s;
	struct event *timer; /* starts a round to all */
	struct event *wake;  /* starts one to those that are due before */
	struct heal_due *due;
	int64_t next_round_ms; /* monotonic */
	bool stopping;
	bool chosen[]; /* of each target that is sent something: whether it is in the next round */
};

/* ---- Who is due ---- */

static bool takes_rounds(const struct heal_schedule *s, size_t target)
{
	const struct heal_schedule_options *o = &s->options;
	size_t node = s->targets->sent_nodes[target];

	return !o->takes_rounds || node == SIZE_MAX || o->takes_rounds(o->arg, node);
}

static void hold_others(struct heal_schedule *s)
{
	for (size_t i = 0; i < s->targets->n_sent; i++)
		heal_due_hold(s->due, i, !takes_rounds(s, i));
}

/* Set the wake to the first target that is due. */
static void set_wake(struct heal_schedule *s)
{
	int64_t left_ms;
	struct timeval tv;

	hold_others(s);
	left_ms = heal_due_next_ms(s->due);
	if (s->stopping || left_ms == HEAL_DUE_NEVER)
		return;
	left_ms -= clock_monotonic_ms();
	if (left_ms < 0)
		left_ms = 0;
	tv.tv_sec = (time_t)(left_ms / 1000);
	tv.tv_usec = (suseconds_t)(left_ms % 1000 * 1000);
	event_add(s->wake, &tv);
}

/* A round to those that are due; false when there is none. */
static bool run_due(struct heal_schedule *s)
{
	int64_t now_ms = clock_monotonic_ms();
	bool any = false;

	hold_others(s);
	for (size_t i = 0; i < s->targets->n_sent; i++) {
		s->chosen[i] = !s->stopping && heal_due_is(s->due, i, now_ms);
		if (!s->chosen[i])
			continue;
		heal_due_began(s->due, i, now_ms);
		any = true;
	}
	if (any)
		heal_rounds_begin(s->rounds, s->chosen);
	set_wake(s);
	return any;
}

bool heal_schedule_run_now(struct heal_schedule *s)
{
	heal_due_all(s->due, clock_monotonic_ms());
	if (run_due(s))
		return true;
	for (size_t i = 0; i < s->targets->n_sent; i++)
		if (takes_rounds(s, i))
			return false;
	return true;
}

void heal_schedule_look_again(struct heal_schedule *s)
{
	run_due(s);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct heal_schedule *s = arg;

	(void)fd;
	(void)events;
	s->next_round_ms = clock_deadline_ms(s->interval_s * 1000);
	for (size_t i = 0; i < s->targets->n_sent; i++)
		if (heal_rounds_is_busy(s->rounds, i))
			log_info("entropy: to %s: its last push still runs, so this round leaves "
				 "it out",
				s->targets->sent_endpoints[i]);
	if (!heal_schedule_run_now(s))
		log_warn("entropy: the last round still runs, so this one is skipped (%" PRIu64
			 " so far): raise recon_interval_seconds or recon_max_rate",
			heal_ledger_round_skipped(s->options.ledger));
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	run_due(arg);
}

void heal_schedule_node_back(struct heal_schedule *s, size_t node)
{
	int64_t now_ms = clock_monotonic_ms();

	memset(s->chosen, 0, s->targets->n_sent * sizeof(s->chosen[0]));
	heal_targets_missed(s->targets, node, s->chosen);
	for (size_t i = 0; i < s->targets->n_sent; i++)
		if (s->chosen[i])
			heal_due_back(s->due, i, now_ms);
	set_wake(s);
}

void heal_schedule_ended(struct heal_schedule *s, size_t target, enum heal_due_end end)
{
	heal_due_ended(s->due, target, end, clock_monotonic_ms());
	set_wake(s);
}

/* ---- Making and freeing ---- */

struct heal_schedule *heal_schedule_new(const struct heal_schedule_options *options)
{
	const struct heal_targets *targets = options->targets;
	struct heal_schedule *s =
		calloc(1, sizeof(*s) + (targets->n_sent + 1) * sizeof(s->chosen[0]));

	if (!s)
		return NULL;
	s->options = *options;
	s->targets = targets;
	s->rounds = options->rounds;
	s->interval_s = targets->conf->recon_interval_seconds;
	s->due = heal_due_new(targets->n_sent, s->interval_s * 1000, options->again_ms,
		(uint64_t)clock_wall_ms() ^ (uint64_t)getpid() << 44);
	s->timer = event_new(options->base, -1, EV_PERSIST, on_timer, s);
	s->wake = event_new(options->base, -1, 0, on_wake, s);
	if (!s->due || !s->timer || !s->wake) {
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
	if (s->wake)
		event_free(s->wake);
	free(s->due);
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
	event_del(s->wake);
}

void heal_schedule_figures(const struct heal_schedule *s, struct heal_schedule_figures *out)
{
	int64_t left_ms = s->next_round_ms - clock_monotonic_ms();

	out->running = heal_rounds_is_running(s->rounds);
	out->next_round = (double)(left_ms > 0 ? left_ms : 0) / 1e3;
	if (s->targets->n_sent == 0)
		out->next_round = (double)NAN;
}
