#include "engine.h"

#include "base/log.h"
#include "daemon.h"
#include "healer.h"
#include "stats.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU};

#define N_SIGNALS (sizeof(handled_signals) / sizeof(handled_signals[0]))

struct engine {
	const struct conf *conf;
	struct event_base *base;
	struct event *signals[N_SIGNALS];
	struct healer *healer; /* NULL: no entropy channel */
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
		event_base_loopbreak(e->base);
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

/* ---- Starting and stopping ---- */

struct engine *engine_new(
	const struct conf *conf, const struct recon *recon, dyn_entropy_cancel *cancel)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	e->conf = conf;
	e->base = event_base_new();
	if (!e->base || !add_signals(e)) {
		log_error("cannot start: no event loop, or no memory for its events");
		goto failed;
	}
	if (recon) {
		const struct healer_options options = {
			.base = e->base, .conf = conf, .recon = recon, .cancel = cancel};

		e->healer = healer_new(&options);
		if (!e->healer)
			goto failed;
	}
	return e;
failed:
	engine_free(e);
	return NULL;
}

static void log_stats(struct engine *e)
{
	struct stats s = {0};
	char text[1024];

	healer_count(e->healer, &s);
	log_notice("counted: %s", stats_format(&s, text, sizeof(text)));
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
		healer_run_now(
			e->healer); /* the timer rings for the first time after an interval */
	event_base_dispatch(e->base);
	if (e->healer) {
		healer_stop(e->healer);
		log_stats(e);
	}
	return true;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	healer_free(e->healer);
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (e->signals[i])
			event_free(e->signals[i]);
	if (e->base)
		event_base_free(e->base);
	free(e);
}
