#include "engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon.h"
#include "peers.h"
#include "stats.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long names of peers may take to be looked up before a start or a round goes on without them.
 */
#define PEERS_LOOKUP_MS 2000

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU};

#define N_SIGNALS (sizeof(handled_signals) / sizeof(handled_signals[0]))

struct engine {
	const struct conf *conf;
	const struct recon *recon;  /* NULL: no entropy channel */
	dyn_entropy_cancel *cancel; /* borrowed */
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct event *timer;      /* starts a round */
	struct event *round_done; /* the round's thread has ended */
	int round_done_fd;
	struct peers *peers;
	struct dyn_entropy_sink sink;
	dyn_entropy_receiver *receiver;
	pthread_t receiver_thread;
	bool receiver_running;
	dyn_entropy_driver *driver;
	pthread_t round_thread;
	bool round_running;
	struct dyn_entropy_round round; /* the thread's until round_done */
	uint64_t rounds, rounds_skipped;
};

/* ---- What the channel tells: logged, each thing once ---- */

static void on_connection_ended(void *arg, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	(void)arg;
	if (status == DYN_ENTROPY_OK)
		log_info("entropy: from %s: %" PRIu64 " bytes, %" PRIu64 " commands: %" PRIu64
			 " applied, %" PRIu64 " kept as they were, in %.2f s",
			result->peer, result->bytes, result->applied.commands,
			result->applied.applied, result->applied.kept, result->seconds);
	else if (status == DYN_ENTROPY_ERR_CANCELLED)
		log_info("entropy: from %s: given up, the node stops", result->peer);
	else
		log_warn("entropy: from %s: not applied, %s error: %s", result->peer,
			dyn_entropy_status_name(status), err->message);
}

static void on_peer_done(void *arg, const struct dyn_entropy_peer_report *r)
{
	const struct dyn_entropy_push_result *p = &r->last;

	(void)arg;
	if (p->source.not_carried)
		log_warn("entropy: to %s: left out what the channel cannot carry: %s", r->endpoint,
			p->source.not_carried_what);
	if (r->status == DYN_ENTROPY_OK)
		log_notice("entropy: to %s: %" PRIu64 " keys in %" PRIu64 " snapshots, %" PRIu64
			   " bytes, %.1f s: %s",
			r->endpoint, p->keys, p->snapshots, p->bytes, p->seconds,
			dyn_entropy_outcome_text(p->outcome));
	else if (r->status == DYN_ENTROPY_ERR_CANCELLED)
		log_notice("entropy: to %s: given up, the node stops", r->endpoint);
	else
		log_warn("entropy: to %s: %s after %" PRIu64 " snapshots, %s error: %s",
			r->endpoint, dyn_entropy_outcome_text(p->outcome), p->closed,
			dyn_entropy_status_name(r->status), r->message);
}

/* ---- Rounds ---- */

static void *round_main(void *arg)
{
	struct engine *e = arg;
	eventfd_t one = 1;
	struct dyn_entropy_error err;

	peers_refresh(e->peers, clock_deadline_ms(PEERS_LOOKUP_MS));
	/* What a peer did is in its report; a cancelled round needs no word. */
	if (dyn_entropy_driver_round(e->driver, &e->round, &err) != DYN_ENTROPY_OK)
		log_debug("entropy: the round was cut short: %s", err.message);
	if (write(e->round_done_fd, &one, sizeof(one)) < 0)
		log_error("entropy: cannot tell the end of a round: %s", strerror(errno));
	return NULL;
}

static void join_round(struct engine *e)
{
	if (!e->round_running)
		return;
	pthread_join(e->round_thread, NULL);
	e->round_running = false;
	e->rounds++;
	log_notice("entropy: round %" PRIu64 ": %" PRIu64 " of %" PRIu64
		   " peers exchanged, %" PRIu64 " keys, %" PRIu64 " bytes, %.1f s",
		e->rounds, e->round.exchanged, e->round.attempted, e->round.keys, e->round.bytes,
		e->round.seconds);
}

static void on_round_done(evutil_socket_t fd, short events, void *arg)
{
	eventfd_t ignored;

	(void)events;
	if (read(fd, &ignored, sizeof(ignored)) > 0)
		join_round(arg);
}

