#include "heal/rounds.h"

#include "base/clock.h"
#include "base/log.h"
#include "heal/push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

/* One round: what its pushes did so far. */
struct round {
	size_t left; /* pushes that have not ended; 0: not in use */
	int64_t started_ms;
	struct dyn_entropy_round sum;
};

struct turn {
	TAILQ_ENTRY(turn) next; /* while it waits */
	struct heal_push *push;
	struct round *round; /* NULL: its target is not busy */
	unsigned failures;   /* in a row */
	bool running;
};

struct heal_rounds {
	struct heal_rounds_options options;
	struct heal_push_shared *shared;
	struct event *done; /* a push has ended */
	int done_fd;
	bool stopping;
	size_t n, n_running, n_busy;
	struct turn *turns;   /* n, one for each target that is sent something */
	struct round *rounds; /* n: each round that runs has a target of its own */
	TAILQ_HEAD(, turn) waiting;
};

/* ---- The end of a push ---- */

static void log_round(struct heal_rounds *r, const struct round *round)
{
	log_notice("entropy: round %" PRIu64 ": %" PRIu64 " of %" PRIu64
		   " targets exchanged, %" PRIu64 " keys, %" PRIu64 " bytes, %.1f s",
		heal_ledger_round_ended(r->options.ledger), round->sum.exchanged,
		round->sum.attempted, round->sum.keys, round->sum.bytes,
		(double)(clock_monotonic_ms() - round->started_ms) / 1e3);
}

/* The turn is over, with a push that ended or without. */
static void end_turn(struct heal_rounds *r, struct turn *t, enum heal_due_end end)
{
	struct round *round = t->round;

	t->running = false;
	t->round = NULL;
	t->failures = end == HEAL_DUE_FAILED ? t->failures + 1 : 0;
	r->n_busy--;
	if (--round->left == 0)
		log_round(r, round);
	if (r->options.ended)
		r->options.ended(r->options.ended_arg, (size_t)(t - r->turns), end);
}

static void finish(struct heal_rounds *r, struct turn *t)
{
	struct dyn_entropy_round sum;
	enum heal_due_end end = heal_push_join(t->push, &sum);

	t->round->sum.attempted += sum.attempted;
	t->round->sum.exchanged += sum.exchanged;
	t->round->sum.keys += sum.keys;
	t->round->sum.bytes += sum.bytes;
	r->n_running--;
	end_turn(r, t, end);
}

/* ---- Turns ---- */

/* Of those that wait the one with the fewest failures, the first of these. */
static struct turn *choose(struct heal_rounds *r)
{
	struct turn *t, *best = TAILQ_FIRST(&r->waiting);

	TAILQ_FOREACH (t, &r->waiting, next)
		if (t->failures < best->failures)
			best = t;
	return best;
}

static void start_turns(struct heal_rounds *r)
{
	while (!r->stopping && r->n_running < HEAL_ROUNDS_SIDE_BY_SIDE &&
		!TAILQ_EMPTY(&r->waiting)) {
		struct turn *t = choose(r);

		TAILQ_REMOVE(&r->waiting, t, next);
		t->running = heal_push_start(t->push);
		if (t->running)
			r->n_running++;
		else
			end_turn(r, t, HEAL_DUE_FAILED);
	}
}

static struct round *free_round(struct heal_rounds *r)
{
	size_t i = 0;

	while (r->rounds[i].left > 0)
		i++;
	memset(&r->rounds[i], 0, sizeof(r->rounds[i]));
	r->rounds[i].started_ms = clock_monotonic_ms();
	return &r->rounds[i];
}

void heal_rounds_begin(struct heal_rounds *r, const bool *due)
{
	struct round *round = free_round(r);

	for (size_t i = 0; i < r->n; i++) {
		if (!due[i])
			continue;
		r->turns[i].round = round;
		round->left++;
		r->n_busy++;
		TAILQ_INSERT_TAIL(&r->waiting, &r->turns[i], next);
	}
	start_turns(r);
}

bool heal_rounds_is_busy(const struct heal_rounds *r, size_t target)
{
	return r->turns[target].round != NULL;
}

bool heal_rounds_is_running(const struct heal_rounds *r)
{
	return r->n_busy > 0;
}

static void on_done(evutil_socket_t fd, short events, void *arg)
{
	struct heal_rounds *r = arg;
	eventfd_t ignored;

	(void)events;
	if (read(fd, &ignored, sizeof(ignored)) < 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (r->turns[i].running && heal_push_has_ended(r->turns[i].push))
			finish(r, &r->turns[i]);
	start_turns(r);
}

void heal_rounds_join(struct heal_rounds *r)
{
	struct turn *t;

	r->stopping = true;
	while ((t = TAILQ_FIRST(&r->waiting)) != NULL) {
		TAILQ_REMOVE(&r->waiting, t, next);
		end_turn(r, t, HEAL_DUE_FAILED);
	}
	for (size_t i = 0; i < r->n; i++)
		if (r->turns[i].running)
			finish(r, &r->turns[i]);
}

/* ---- Making and freeing ---- */

static bool add_event(struct heal_rounds *r)
{
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd < 0)
		return false;
	r->done = event_new(r->options.base, r->done_fd, EV_READ | EV_PERSIST, on_done, r);
	return r->done && event_add(r->done, NULL) == 0;
}

static bool make_pushes(struct heal_rounds *r, struct dyn_entropy_error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		r->turns[i].push = heal_push_new(r->shared, i, r->done_fd, err);
		if (!r->turns[i].push)
			return false;
	}
	return true;
}

struct heal_rounds *heal_rounds_new(const struct heal_rounds_options *options)
{
	struct heal_rounds *r = calloc(1, sizeof(*r));
	const struct heal_push_options push = {
		.settings = options->settings,
		.targets = options->targets,
		.allow = options->allow,
		.guard = options->guard,
		.ledger = options->ledger,
		.cancel = options->cancel,
	};
	struct dyn_entropy_error err;

	if (!r) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	r->options = *options;
	r->done_fd = -1;
	TAILQ_INIT(&r->waiting);
	r->shared = heal_push_shared_new(&push);
	r->turns = calloc(options->targets->n_sent + 1, sizeof(*r->turns));
	r->rounds = calloc(options->targets->n_sent + 1, sizeof(*r->rounds));
	if (!r->shared || !r->turns || !r->rounds || !add_event(r)) {
		log_error("cannot start: entropy: no memory or descriptor is left");
		goto failed;
	}
	r->n = options->targets->n_sent;
	if (make_pushes(r, &err))
		return r;
	log_error("cannot start: entropy: %s error: %s", dyn_entropy_status_name(err.status),
		err.message);
failed:
	heal_rounds_free(r);
	return NULL;
}

void heal_rounds_free(struct heal_rounds *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		heal_push_free(r->turns[i].push);
	heal_push_shared_free(r->shared);
	free(r->turns);
	free(r->rounds);
	if (r->done)
		event_free(r->done);
	if (r->done_fd >= 0)
		close(r->done_fd);
	free(r);
}
