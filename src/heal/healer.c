#include "heal/healer.h"

#include "base/clock.h"
#include "base/log.h"
#include "heal/allow.h"
#include "heal/remedy.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long names of peers may take to be looked up before a start or a round goes on without them.
 */
#define LOOKUP_MS 700

/* Nodes that come back together are healed by one round. */
#define SOON_SECONDS 1

/* A peer that is pushed to. */
struct target {
	size_t peer;   /* its place in recon_peers */
	bool due;      /* it is to be part of the next round */
	bool in_round; /* it is part of the one that runs; the round's thread reads it */
};

struct healer {
	struct healer_options options;
	const struct conf *conf;
	const struct heal_settings *settings;
	struct event *timer;      /* starts a round */
	struct event *soon;       /* starts one out of turn */
	struct event *round_done; /* the round's thread has ended */
	int round_done_fd;
	struct heal_allow *allow;
	struct heal_ledger *ledger;
	struct dyn_entropy_sink sink;
	dyn_entropy_receiver *receiver;
	dyn_entropy_driver *driver;
	const char **endpoints; /* of the peers that are pushed to; borrowed from conf */
	struct target *targets; /* likewise */
	size_t n_targets;
	const struct target *current; /* whose part of the round it is; the thread's */
	bool serving;
	bool stopping; /* no round begins any more */
	pthread_t round_thread;
	bool round_running;
	struct dyn_entropy_round round; /* the thread's until round_done */
	uint64_t rounds, rounds_skipped;
	int64_t next_round_ms; /* monotonic */
};

/* ---- What the channel tells: logged, each thing once ---- */

static void on_connection_ended(void *arg, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct healer *h = arg;
	struct dyn_entropy_error told = *err;

	heal_remedy_add(&told);
	heal_ledger_received(h->ledger, status, result, &told);
	if (status == DYN_ENTROPY_OK)
		log_info("entropy: from %s: %" PRIu64 " bytes, %" PRIu64 " commands: %" PRIu64
			 " applied, %" PRIu64 " kept as they were, in %.2f s",
			result->peer, result->bytes, result->applied.commands,
			result->applied.applied, result->applied.kept, result->seconds);
	else if (status == DYN_ENTROPY_ERR_CANCELLED)
		log_info("entropy: from %s: given up, the node stops", result->peer);
	else
		log_warn("entropy: from %s: not applied%s, %s error: %s", result->peer,
			result->applied.applied ? " whole" : "", dyn_entropy_status_name(status),
			told.message);
}

static void on_target_done(void *arg, const struct dyn_entropy_target_report *r)
{
	const struct dyn_entropy_push_result *p = &r->last;
	struct healer *h = arg;

	heal_ledger_pushed(h->ledger, r);
	if (p->source.not_carried)
		log_warn("entropy: to %s: left out what the channel cannot carry: %s", r->endpoint,
			p->source.not_carried_what);
	if (r->status == DYN_ENTROPY_OK)
		log_notice("entropy: to %s: %" PRIu64 " keys in %" PRIu64 " snapshot%s, %" PRIu64
			   " bytes, %.1f s: %s",
			r->endpoint, p->keys, p->snapshots, p->snapshots == 1 ? "" : "s", p->bytes,
			p->seconds, dyn_entropy_outcome_text(p->outcome));
	else if (r->status == DYN_ENTROPY_ERR_CANCELLED)
		log_notice("entropy: to %s: given up, the node stops", r->endpoint);
	else
		log_warn("entropy: to %s: %s after %" PRIu64 " snapshot%s, %s error: %s",
			r->endpoint, dyn_entropy_outcome_text(p->outcome), p->closed,
			p->closed == 1 ? "" : "s", dyn_entropy_status_name(r->status), r->message);
}

/* ---- Rounds ---- */