static void start_round(struct engine *e)
{
	int failed = pthread_create(&e->round_thread, NULL, round_main, e);

	if (failed)
		log_error("entropy: cannot start the sender's thread: %s", strerror(failed));
	else
		e->round_running = true;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)events;
	if (!e->round_running) {
		start_round(e);
		return;
	}
	e->rounds_skipped++;
	log_warn("entropy: the last round still runs, so this one is skipped (%" PRIu64
		 " so far): raise recon_interval_seconds or recon_max_rate",
		e->rounds_skipped);
}

static enum dyn_entropy_status open_source(void *arg, const char *endpoint,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	const struct engine *e = arg;

	(void)endpoint; /* every peer gets every key */
	return recon_open_source(e->recon, out, err);
}

/* ---- Signals ---- */

static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct engine *e = arg;

	(void)events;
	switch (number) {
	case SIGHUP:
		if (log_reopen())
			log_notice("the log was reopened");
		else
			log_error("cannot reopen the log, going on with the old one: %s",
				strerror(errno));
		break;
	case SIGTTIN:
		log_set_level(log_get_level() + 1);
		log_notice("log level is now %d", log_get_level());
		break;
	case SIGTTOU:
		log_set_level(log_get_level() - 1);
		log_notice("log level is now %d", log_get_level());
		break;
	default:
		log_notice("stopping on %s", strsignal((int)number));
		event_base_loopbreak(e->base);
	}
}

/* ---- Starting and stopping ---- */

static bool add_events(struct engine *e)
{
	for (size_t i = 0; i < N_SIGNALS; i++) {
		e->signals[i] = evsignal_new(e->base, handled_signals[i], on_signal, e);
		if (!e->signals[i] || event_add(e->signals[i], NULL) != 0)
			return false;
	}
	if (!e->recon)
		return true;
	e->round_done =
		event_new(e->base, e->round_done_fd, EV_READ | EV_PERSIST, on_round_done, e);
	e->timer = event_new(e->base, -1, EV_PERSIST, on_timer, e);
	return e->round_done && e->timer && event_add(e->round_done, NULL) == 0;
}

static bool make_receiver(struct engine *e, struct dyn_entropy_error *err)
{
	const struct recon *r = e->recon;
	const struct dyn_entropy_receiver_options options = {
		.allow = strcmp(e->conf->recon_allow, "any") == 0 ? NULL : peers_allow,
		.allow_arg = e->peers,
		.ended = on_connection_ended,
	};

	return dyn_entropy_sink_redis(&r->redis, r->accept, &e->sink, err) == DYN_ENTROPY_OK &&
	       dyn_entropy_receiver_new(&r->config, r->material, &e->sink, &options, &e->receiver,
		       err) == DYN_ENTROPY_OK;
}

static bool make_driver(struct engine *e, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_driver_options options = {
		.peers = (const char *const *)e->conf->recon_peers.items,
		.n_peers = e->conf->recon_peers.n,
		.open_source = open_source,
		.open_source_arg = e,
		.peer_done = on_peer_done,
		.cancel = e->cancel,
	};

	return dyn_entropy_driver_new(&e->recon->config, e->recon->material, &options, &e->driver,
		       err) == DYN_ENTROPY_OK;
}

static bool make_channel(struct engine *e)
{
	struct dyn_entropy_error err;

	e->round_done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->peers = peers_new(&e->conf->recon_peers);
	if (e->round_done_fd < 0 || !e->peers) {
		log_error("cannot start: no memory or descriptor is left");
		return false;
	}
	peers_refresh(e->peers, clock_deadline_ms(PEERS_LOOKUP_MS));
	if (!make_receiver(e, &err) || !make_driver(e, &err)) {
		log_error("cannot start: entropy: %s error: %s",
			dyn_entropy_status_name(err.status), err.message);
		return false;
	}
	return true;
}

struct engine *engine_new(
	const struct conf *conf, const struct recon *recon, dyn_entropy_cancel *cancel)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	e->conf = conf;
	e->recon = recon;
	e->cancel = cancel;
	e->round_done_fd = -1;
	e->base = event_base_new();
	if (!e->base) {
		log_error("cannot start: no event loop");
		goto failed;
	}
	if (recon && !make_channel(e))
		goto failed;
	if (!add_events(e)) {
		log_error("cannot start: no memory for signals and timers");
		goto failed;
	}
	return e;
failed:
	engine_free(e);
	return NULL;
}

