#include "node/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "control/figures.h"
#include "heal/healer.h"
#include "journal/recent.h"
#include "journal/stamp.h"
#include "journal/state.h"
#include "node/daemon.h"
#include "node/setup.h"
#include "node/state_path.h"
#include "proxy/proxy.h"
#include "repair/reconciler.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU};

/* How long a stop waits for requests under way, of the second that it may take. */
#define FINISH_MS 500

#define N_SIGNALS (sizeof(handled_signals) / sizeof(handled_signals[0]))

struct engine {
	struct engine_options options;
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct proxy *proxy;           /* NULL: no listen */
	struct healer *healer;         /* NULL: no entropy channel */
	struct recent *recent;         /* recently written keys; likewise */
	struct state *state;           /* what it keeps on disk; likewise */
	struct reconciler *reconciler; /* likewise; needs the key of the channel */
	const char **receivers;        /* of each node of the ring: NULL, or its receiver */
	struct control *control;
	bool stopping;
};

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
		e->stopping = true;
	}
}

static bool add_signals(struct engine *e)
{
	for (size_t i = 0; i < N_SIGNALS; i++) {
		e->signals[i] = evsignal_new(e->base, handled_signals[i], on_signal, e);
		if (!e->signals[i] || event_add(e->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

/* ---- Hooks of the proxy ---- */

static void on_node_back(void *arg, size_t node)
{
	struct engine *e = arg;

	if (e->reconciler)
		reconciler_node_back(e->reconciler, node);
	if (e->healer)
		healer_node_back(e->healer, node);
}

static void on_write_begun(void *arg, struct stamped_write *w)
{
	struct engine *e = arg;
	int64_t now_ms = clock_monotonic_ms();

	for (size_t i = 0; i < w->n_keys; i++)
		recent_note(e->recent, w->keys[i].bytes, w->keys[i].len, now_ms);
}

/* ---- Rounds or sessions ---- */

static void on_speaks_1(void *arg, size_t node)
{
	struct engine *e = arg;

	(void)node;
	if (e->healer)
		healer_look_again(e->healer);
}

static bool takes_rounds(void *arg, size_t node)
{
	const struct engine *e = arg;

	return e->options.conf->recon_protocol != CONF_PROTOCOL_2 &&
	       reconciler_speech(e->reconciler, node) == RECONCILER_SPEAKS_1;
}

static void run_sessions(void *arg)
{
	reconciler_run(((struct engine *)arg)->reconciler, SIZE_MAX, false);
}

static void on_datastore_up(void *arg)
{
	reconciler_datastore_up(((struct engine *)arg)->reconciler);
}

static void on_before_flush(void *arg)
{
	reconciler_before_flush(((struct engine *)arg)->reconciler);
}

static uint64_t on_draw_stamp(void *arg)
{
	return reconciler_draw_stamp(((struct engine *)arg)->reconciler);
}

static void on_write_arrives(void *arg, struct stamped_write *w)
{
	reconciler_write_arrives(((struct engine *)arg)->reconciler, w);
}

static void on_write_ended(void *arg, size_t node, const struct stamped_write *w,
	enum write_fate fate, bool left_unchanged)
{
	reconciler_write_ended(((struct engine *)arg)->reconciler, node, w, fate, left_unchanged);
}

/* ---- Starting and stopping ---- */

/* A key of this node's connections, from that of the channel. */
static bool derive(void *arg, const uint8_t *info, size_t len, uint8_t key[RECON_TLS_KEY_LEN])
{
	struct dyn_entropy_error err;

	return dyn_entropy_material_derive(arg, info, len, key, RECON_TLS_KEY_LEN, &err) ==
	       DYN_ENTROPY_OK;
}

/* Sessions need other racks, and the key of the channel; without it there are only rounds. */
static bool make_reconciler(struct engine *e)
{
	const struct engine_options *o = &e->options;
	const struct heal_targets *targets = o->targets;
	struct reconciler_options options = {
		.base = e->base,
		.ring = o->ring,
		.recent = e->recent,
		.derive = derive,
		.derive_arg = o->heal->material,
		.state = e->state,
		.log_bytes = (uint64_t)o->conf->recon_journal_max_bytes,
		.n_lanes = (uint32_t)o->conf->datastore_connections,
		.timeout_ms = o->conf->timeout,
		.speaks_1 = on_speaks_1,
		.arg = e,
	};

	if (o->ring->n_racks == 1 || !o->heal->material || !o->conf->recon_encrypt ||
		o->conf->recon_protocol == CONF_PROTOCOL_1)
		return true;
	e->receivers = calloc(o->ring->n_nodes, sizeof(*e->receivers));
	if (!e->receivers) {
		log_error("cannot start: out of memory");
		return false;
	}
	for (size_t i = 0; i < targets->n_sent; i++)
		if (targets->sent_nodes[i] != SIZE_MAX)
			e->receivers[targets->sent_nodes[i]] = targets->sent_endpoints[i];
	options.receivers = e->receivers;
	e->reconciler = reconciler_new(&options);
	return e->reconciler != NULL;
}

static bool make_proxy(struct engine *e)
{
	struct proxy_options options = setup_proxy_options(e->options.conf);

	options.hooks.node_back = on_node_back;
	options.hooks.write_begun = e->recent ? on_write_begun : NULL;
	if (e->reconciler) {
		options.hooks.datastore_up = on_datastore_up;
		options.hooks.before_flush = on_before_flush;
		options.hooks.draw_stamp = on_draw_stamp;
		options.hooks.write_arrives = on_write_arrives;
		options.hooks.write_ended = on_write_ended;
	}
	options.hooks.arg = e;
	e->proxy = proxy_new(e->base, e->options.ring, &options);
	return e->proxy && (!e->reconciler || reconciler_start(e->reconciler, e->proxy));
}

static void on_version_2(void *arg, int fd, const char *peer)
{
	(void)peer;
	reconciler_accept(arg, fd);
}

static bool make_healer(struct engine *e)
{
	const struct engine_options *o = &e->options;
	const struct healer_options options = {
		.take_version_2 = e->reconciler ? on_version_2 : NULL,
		.take_version_2_arg = e->reconciler,
		.takes_rounds = e->reconciler ? takes_rounds : NULL,
		.run_sessions = e->reconciler ? run_sessions : NULL,
		.arg = e,
		.base = e->base,
		.settings = o->heal,
		.targets = o->targets,
		.recent = e->recent,
		.state = e->state,
		.cancel = o->cancel,
	};

	e->healer = healer_new(&options);
	return e->healer != NULL;
}

/* Find out who this node is. */
static bool open_state(struct engine *e)
{
	char path[PATH_MAX], why[STATE_WHY_MAX];
	uint32_t number = (uint32_t)ring_place(e->options.ring, 0) % STAMP_NODES_MAX;

	if (!state_path(e->options.conf, path, sizeof(path))) {
		log_error("cannot start: it is not known where to keep the node's state: give "
			  "recon_state_dir");
		return false;
	}
	e->state = state_open(path, number, why);
	if (!e->state) {
		log_error("cannot start: %s", why);
		return false;
	}
	log_notice("node %s, number %" PRIu32 " in stamps, state in %s", state_identity(e->state),
		state_number(e->state), path);
	return true;
}

static bool make_control(struct engine *e)
{
	const struct control_options options = {
		.base = e->base,
		.conf = e->options.conf,
		.proxy = e->proxy,
		.healer = e->healer,
		.reconciler = e->reconciler,
		.ring = e->options.ring,
	};

	e->control = control_new(&options);
	return e->control != NULL;
}

struct engine *engine_new(const struct engine_options *options)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	e->options = *options;
	e->base = event_base_new();
	if (!e->base || !add_signals(e)) {
		log_error("cannot start: no event loop, or no memory for its events");
		goto failed;
	}
	if (options->heal && options->ring) {
		e->recent = recent_new(clock_monotonic_ms());
		if (!e->recent) {
			log_error("cannot start: no memory for the keys that were written");
			goto failed;
		}
	}
	if (options->heal && options->ring && (!open_state(e) || !make_reconciler(e)))
		goto failed;
	if (options->ring && !make_proxy(e))
		goto failed;
	if (options->heal && !make_healer(e))
		goto failed;
	if (!make_control(e))
		goto failed;
	return e;
failed:
	engine_free(e);
	return NULL;
}

static void log_figures(struct engine *e)
{
	struct heal_figures figures;
	char text[1024];

	healer_figures(e->healer, &figures);
	log_notice("counted: %s", control_figures_format(&figures, text, sizeof(text)));
}

/* One iteration of the loop; false when it has no events left. */
static bool run_turn(struct engine *e)
{
	if (event_base_loop(e->base, EVLOOP_ONCE) != 0)
		return false;
	if (e->proxy)
		proxy_flush(e->proxy);
	return true;
}

/* Let requests under way be answered, and their writes reach the replicas, if that is quick. */
static void finish_requests(struct engine *e)
{
	int64_t until_ms = clock_deadline_ms(FINISH_MS);

	proxy_quit(e->proxy);
	proxy_flush(e->proxy);
	while (!proxy_is_idle(e->proxy) && clock_monotonic_ms() < until_ms && run_turn(e))
		;
	if (!proxy_is_idle(e->proxy)) {
		struct proxy_figures f;

		proxy_count(e->proxy, &f);
		log_warn("stopping with %" PRIu64 " requests under way, for %" PRIu64
			 " clients and %" PRIu64 " nodes that did not end",
			f.requests_under_way, f.client_connections, f.dnode_client_connections);
	}
}

bool engine_run(struct engine *e)
{
	if (e->healer && !healer_start(e->healer)) {
		healer_stop(e->healer);
		return false;
	}
	if (!e->healer)
		log_notice("entropy: not enabled (recon_enabled)");
	log_notice("started, pid %ld", (long)getpid());
	daemon_ready();
	if (e->healer)
		healer_run_now(e->healer); /* the timer fires only after the first interval */
	while (!e->stopping && run_turn(e))
		;
	if (e->healer)
		healer_begin_stop(e->healer); /* its threads end while the requests are completed */
	if (e->reconciler)
		reconciler_stop(e->reconciler);
	if (e->proxy)
		finish_requests(e);
	if (e->healer) {
		healer_stop(e->healer);
		log_figures(e);
	}
	return true;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	control_free(e->control);
	healer_free(e->healer);
	proxy_free(e->proxy);
	reconciler_free(e->reconciler);
	free(e->receivers);
	recent_free(e->recent);
	state_close(e->state);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (e->signals[i])
			event_free(e->signals[i]);
	if (e->base)
		event_base_free(e->base);
	free(e);
}