static void *round_main(void *arg)
{
	struct healer *h = arg;
	eventfd_t one = 1;
	struct dyn_entropy_error err;

	heal_allow_refresh(h->allow, clock_deadline_ms(LOOKUP_MS));
	/* What a peer did is in its report; a cancelled round needs no word. */
	if (dyn_entropy_driver_round(h->driver, &h->round, &err) != DYN_ENTROPY_OK)
		log_debug("entropy: the round was cut short: %s", err.message);
	if (write(h->round_done_fd, &one, sizeof(one)) < 0)
		log_error("entropy: cannot tell the end of a round: %s", strerror(errno));
	return NULL;
}

static void join_round(struct healer *h)
{
	if (!h->round_running)
		return;
	pthread_join(h->round_thread, NULL);
	h->round_running = false;
	h->rounds++;
	log_notice("entropy: round %" PRIu64 ": %" PRIu64 " of %" PRIu64
		   " peers exchanged, %" PRIu64 " keys, %" PRIu64 " bytes, %.1f s",
		h->rounds, h->round.exchanged, h->round.attempted, h->round.keys, h->round.bytes,
		h->round.seconds);
}

static void on_round_done(evutil_socket_t fd, short events, void *arg)
{
	eventfd_t ignored;

	(void)events;
	if (read(fd, &ignored, sizeof(ignored)) > 0)
		join_round(arg);
}

static void set_soon(struct healer *h)
{
	const struct timeval soon = {.tv_sec = SOON_SECONDS};

	if (!event_pending(h->soon, EV_TIMEOUT, NULL))
		event_add(h->soon, &soon);
}

/* A round to those that are due. */
static bool run_due(struct healer *h)
{
	int failed;

	if (h->round_running || h->n_targets == 0 || h->stopping)
		return false;
	for (size_t i = 0; i < h->n_targets; i++)
		h->targets[i].in_round = h->targets[i].due;
	failed = pthread_create(&h->round_thread, NULL, round_main, h);
	if (failed) {
		log_error("entropy: cannot start the sender's thread: %s", strerror(failed));
		set_soon(h);
		return false;
	}
	h->round_running = true;
	for (size_t i = 0; i < h->n_targets; i++)
		h->targets[i].due = false;
	return true;
}

static void make_due(struct healer *h, size_t peer)
{
	for (size_t i = 0; i < h->n_targets; i++)
		if (peer == HEALER_ALL || h->targets[i].peer == peer)
			h->targets[i].due = true;
}

bool healer_run_now(struct healer *h)
{
	if (h->round_running)
		return false;
	make_due(h, HEALER_ALL);
	return run_due(h);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct healer *h = arg;

	(void)fd;
	(void)events;
	h->next_round_ms = clock_deadline_ms(h->conf->recon_interval_seconds * 1000);
	if (!h->round_running) {
		healer_run_now(h);
		return;
	}
	h->rounds_skipped++;
	log_warn("entropy: the last round still runs, so this one is skipped (%" PRIu64
		 " so far): raise recon_interval_seconds or recon_max_rate",
		h->rounds_skipped);
}

void healer_run_soon(struct healer *h, size_t peer)
{
	make_due(h, peer);
	set_soon(h);
}

static bool any_due(const struct healer *h)
{
	for (size_t i = 0; i < h->n_targets; i++)
		if (h->targets[i].due)
			return true;
	return false;
}

static void on_soon(evutil_socket_t fd, short events, void *arg)
{
	struct healer *h = arg;

	(void)fd;
	(void)events;
	if (h->round_running)
		set_soon(h); /* the one that runs may have passed that peer by */
	else if (any_due(h))
		run_due(h);
}

static bool owns(void *arg, const void *key, size_t len)
{
	const struct healer *h = arg;

	return heal_targets_owns(
		h->options.targets, h->options.targets->nodes[h->current->peer], key, len);
}

static bool is_in_round(void *arg, size_t target)
{
	const struct healer *h = arg;

	return h->targets[target].in_round;
}

