#include "proxy/datastore.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "proto/reply.h"
#include "proxy/refusal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One connection. */
struct line {
	struct uplink uplink; /* first: the uplink's functions give it back */
	struct datastore *store;
	struct leg *oldest, *newest;
	size_t n_legs;
	int64_t silent_since_ms; /* a leg waits and nothing has come; 0: not so at the last check */
	struct reply_scanner scanner;
	struct outq partial; /* of a reply that comes in several reads */
	bool auth_pending;   /* the next reply is that to AUTH */
	bool said_down;      /* logged */
	bool was_away;       /* more than a connection that ended while nothing was asked */
};

struct datastore {
	struct datastore_options options;
	struct datastore_counters counters;
	struct lanes lanes;
	struct line lines[];
};

static struct line *line_of(struct uplink *u)
{
	return (struct line *)u;
}

static struct leg *pop_leg(struct line *l)
{
	struct leg *leg = l->oldest;

	if (!leg)
		return NULL;
	l->oldest = leg->next;
	if (!l->oldest)
		l->newest = NULL;
	l->n_legs--;
	return leg;
}

/* ---- Replies ---- */

/* Redis does not accept our password: every request would fail. */
static void check_auth(struct line *l)
{
	l->auth_pending = false;
	if (l->scanner.type == '+')
		return;
	log_error("datastore %s: AUTH failed: check requirepass", l->uplink.name);
	uplink_fail(&l->uplink, "the datastore refused the password");
}

/* A whole reply is there: the rest of it in bytes, what came before in partial. */
static void take_reply(struct line *l, const uint8_t *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	struct leg *leg;

	if (l->auth_pending) {
		outq_clear(&l->partial);
		check_auth(l);
		return;
	}
	leg = pop_leg(l);
	if (!leg) {
		uplink_fail(&l->uplink, "the datastore answered what nobody asked");
		return;
	}
	l->store->counters.replies++;
	if (!l->partial.head && refusal_in(bytes, len) == REFUSAL_NO_ANSWER) {
		call_leg_refused(leg, &reply);
	} else if (!l->partial.head) {
		call_leg_answered(leg, &reply);
	} else if (outq_append(&l->partial, bytes, len)) {
		reply = reply_of_queue(&l->partial);
		call_leg_answered(leg, &reply);
	} else {
		call_leg_failed(leg, "out of memory");
	}
	outq_clear(&l->partial);
	lanes_ended(&l->store->lanes);
}

static size_t on_bytes(struct uplink *u, const uint8_t *bytes, size_t len)
{
	struct line *l = line_of(u);
	size_t at = 0;

	l->store->counters.bytes_in += len;
	l->silent_since_ms = 0; /* it is at it */
	while (at < len && u->state == UPLINK_UP) {
		size_t used = 0;

		switch (reply_scan(&l->scanner, bytes + at, len - at, &used)) {
		case REPLY_DONE:
			take_reply(l, bytes + at, used);
			at += used;
			break;
		case REPLY_MORE:
			if (!outq_append(&l->partial, bytes + at, len - at))
				uplink_fail(u, "out of memory");
			at = len;
			break;
		case REPLY_BAD:
			uplink_fail(u, "the datastore does not speak RESP");
			break;
		}
	}
	if (u->state == UPLINK_UP)
		uplink_worked(u);
	return len;
}

/* ---- Up and down ---- */

static void on_up(struct uplink *u)
{
	struct line *l = line_of(u);
	const char *password = l->store->options.password;
	struct buf auth = {0};

	if (l->said_down)
		log_notice("datastore %s: is back", u->name);
	if (l->was_away && l->store->options.back)
		l->store->options.back(l->store->options.back_arg);
	l->said_down = false;
	l->was_away = false;
	l->silent_since_ms = 0;
	memset(&l->scanner, 0, sizeof(l->scanner));
	if (!password)
		return;
	l->auth_pending = true;
	/* Past the queue, whose chunks others use afterwards: there is room in a new socket. */
	if (!buf_printf(&auth, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password), password) ||
		send(u->conn.fd, buf_head(&auth), buf_len(&auth), MSG_NOSIGNAL) !=
			(ssize_t)buf_len(&auth))
		uplink_fail(u, "AUTH could not be sent");
	if (auth.data)
		explicit_bzero(auth.data, auth.cap);
	buf_fini(&auth);
}

