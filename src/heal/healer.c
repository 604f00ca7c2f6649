#include "heal/healer.h"

#include "base/clock.h"
#include "base/log.h"
#include "heal/allow.h"
#include "heal/guard.h"
#include "heal/remedy.h"
#include "heal/rounds.h"
#include "heal/schedule.h"

#include <inttypes.h>
#include <stdlib.h>

struct healer {
	struct healer_options options;
	const struct conf *conf;
	const struct heal_settings *settings;
	struct heal_allow *allow;
	struct heal_ledger *ledger;
	struct heal_rounds *rounds;
	struct heal_schedule *schedule;
	struct heal_guard guard;
	struct dyn_entropy_sink sink;
	struct heal_handover *handover; /* NULL: version 2 is refused */
	dyn_entropy_receiver *receiver;
	bool serving;
};

/* ---- The receiver ---- */

static void on_connection_ended(void *arg, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct healer *h = arg;
	struct dyn_entropy_error told = *err;

	heal_remedy_add(&told);
	heal_ledger_received(h->ledger, status, result, &told);
	if (status == DYN_ENTROPY_OK)
		log_info("entropy: from %s: %" PRIu64 " bytes, %" PRIu64 " commands: %" PRIu64
			 " applied, %" PRIu64 " kept as they were, %" PRIu64
			 " left alone (written meanwhile), in %.2f s",
			result->peer, result->bytes, result->applied.commands,
			result->applied.applied, result->applied.kept, result->applied.left_alone,
			result->seconds);
	else if (status == DYN_ENTROPY_ERR_CANCELLED)
		log_info("entropy: from %s: given up, the node stops", result->peer);
	else
		log_warn("entropy: from %s: not applied%s, %s error: %s", result->peer,
			result->applied.applied ? " whole" : "", dyn_entropy_status_name(status),
			told.message);
}

/* For the connections of version 2, where they are taken. */
static bool make_handover(struct healer *h)
{
	const struct healer_options *o = &h->options;

	if (!o->take_version_2 || h->conf->recon_protocol == CONF_PROTOCOL_1 ||
		!h->settings->material)
		return true;
	h->handover = heal_handover_new(o->base, o->take_version_2, o->take_version_2_arg);
	return h->handover != NULL;
}

static bool make_receiver(struct healer *h, struct dyn_entropy_error *err)
{
	const struct heal_settings *r = h->settings;
	const struct dyn_entropy_receiver_options options = {
		.struct_size = sizeof(options),
		.allow = h->conf->recon_allow == CONF_ALLOW_ANY ? NULL : heal_allow_admits,
		.allow_arg = h->allow,
		.ended = on_connection_ended,
		.ended_arg = h,
		.take_version_2 = h->handover ? heal_handover_give : NULL,
		.take_version_2_arg = h->handover,
		.refuse_version_1 = h->conf->recon_protocol == CONF_PROTOCOL_2,
	};
	const struct dyn_entropy_sink_redis_options sink = {
		.struct_size = sizeof(sink),
		.accept = r->accept,
		.may_restore = h->guard.recent ? heal_guard_may_restore : NULL,
		.may_restore_arg = &h->guard,
	};

	return dyn_entropy_sink_redis(&r->redis, &sink, &h->sink, err) == DYN_ENTROPY_OK &&
	       dyn_entropy_receiver_new(&r->config, r->material, &h->sink, &options, &h->receiver,
		       err) == DYN_ENTROPY_OK;
}

/* ---- Start and stop ---- */

static void log_others(const struct heal_targets *t)
{
	const struct conf_list *all = &t->conf->recon_peers;

	for (size_t i = 0; i < all->n; i++)
		if (!heal_targets_takes_part(t, i))
			log_notice("entropy: %s is sent %s", all->items[i],
				heal_targets_part_text(heal_targets_part(t, i)));
}

static void on_push_ended(void *arg, size_t target, enum heal_due_end end)
{
	struct healer *h = arg;

	heal_schedule_ended(h->schedule, target, end);
}

static bool make_rounds(struct healer *h)
{
	const struct heal_rounds_options options = {
		.base = h->options.base,
		.settings = h->settings,
		.targets = h->options.targets,
		.allow = h->allow,
		.ledger = h->ledger,
		.guard = &h->guard,
		.cancel = h->options.cancel,
		.ended = on_push_ended,
		.ended_arg = h,
	};

	h->rounds = heal_rounds_new(&options);
	return h->rounds != NULL;
}

static bool make_schedule(struct healer *h)
{
	const struct heal_schedule_options options = {
		.base = h->options.base,
		.targets = h->options.targets,
		.rounds = h->rounds,
		.ledger = h->ledger,
		.again_ms = h->guard.recent ? heal_guard_age_ms(&h->guard) : 0,
		.takes_rounds = h->options.takes_rounds,
		.arg = h->options.arg,
	};

	h->schedule = heal_schedule_new(&options);
	return h->schedule != NULL;
}