static enum dyn_entropy_status open_source(
	void *arg, size_t target, struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	struct healer *h = arg;

	h->current = &h->targets[target];
	return heal_settings_open_source(
		h->settings, h->options.targets->ring ? owns : NULL, h, out, err);
}

/* ---- Starting and stopping ---- */

static bool add_events(struct healer *h)
{
	h->round_done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->round_done_fd < 0)
		return false;
	h->round_done = event_new(
		h->options.base, h->round_done_fd, EV_READ | EV_PERSIST, on_round_done, h);
	h->timer = event_new(h->options.base, -1, EV_PERSIST, on_timer, h);
	h->soon = event_new(h->options.base, -1, 0, on_soon, h);
	return h->round_done && h->timer && h->soon && event_add(h->round_done, NULL) == 0;
}

static bool choose_peers(struct healer *h)
{
	const struct conf_list *all = &h->conf->recon_peers;

	h->endpoints = calloc(all->n + 1, sizeof(*h->endpoints));
	h->targets = calloc(all->n + 1, sizeof(*h->targets));
	if (!h->endpoints || !h->targets)
		return false;
	for (size_t i = 0; i < all->n; i++) {
		if (!heal_targets_takes_part(h->options.targets, i)) {
			log_notice("entropy: %s is sent %s", all->items[i],
				heal_targets_part_text(heal_targets_part(h->options.targets, i)));
			continue;
		}
		h->endpoints[h->n_targets] = all->items[i];
		h->targets[h->n_targets++].peer = i;
	}
	return true;
}

static bool make_receiver(struct healer *h, struct dyn_entropy_error *err)
{
	const struct heal_settings *r = h->settings;
	const struct dyn_entropy_receiver_options options = {
		.allow = h->conf->recon_allow == CONF_ALLOW_ANY ? NULL : heal_allow_admits,
		.allow_arg = h->allow,
		.ended = on_connection_ended,
		.ended_arg = h,
	};

	return dyn_entropy_sink_redis(&r->redis, r->accept, &h->sink, err) == DYN_ENTROPY_OK &&
	       dyn_entropy_receiver_new(&r->config, r->material, &h->sink, &options, &h->receiver,
		       err) == DYN_ENTROPY_OK;
}

static bool make_driver(struct healer *h, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_driver_options options = {
		.targets = h->endpoints,
		.n_targets = h->n_targets,
		.takes_part = is_in_round,
		.takes_part_arg = h,
		.knock = true,
		.open_source = open_source,
		.open_source_arg = h,
		.target_done = on_target_done,
		.target_done_arg = h,
		.cancel = h->options.cancel,
	};

	return dyn_entropy_driver_new(&h->settings->config, h->settings->material, &options,
		       &h->driver, err) == DYN_ENTROPY_OK;
}

struct healer *healer_new(const struct healer_options *options)
{
	struct healer *h = calloc(1, sizeof(*h));
	struct dyn_entropy_error err;

	if (!h) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	h->options = *options;
	h->conf = options->conf;
	h->settings = options->settings;
	h->round_done_fd = -1;
	h->allow = heal_allow_new(&h->conf->recon_peers);
	if (h->allow && choose_peers(h))
		h->ledger = heal_ledger_new(h->endpoints, h->n_targets);
	if (!h->ledger || !add_events(h)) {
		log_error("cannot start: entropy: no memory or descriptor is left");
		goto failed;
	}
	heal_allow_refresh(h->allow, clock_deadline_ms(LOOKUP_MS));
	if (!make_receiver(h, &err) || !make_driver(h, &err)) {
		log_error("cannot start: entropy: %s error: %s",
			dyn_entropy_status_name(err.status), err.message);
		goto failed;
	}
	return h;
failed:
	healer_free(h);
	return NULL;
}

static void warn_alone(const struct healer *h)
{
	if (h->conf->recon_peers.n == 0)
		log_warn("entropy: no peer is known (recon_peers, dyn_seeds): this node only "
			 "receives");
	else
		log_warn("entropy: none of the %zu peers shares keys with this node: it only "
			 "receives",
			h->conf->recon_peers.n);
}

