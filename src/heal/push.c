#include "heal/push.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct heal_push_shared {
	struct heal_push_options options;
	pthread_mutex_t lookup; /* held while names are looked up */
};

struct heal_push {
	struct heal_push_shared *shared;
	size_t target;
	int done_fd;
	dyn_entropy_driver *driver; /* of this target alone */
	pthread_t thread;
	atomic_bool ended;
	/* Of the thread while it runs. */
	struct heal_guard guard;
	struct dyn_entropy_round sum;
	enum heal_due_end end;
};

/* ---- The driver's callbacks, in the push's thread ---- */

static bool owns(void *arg, const void *key, size_t len)
{
	const struct heal_push *p = arg;
	const struct heal_targets *t = p->shared->options.targets;

	return heal_targets_owns(t, t->sent_nodes[p->target], key, len);
}

static enum dyn_entropy_status open_source(
	void *arg, size_t target, struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	struct heal_push *p = arg;
	const struct heal_push_options *o = &p->shared->options;
	const struct heal_source_keys keys = {
		.owns = owns,
		.owns_arg = p,
		.is_changed = p->guard.recent ? heal_guard_is_changed : NULL,
		.is_changed_arg = &p->guard,
	};

	(void)target;
	p->guard.opened_ms = clock_monotonic_ms();
	return heal_settings_open_source(o->settings, &keys, out, err);
}

static void log_end(const struct dyn_entropy_target_report *report)
{
	const struct dyn_entropy_push_result *p = &report->last;

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

static void on_done(void *arg, const struct dyn_entropy_target_report *report)
{
	struct heal_push *p = arg;
	struct dyn_entropy_target_report r = *report;

	r.target = p->target; /* the driver knows no other */
	if (r.status == DYN_ENTROPY_OK)
		p->end = HEAL_DUE_COMPLETE;
	else if (r.last.complete)
		p->end = HEAL_DUE_REFUSED;
	heal_ledger_pushed(p->shared->options.ledger, &r);
	log_end(&r);
}

/* ---- The thread ---- */

/* One push at a time does that: the others go on with the addresses of the last time. */
static void look_up_names(struct heal_push_shared *s)
{
	if (pthread_mutex_trylock(&s->lookup) != 0)
		return;
	heal_allow_refresh(s->options.allow, clock_deadline_ms(HEAL_ALLOW_LOOKUP_MS));
	pthread_mutex_unlock(&s->lookup);
}

static void *push_main(void *arg)
{
	struct heal_push *p = arg;
	struct dyn_entropy_error err;
	eventfd_t one = 1;

	look_up_names(p->shared);
	/* The target has its report; only a push that was cancelled before it began has none. */
	if (dyn_entropy_driver_round(p->driver, &p->sum, &err) != DYN_ENTROPY_OK)
		log_debug("entropy: a push was cut short: %s", err.message);
	atomic_store(&p->ended, true);
	if (write(p->done_fd, &one, sizeof(one)) < 0)
		log_error("entropy: cannot signal the end of a push: %s", strerror(errno));
	return NULL;
}

bool heal_push_start(struct heal_push *p)
{
	int failed;

	p->guard = *p->shared->options.guard;
	p->end = HEAL_DUE_FAILED;
	memset(&p->sum, 0, sizeof(p->sum));
	p->sum.struct_size = sizeof(p->sum);
	atomic_store(&p->ended, false);
	failed = pthread_create(&p->thread, NULL, push_main, p);
	if (failed)
		log_error("entropy: cannot start a sender's thread: %s", strerror(failed));
	return !failed;
}

bool heal_push_has_ended(const struct heal_push *p)
{
	return atomic_load(&p->ended);
}

enum heal_due_end heal_push_join(struct heal_push *p, struct dyn_entropy_round *sum)
{
	pthread_join(p->thread, NULL);
	*sum = p->sum;
	return p->end;
}

/* ---- Making and freeing ---- */

struct heal_push_shared *heal_push_shared_new(const struct heal_push_options *options)
{
	struct heal_push_shared *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	pthread_mutex_init(&s->lookup, NULL);
	return s;
}

void heal_push_shared_free(struct heal_push_shared *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lookup);
	free(s);
}

struct heal_push *heal_push_new(
	struct heal_push_shared *shared, size_t target, int done_fd, struct dyn_entropy_error *err)
{
	const struct heal_push_options *o = &shared->options;
	struct heal_push *p = calloc(1, sizeof(*p));
	const struct dyn_entropy_driver_options options = {
		.struct_size = sizeof(options),
		.targets = &o->targets->sent_endpoints[target],
		.n_targets = 1,
		.knock = true,
		.open_source = open_source,
		.open_source_arg = p,
		.target_done = on_done,
		.target_done_arg = p,
		.cancel = o->cancel,
	};

	if (!p) {
		dyn_entropy_error_set(err, DYN_ENTROPY_ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	p->shared = shared;
	p->target = target;
	p->done_fd = done_fd;
	if (dyn_entropy_driver_new(&o->settings->config, o->settings->material, &options,
		    &p->driver, err) == DYN_ENTROPY_OK)
		return p;
	free(p);
	return NULL;
}

void heal_push_free(struct heal_push *p)
{
	if (!p)
		return;
	dyn_entropy_driver_free(p->driver);
	free(p);
}