struct healer *healer_new(const struct healer_options *options)
{
	const struct heal_targets *targets = options->targets;
	struct healer *h = calloc(1, sizeof(*h));
	struct dyn_entropy_error err;

	if (!h) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	h->options = *options;
	h->conf = options->settings->conf;
	h->settings = options->settings;
	h->guard.recent = options->recent;
	h->guard.timeout_ms = h->conf->timeout;
	log_others(targets);
	h->allow = heal_allow_new(&h->conf->recon_peers);
	h->ledger = heal_ledger_new(targets->sent_endpoints, targets->n_sent);
	if (!h->allow || !h->ledger || !make_handover(h))
		goto no_memory;
	heal_allow_refresh(h->allow, clock_deadline_ms(HEAL_ALLOW_LOOKUP_MS));
	if (!make_receiver(h, &err)) {
		log_error("cannot start: entropy: %s error: %s",
			dyn_entropy_status_name(err.status), err.message);
		goto failed;
	}
	if (!make_rounds(h))
		goto failed;
	if (make_schedule(h))
		return h;
no_memory:
	log_error("cannot start: entropy: no memory or descriptor is left");
failed:
	healer_free(h);
	return NULL;
}

static void warn_alone(const struct healer *h)
{
	if (h->conf->recon_peers.n == 0)
		log_warn("entropy: no target is known (recon_peers, dyn_seeds): this node only "
			 "receives");
	else
		log_warn("entropy: none of the %zu targets shares keys with this node: it only "
			 "receives",
			h->conf->recon_peers.n);
}

bool healer_start(struct healer *h)
{
	size_t n_targets = h->options.targets->n_sent;
	struct dyn_entropy_error err;

	if (dyn_entropy_receiver_start(h->receiver, &err) != DYN_ENTROPY_OK) {
		log_error("cannot start: entropy: %s", err.message);
		return false;
	}
	h->serving = true;
	log_notice("entropy: receiving on port %u, into Redis at %s",
		dyn_entropy_receiver_port(h->receiver), h->settings->redis.address);
	if (n_targets == 0) {
		warn_alone(h);
		return true;
	}
	if (!heal_schedule_start(h->schedule)) {
		log_error("cannot start: entropy: no timer");
		return false;
	}
	log_notice("entropy: a round to %zu targets%s now and every %" PRId64 " s, %s source, %s",
		n_targets,
		h->options.takes_rounds ? ", but those that speak version 2 of the protocol," : "",
		h->conf->recon_interval_seconds,
		conf_key_word(CONF_KEY_RECON_SOURCE, h->conf->recon_source),
		h->conf->recon_encrypt ? "encrypted" : "in plaintext");
	return true;
}

bool healer_run_now(struct healer *h)
{
	bool began = heal_schedule_run_now(h->schedule);

	if (!h->options.run_sessions)
		return began;
	h->options.run_sessions(h->options.arg);
	return true;
}

void healer_look_again(struct healer *h)
{
	heal_schedule_look_again(h->schedule);
}

void healer_node_back(struct healer *h, size_t node)
{
	heal_schedule_node_back(h->schedule, node);
}

void healer_begin_stop(struct healer *h)
{
	heal_schedule_stop(h->schedule);
	dyn_entropy_cancel_set(h->options.cancel);
	dyn_entropy_receiver_stop(h->receiver);
	if (h->handover)
		heal_handover_stop(h->handover);
}

void healer_stop(struct healer *h)
{
	healer_begin_stop(h);
	heal_rounds_join(h->rounds);
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
	heal_handover_free(h->handover);
	heal_schedule_free(h->schedule);
	heal_rounds_free(h->rounds);
	dyn_entropy_sink_free(&h->sink);
	heal_allow_free(h->allow);
	heal_ledger_free(h->ledger);
	free(h);
}

/* ---- Figures ---- */

void healer_figures(struct healer *h, struct heal_figures *out)
{
	struct dyn_entropy_receiver_counters receiver = {.struct_size = sizeof(receiver)};

	heal_ledger_totals(h->ledger, out);
	/* The ledger counts connections when they end; here those under way count too. */
	dyn_entropy_receiver_count(h->receiver, &receiver);
	out->connections = receiver.connections;
	out->connections_taken = receiver.taken;
}

void healer_schedule(const struct healer *h, struct heal_schedule_figures *out)
{
	heal_schedule_figures(h->schedule, out);
}

const struct state *healer_state(const struct healer *h)
{
	return h->options.state;
}

struct heal_ledger *healer_ledger(struct healer *h)
{
	return h->ledger;
}