bool healer_start(struct healer *h)
{
	const struct timeval interval = {.tv_sec = (time_t)h->conf->recon_interval_seconds};
	struct dyn_entropy_error err;

	if (dyn_entropy_receiver_start(h->receiver, &err) != DYN_ENTROPY_OK) {
		log_error("cannot start: entropy: %s", err.message);
		return false;
	}
	h->serving = true;
	log_notice("entropy: receiving on port %u, into Redis at %s",
		dyn_entropy_receiver_port(h->receiver), h->settings->redis.address);
	if (h->n_targets == 0) {
		warn_alone(h);
		return true;
	}
	if (event_add(h->timer, &interval) != 0) {
		log_error("cannot start: entropy: no timer");
		return false;
	}
	h->next_round_ms = clock_deadline_ms(h->conf->recon_interval_seconds * 1000);
	log_notice("entropy: a round to %zu peers now and every %" PRId64 " s, %s source, %s",
		h->n_targets, h->conf->recon_interval_seconds,
		conf_key_word(CONF_KEY_RECON_SOURCE, h->conf->recon_source),
		h->conf->recon_encrypt ? "encrypted" : "in plaintext");
	return true;
}

void healer_begin_stop(struct healer *h)
{
	h->stopping = true;
	event_del(h->timer);
	event_del(h->soon);
	dyn_entropy_cancel_set(h->options.cancel);
	dyn_entropy_receiver_stop(h->receiver);
}

void healer_stop(struct healer *h)
{
	healer_begin_stop(h);
	join_round(h);
	log_notice("entropy: no round runs any more");
	if (!h->serving)
		return;
	dyn_entropy_receiver_join(h->receiver);
	h->serving = false;
	log_notice("entropy: the receiver has stopped");
}

void healer_free(struct healer *h)
{
	if (!h)
		return;
	dyn_entropy_receiver_free(h->receiver);
	dyn_entropy_driver_free(h->driver);
	dyn_entropy_sink_free(&h->sink);
	heal_allow_free(h->allow);
	heal_ledger_free(h->ledger);
	free(h->endpoints);
	free(h->targets);
	if (h->timer)
		event_free(h->timer);
	if (h->soon)
		event_free(h->soon);
	if (h->round_done)
		event_free(h->round_done);
	if (h->round_done_fd >= 0)
		close(h->round_done_fd);
	free(h);
}

/* ---- What it knows ---- */

void healer_count(struct healer *h, struct figures_entropy *s)
{
	struct dyn_entropy_receiver_counters in;
	struct dyn_entropy_round out;

	dyn_entropy_driver_sum(h->driver, &out);
	dyn_entropy_receiver_count(h->receiver, &in);
	s->rounds = h->rounds;
	s->rounds_skipped = h->rounds_skipped;
	s->peers_attempted = out.attempted;
	s->peers_exchanged = out.exchanged;
	s->peers_failed = out.failed;
	s->snapshots_sent = out.snapshots;
	s->keys_sent = out.keys;
	s->bytes_sent = out.bytes;
	s->connections = in.connections;
	s->snapshots_committed = in.committed;
	s->connections_failed = in.failed;
	s->connections_turned_away = in.turned_away;
	s->bytes_received = in.bytes;
	s->commands = in.commands;
	s->keys_applied = in.applied;
	s->keys_kept = in.kept;
}

struct heal_ledger *healer_ledger(struct healer *h)
{
	return h->ledger;
}

bool healer_is_running(const struct healer *h)
{
	return h->round_running;
}

int64_t healer_next_round_ms(const struct healer *h)
{
	int64_t left;

	if (h->n_targets == 0)
		return -1;
	left = h->next_round_ms - clock_monotonic_ms();
	return left > 0 ? left : 0;
}
