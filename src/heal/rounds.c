#include "heal/rounds.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct heal_rounds {
	struct heal_rounds_options options;
	dyn_entropy_driver *driver;
	struct event *done; /* the round's thread has ended */
	int done_fd;
	pthread_t thread;
	bool running;
	/* Used by the round's thread while a round runs. */
	bool *in_round; /* of each target that is sent something */
	size_t current; /* the target being pushed to */
	struct dyn_entropy_round round;
};

/* ---- The driver's callbacks, in the round's thread ---- */

static bool owns(void *arg, const void *key, size_t len)
{
	const struct heal_rounds *r = arg;
	const struct heal_targets *t = r->options.targets;

	return heal_targets_owns(t, t->sent_nodes[r->current], key, len);
}

static bool is_in_round(void *arg, size_t target)
{
	const struct heal_rounds *r = arg;

	return r->in_round[target];
}

static enum dyn_entropy_status open_source(
	void *arg, size_t target, struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	struct heal_rounds *r = arg;
	const struct heal_source_keys keys = {
		.owns = r->options.targets->ring ? owns : NULL,
		.owns_arg = r,
		.is_changed = r->options.guard->recent ? heal_guard_is_changed : NULL,
		.is_changed_arg = r->options.guard,
	};

	r->current = target;
	r->options.guard->opened_ms = clock_monotonic_ms();
	return heal_settings_open_source(r->options.settings, &keys, out, err);
}

static void on_target_done(void *arg, const struct dyn_entropy_target_report *report)
{
	const struct dyn_entropy_push_result *p = &report->last;
	struct heal_rounds *r = arg;

	heal_ledger_pushed(r->options.ledger, report);
	if (p->source.changed)
		log_info("entropy: to %s: left out %" PRIu64 " keys that were written since they "
			 "were dumped",
			report->endpoint, p->source.changed);
	if (p->source.not_carried)
		log_warn("entropy: to %s: left out what the channel cannot carry: %s",
			report->endpoint, p->source.not_carried_what);
	if (report->status == DYN_ENTROPY_OK)
		log_notice("entropy: to %s: %" PRIu64 " keys in %" PRIu64 " snapshot%s, %" PRIu64
			   " bytes, %.1f s: %s",
			report->endpoint, p->keys, p->snapshots, p->snapshots == 1 ? "" : "s",
			p->bytes, p->seconds, dyn_entropy_outcome_text(p->outcome));
	else if (report->status == DYN_ENTROPY_ERR_CANCELLED)
		log_notice("entropy: to %s: given up, the node stops", report->endpoint);
	else
		log_warn("entropy: to %s: %s after %" PRIu64 " snapshot%s, %s error: %s",
			report->endpoint, dyn_entropy_outcome_text(p->outcome), p->closed,
			p->closed == 1 ? "" : "s", dyn_entropy_status_name(report->status),
			report->message);
}

/* ---- A round ---- */

static void *round_main(void *arg)
{
	struct heal_rounds *r = arg;
	eventfd_t one = 1;
	struct dyn_entropy_error err;

	heal_allow_refresh(r->options.allow, clock_deadline_ms(HEAL_ROUNDS_LOOKUP_MS));
	/* Each target has its report; only a cancelled round ends early. */
	if (dyn_entropy_driver_round(r->driver, &r->round, &err) != DYN_ENTROPY_OK)
		log_debug("entropy: the round was cut short: %s", err.message);
	if (write(r->done_fd, &one, sizeof(one)) < 0)
		log_error("entropy: cannot signal the end of a round: %s", strerror(errno));
	return NULL;
}

bool heal_rounds_begin(struct heal_rounds *r, const bool *due)
{
	int failed;

	memcpy(r->in_round, due, r->options.targets->n_sent * sizeof(*due));
	failed = pthread_create(&r->thread, NULL, round_main, r);
	if (failed)
		log_error("entropy: cannot start the sender's thread: %s", strerror(failed));
	r->running = !failed;
	return r->running;
}

bool heal_rounds_is_running(const struct heal_rounds *r)
{
	return r->running;
}

void heal_rounds_join(struct heal_rounds *r)
{
	if (!r->running)
		return;
	pthread_join(r->thread, NULL);
	r->running = false;
	log_notice("entropy: round %" PRIu64 ": %" PRIu64 " of %" PRIu64
		   " targets exchanged, %" PRIu64 " keys, %" PRIu64 " bytes, %.1f s",
		heal_ledger_round_ended(r->options.ledger), r->round.exchanged, r->round.attempted,
		r->round.keys, r->round.bytes, r->round.seconds);
}

static void on_done(evutil_socket_t fd, short events, void *arg)
{
	eventfd_t ignored;

	(void)events;
	if (read(fd, &ignored, sizeof(ignored)) > 0)
		heal_rounds_join(arg);
}

/* ---- Making and freeing ---- */

static bool make_driver(struct heal_rounds *r, struct dyn_entropy_error *err)
{
	const struct heal_rounds_options *o = &r->options;
	const struct dyn_entropy_driver_options options = {
		.struct_size = sizeof(options),
		.targets = o->targets->sent_endpoints,
		.n_targets = o->targets->n_sent,
		.takes_part = is_in_round,
		.takes_part_arg = r,
		.knock = true,
		.open_source = open_source,
		.open_source_arg = r,
		.target_done = on_target_done,
		.target_done_arg = r,
		.cancel = o->cancel,
	};

	return dyn_entropy_driver_new(&o->settings->config, o->settings->material, &options,
		       &r->driver, err) == DYN_ENTROPY_OK;
}

static bool add_event(struct heal_rounds *r)
{
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd < 0)
		return false;
	r->done = event_new(r->options.base, r->done_fd, EV_READ | EV_PERSIST, on_done, r);
	return r->done && event_add(r->done, NULL) == 0;
}

struct heal_rounds *heal_rounds_new(const struct heal_rounds_options *options)
{
	struct heal_rounds *r = calloc(1, sizeof(*r));
	struct dyn_entropy_error err;

	if (!r) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	r->options = *options;
	r->round.struct_size = sizeof(r->round);
	r->done_fd = -1;
	r->in_round = calloc(options->targets->n_sent + 1, sizeof(*r->in_round));
	if (!r->in_round || !add_event(r)) {
		log_error("cannot start: entropy: no memory or descriptor is left");
		goto failed;
	}
	if (!make_driver(r, &err)) {
		log_error("cannot start: entropy: %s error: %s",
			dyn_entropy_status_name(err.status), err.message);
		goto failed;
	}
	return r;
failed:
	heal_rounds_free(r);
	return NULL;
}

void heal_rounds_free(struct heal_rounds *r)
{
	if (!r)
		return;
	dyn_entropy_driver_free(r->driver);
	free(r->in_round);
	if (r->done)
		event_free(r->done);
	if (r->done_fd >= 0)
		close(r->done_fd);
	free(r);
}