static void on_down(struct uplink *u, const char *why)
{
	struct line *l = line_of(u);
	struct leg *leg;

	if (!l->said_down)
		log_warn("datastore %s: %s", u->name, why);
	l->was_away = l->was_away || l->said_down || l->oldest;
	l->said_down = true;
	l->auth_pending = false;
	outq_clear(&l->partial);
	while ((leg = pop_leg(l)) != NULL) {
		l->store->counters.failures++;
		call_leg_failed(leg, "the datastore went away");
		lanes_ended(&l->store->lanes);
	}
}

static const struct uplink_ops ops = {.up = on_up, .bytes = on_bytes, .down = on_down};

/* ---- Requests ---- */

static void refuse(void *arg, struct leg *leg, const char *why)
{
	struct datastore *d = arg;

	d->counters.failures++;
	call_leg_failed(leg, why);
}

static bool send_on(void *arg, size_t lane, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct datastore *d = arg;
	struct line *l = &d->lines[lane];
	const char *why = NULL;

	uplink_start(&l->uplink);
	if (!uplink_usable(&l->uplink)) {
		l->was_away = true;
		why = "the datastore is down";
	} else if (l->n_legs >= d->options.queue_max ||
		   !uplink_has_room(&l->uplink, d->options.queue_bytes_max))
		why = "the queue to the datastore is full";
	else if (!uplink_send(&l->uplink, bytes, len))
		why = "out of memory";
	if (why) {
		refuse(d, leg, why);
		return false;
	}
	d->counters.requests++;
	d->counters.bytes_out += len;
	leg->next = NULL;
	if (l->newest)
		l->newest->next = leg;
	else
		l->oldest = leg;
	l->newest = leg;
	l->n_legs++;
	return true;
}

void datastore_send(struct datastore *d, struct leg *leg, const struct lane_keys *keys,
	const uint8_t *bytes, size_t len)
{
	lanes_send(&d->lanes, leg, keys, bytes, len);
}

/* ---- For the proxy ---- */

struct datastore *datastore_new(const struct datastore_options *options)
{
	struct datastore *d = calloc(1, sizeof(*d) + options->n_connections * sizeof(d->lines[0]));

	if (!d)
		return NULL;
	d->options = *options;
	d->lanes = (struct lanes){
		.n = options->n_connections,
		.queue_max = options->queue_max,
		.queue_bytes_max = options->queue_bytes_max,
		.send = send_on,
		.refuse = refuse,
		.arg = d,
	};
	for (size_t i = 0; i < options->n_connections; i++) {
		d->lines[i].store = d;
		if (!uplink_init(&d->lines[i].uplink, &ops, options->policy, options->address)) {
			datastore_free(d);
			return NULL;
		}
	}
	return d;
}

void datastore_free(struct datastore *d)
{
	if (!d)
		return;
	lanes_fini(&d->lanes, "the node stops");
	for (size_t i = 0; i < d->options.n_connections; i++) {
		uplink_fini(&d->lines[i].uplink);
		d->lines[i].said_down = true;
		on_down(&d->lines[i].uplink, "the node stops");
	}
	free(d);
}

void datastore_preconnect(struct datastore *d)
{
	for (size_t i = 0; i < d->options.n_connections; i++)
		uplink_start(&d->lines[i].uplink);
}

void datastore_check(struct datastore *d, int64_t now_ms)
{
	for (size_t i = 0; i < d->options.n_connections; i++) {
		struct line *l = &d->lines[i];

		if (!l->oldest || l->uplink.state != UPLINK_UP)
			l->silent_since_ms = 0;
		else if (l->silent_since_ms == 0)
			l->silent_since_ms = now_ms;
		else if (now_ms - l->silent_since_ms >= 2 * d->options.timeout_ms)
			uplink_fail(&l->uplink, "it does not answer");
	}
}

void datastore_count(const struct datastore *d, struct datastore_counters *c)
{
	*c = d->counters;
	c->connects = 0;
	c->queued = d->lanes.n_waiting;
	for (size_t i = 0; i < d->options.n_connections; i++) {
		c->queued += d->lines[i].n_legs;
		c->up = c->up || d->lines[i].uplink.state == UPLINK_UP;
		c->connects += d->lines[i].uplink.connects;
	}
}
