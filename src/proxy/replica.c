#include "proxy/replica.h"

#include "proxy/refusal.h"

#include <stdlib.h>

static struct replica_conn *conn_of(struct uplink *u)
{
	return (struct replica_conn *)u;
}

/* ---- Failures ---- */

void replica_note_failure(struct replica *r, const char *why)
{
	r->figures.failed_requests++;
	if (r->kind->failed && !r->stopping)
		r->kind->failed(r, why);
}

void replica_leg_failed(struct replica *r, struct leg *leg, enum write_fate fate, const char *why)
{
	replica_note_failure(r, why);
	replica_tell(r, leg, fate, NULL);
	call_leg_failed(leg, why);
}

void replica_pass_by(struct replica *r, const struct leg *like)
{
	replica_note_failure(r, "out of memory");
	replica_tell(r, like, WRITE_MISSED, NULL);
}

enum write_fate replica_fate(const uint8_t *reply, size_t len)
{
	if (len == 0 || reply[0] != '-')
		return WRITE_TAKEN;
	return refusal_in(reply, len) == REFUSAL_NONE ? WRITE_REFUSED : WRITE_MISSED;
}

/* ---- Up and down ---- */

void replica_is_back(struct replica *r)
{
	if (r->options.back)
		r->options.back(r->options.back_arg, r->options.node);
}

static void on_up(struct uplink *u)
{
	struct replica_conn *l = conn_of(u);

	l->silent_since_ms = 0;
	l->was_up = true;
	l->replica->kind->up(l);
	l->missed = false;
}

/* Fail the legs of a connection that has ended. */
static void lose_legs(struct replica_conn *l)
{
	/* Requests queued before it was up were not sent. */
	enum write_fate fate = l->was_up ? WRITE_UNKNOWN : WRITE_MISSED;
	struct replica *r = l->replica;
	struct leg *leg;

	l->was_up = false;
	r->kind->forget(l);
	while ((leg = TAILQ_FIRST(&l->legs)) != NULL) {
		replica_unqueue(l, leg);
		replica_leg_failed(r, leg, fate, r->kind->went_away);
		lanes_ended(&r->lanes);
	}
}

static void on_down(struct uplink *u, const char *why)
{
	struct replica_conn *l = conn_of(u);

	l->missed = l->missed || l->n_legs > 0;
	l->replica->kind->down(l, why);
	lose_legs(l);
}

static size_t on_bytes(struct uplink *u, const uint8_t *bytes, size_t len)
{
	struct replica_conn *l = conn_of(u);
	size_t used;

	l->silent_since_ms = 0; /* there is input */
	used = l->replica->kind->bytes(l, bytes, len);
	l->replica->figures.response_bytes += used;
	if (used > 0 && u->state == UPLINK_UP)
		uplink_worked(u);
	return used;
}

static const struct uplink_ops ops = {.up = on_up, .bytes = on_bytes, .down = on_down};

/* ---- Requests ---- */

static void refuse(void *arg, struct leg *leg, const char *why)
{
	replica_leg_failed(arg, leg, WRITE_MISSED, why);
}

static bool send_on(void *arg, size_t lane, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct replica *r = arg;
	struct replica_conn *l = replica_conn_at(r, lane);
	const char *why = NULL;

	uplink_start(&l->uplink);
	if (!uplink_usable(&l->uplink)) {
		l->missed = true;
		why = r->kind->is_down;
	} else if (l->n_legs >= r->options.queue_max ||
		   !uplink_has_room(&l->uplink, r->options.queue_bytes_max)) {
		why = r->kind->is_full;
	} else if (!r->kind->send(l, leg, bytes, len)) {
		why = "out of memory";
	}
	if (why) {
		replica_leg_failed(r, leg, WRITE_MISSED, why);
		return false;
	}
	if (!leg->is_own) {
		r->figures.requests++;
		r->figures.request_bytes += len;
	}
	TAILQ_INSERT_TAIL(&l->legs, leg, next);
	l->n_legs++;
	return true;
}

void replica_send(struct replica *r, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	lanes_send(&r->lanes, leg, keys, bytes, len);
}

/* ---- Creating and releasing ---- */

struct replica *replica_new(const struct replica_kind *kind, const struct replica_options *options)
{
	struct replica *r = calloc(1, kind->replica_bytes);

	if (!r)
		return NULL;
	r->kind = kind;
	lanes_init(&r->lanes);
	r->lanes.n = options->n_connections;
	r->lanes.queue_max = options->queue_max;
	r->lanes.queue_bytes_max = options->queue_bytes_max;
	r->lanes.send = send_on;
	r->lanes.refuse = refuse;
	r->lanes.arg = r;
	r->options = *options;
	r->options.n_connections = 0; /* number of initialised ones */
	r->conns = calloc(options->n_connections, kind->conn_bytes);
	for (size_t i = 0; r->conns && i < options->n_connections; i++) {
		struct replica_conn *l = replica_conn_at(r, i);

		l->replica = r;
		TAILQ_INIT(&l->legs);
		if (!uplink_init(&l->uplink, &ops, options->policy, options->address))
			break;
		r->options.n_connections++;
	}
	if (r->options.n_connections < options->n_connections) {
		replica_free(r);
		return NULL;
	}
	return r;
}

void replica_free(struct replica *r)
{
	if (!r)
		return;
	r->stopping = true;
	lanes_fini(&r->lanes, "the node stops");
	for (size_t i = 0; i < r->options.n_connections; i++) {
		struct replica_conn *l = replica_conn_at(r, i);

		uplink_fini(&l->uplink);
		lose_legs(l);
	}
	free(r->conns);
	free(r);
}

void replica_preconnect(struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		uplink_start(&replica_conn_at(r, i)->uplink);
}

void replica_nudge(struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		uplink_nudge(&replica_conn_at(r, i)->uplink);
}

bool replica_is_usable(const struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		if (uplink_usable(&replica_conn_at(r, i)->uplink))
			return true;
	return false;
}

void replica_check(struct replica *r, int64_t now_ms)
{
	for (size_t i = 0; i < r->options.n_connections; i++) {
		struct replica_conn *l = replica_conn_at(r, i);

		if (l->n_legs == 0 || l->uplink.state != UPLINK_UP)
			l->silent_since_ms = 0;
		else if (l->silent_since_ms == 0)
			l->silent_since_ms = now_ms;
		else if (now_ms - l->silent_since_ms >= 2 * r->options.timeout_ms)
			uplink_fail(&l->uplink, "it does not answer");
	}
	if (r->kind->check)
		r->kind->check(r, now_ms);
}

void replica_set_down(struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		uplink_hold(&replica_conn_at(r, i)->uplink, "taken out of use");
}

void replica_set_up(struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		uplink_release(&replica_conn_at(r, i)->uplink);
}

void replica_reset(struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++) {
		uplink_hold(&replica_conn_at(r, i)->uplink, "reset");
		uplink_release(&replica_conn_at(r, i)->uplink);
	}
}

void replica_count(const struct replica *r, struct replica_figures *f)
{
	*f = r->figures;
	f->queue = r->lanes.n_waiting;
	for (size_t i = 0; i < r->options.n_connections; i++) {
		const struct replica_conn *l = replica_conn_at(r, i);

		f->queue += l->n_legs;
		f->connects += l->uplink.connects;
		if (l->uplink.state == UPLINK_UP)
			f->up = 1;
	}
}

const char *replica_state(const struct replica *r)
{
	return uplink_state_name(replica_conn_at(r, 0)->uplink.state);
}