static void *receiver_main(void *arg)
{
	struct dyn_entropy_error err;

	if (dyn_entropy_receiver_run(arg, &err) != DYN_ENTROPY_OK)
		log_error("entropy: the receiver has given up: %s", err.message);
	return NULL;
}

/*
 * The thread is the engine's own, not the library's: so it can be joined, and what it counted read,
 * before the receiver goes.
 */
static bool start_receiver(struct engine *e)
{
	int failed = pthread_create(&e->receiver_thread, NULL, receiver_main, e->receiver);

	if (failed)
		log_error(
			"cannot start: entropy: no thread for the receiver: %s", strerror(failed));
	e->receiver_running = !failed;
	return !failed;
}

/* The receiver serves, and the first round is due. */
static bool start_channel(struct engine *e)
{
	const struct timeval interval = {.tv_sec = (time_t)e->conf->recon_interval_seconds};

	if (!start_receiver(e))
		return false;
	log_notice("entropy: receiving on port %u, into Redis at %s",
		dyn_entropy_receiver_port(e->receiver), e->recon->redis.address);
	if (event_add(e->timer, &interval) != 0) {
		log_error("cannot start: entropy: no timer");
		return false;
	}
	if (e->conf->recon_peers.n == 0) {
		log_warn("entropy: no peer is known (recon_peers, dyn_seeds): this node only "
			 "receives");
		event_del(e->timer);
		return true;
	}
	log_notice("entropy: a round to %zu peers now and every %" PRId64 " s, %s source, %s",
		e->conf->recon_peers.n, e->conf->recon_interval_seconds, e->conf->recon_source,
		e->conf->recon_encrypt ? "encrypted" : "in plaintext");
	return true;
}

/* Harmless when nothing of it runs. */
static void stop_channel(struct engine *e)
{
	if (e->timer)
		event_del(e->timer);
	dyn_entropy_cancel_set(e->cancel);
	if (e->receiver_running)
		dyn_entropy_receiver_stop(e->receiver); /* the two stop side by side */
	join_round(e);
	log_notice("entropy: no round runs any more");
	if (!e->receiver_running)
		return;
	pthread_join(e->receiver_thread, NULL);
	e->receiver_running = false;
	log_notice("entropy: the receiver has stopped");
}

static void log_stats(struct engine *e)
{
	struct stats s = {.rounds = e->rounds, .rounds_skipped = e->rounds_skipped};
	struct dyn_entropy_receiver_counters in;
	struct dyn_entropy_round out;
	char text[1024];

	dyn_entropy_driver_sum(e->driver, &out);
	dyn_entropy_receiver_count(e->receiver, &in);
	s.peers_attempted = out.attempted;
	s.peers_exchanged = out.exchanged;
	s.peers_failed = out.failed;
	s.snapshots_sent = out.snapshots;
	s.keys_sent = out.keys;
	s.bytes_sent = out.bytes;
	s.connections = in.connections;
	s.snapshots_committed = in.committed;
	s.connections_failed = in.failed;
	s.connections_turned_away = in.turned_away;
	s.bytes_received = in.bytes;
	s.commands = in.commands;
	s.keys_applied = in.applied;
	s.keys_kept = in.kept;
	log_notice("counted: %s", stats_format(&s, text, sizeof(text)));
}

bool engine_run(struct engine *e)
{
	if (e->recon && !start_channel(e)) {
		stop_channel(e);
		return false;
	}
	if (!e->recon)
		log_notice("entropy: not enabled (recon_enabled)");
	log_notice("started, pid %ld", (long)getpid());
	daemon_ready();
	if (e->recon && e->conf->recon_peers.n > 0)
		start_round(e); /* the timer rings for the first time after an interval */
	event_base_dispatch(e->base);
	if (e->recon) {
		stop_channel(e);
		log_stats(e);
	}
	return true;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	dyn_entropy_receiver_free(e->receiver);
	dyn_entropy_driver_free(e->driver);
	dyn_entropy_sink_free(&e->sink);
	peers_free(e->peers);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (e->signals[i])
			event_free(e->signals[i]);
	if (e->timer)
		event_free(e->timer);
	if (e->round_done)
		event_free(e->round_done);
	if (e->round_done_fd >= 0)
		close(e->round_done_fd);
	if (e->base)
		event_base_free(e->base);
	free(e);
}
