#include "proxy/datastore.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "proto/reply.h"
#include "proto/resp_write.h"
#include "proxy/refusal.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

/* The difference between its clock and ours that is worth a warning. */
#define CLOCK_OFF_MS 500

/* One connection. */
struct store_conn {
	struct replica_conn base; /* first: conn_of() casts it */
	struct reply_scanner scanner;
	struct outq partial; /* a reply that arrives in several reads */
	bool auth_pending;   /* the next reply is to AUTH */
	bool info_pending;   /* the next one after that is to INFO */
	int64_t asked_ms;    /* when INFO was sent, by the wall clock */
	bool said_down;      /* it was logged that it is down */
	bool was_away;       /* it was down, not only closed while idle */
};

struct datastore {
	struct replica replica; /* first: casts from struct replica */
	const char *password;
	unsigned version; /* see datastore_version() */
};

static struct store_conn *conn_of(struct replica_conn *l)
{
	return (struct store_conn *)l;
}

/* ---- Replies ---- */

/* Check the reply to AUTH: with a wrong password every request would fail. */
static void check_auth(struct store_conn *l)
{
	l->auth_pending = false;
	if (l->scanner.type == '+')
		return;
	log_error("datastore %s: AUTH failed: check requirepass", l->base.uplink.name);
	uplink_fail(&l->base.uplink, "the datastore refused the password");
}

/* A number in the reply to INFO, behind its name and a colon; *end is what follows it. */
static bool info_number(const struct reply *reply, const char *name, uint64_t max, uint64_t *value,
	const uint8_t **end)
{
	const uint8_t *at = memmem(reply->bytes, reply->len, name, strlen(name));
	size_t used;

	if (!at)
		return false;
	at += strlen(name);
	if (number_read_front(at, (size_t)(reply->bytes + reply->len - at), max, value, &used) !=
		NUMBER_OK)
		return false;
	*end = at + used;
	return true;
}

/* "redis_version:7.0.15". */
static unsigned version_in(const struct reply *reply)
{
	const uint8_t *end;
	uint64_t major, minor;
	size_t used;

	/* The reply ends with a CRLF. */
	if (!info_number(reply, "redis_version:", 0xff, &major, &end) || *end++ != '.' ||
		number_read_front(end, (size_t)(reply->bytes + reply->len - end), 0xff, &minor,
			&used) != NUMBER_OK)
		return UINT_MAX;
	return (unsigned)(major << 8 | minor);
}

/* Say so if its clock is not ours: deadlines are set by this one and end by that one. */
static void compare_clocks(const struct store_conn *l, const struct reply *reply)
{
	int64_t now_ms = clock_wall_ms(), there_ms, off_ms = 0;
	const uint8_t *end;
	uint64_t there_us;

	if (!info_number(reply, "server_time_usec:", INT64_MAX, &there_us, &end))
		return;
	there_ms = (int64_t)(there_us / 1000);
	/* It was that late there at some time between the request and the reply. */
	if (there_ms > now_ms)
		off_ms = there_ms - now_ms;
	else if (there_ms < l->asked_ms)
		off_ms = there_ms - l->asked_ms;
	if (off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS)
		log_warn("datastore %s: its clock is %" PRId64 " ms %s: keys expire too %s; "
			 "set the clocks of all machines by one",
			l->base.uplink.name, off_ms > 0 ? off_ms : -off_ms,
			off_ms > 0 ? "ahead" : "behind", off_ms > 0 ? "early" : "late");
}

/* Handle a reply to what was sent on connecting; false if it is another one. */
static bool take_greeting(struct store_conn *l, const struct reply *reply)
{
	struct buf room = {0};
	struct reply whole;

	if (l->auth_pending) {
		check_auth(l);
		return true;
	}
	if (!l->info_pending)
		return false;
	l->info_pending = false;
	if (reply_in_one_piece(reply, &room, &whole)) {
		((struct datastore *)l->base.replica)->version = version_in(&whole);
		compare_clocks(l, &whole);
	}
	buf_fini(&room);
	return true;
}

/* Handle an error reply. */
static void take_error(struct replica *r, struct leg *leg, const struct reply *reply)
{
	struct buf room = {0};
	struct reply whole;

	if (!reply_in_one_piece(reply, &room, &whole)) {
		replica_leg_failed(r, leg, WRITE_UNKNOWN, "out of memory");
	} else if (!replica_again(r, leg, &whole)) {
		replica_tell(r, leg, replica_fate(whole.bytes, whole.len), &whole);
		if (refusal_in(whole.bytes, whole.len) == REFUSAL_NO_ANSWER)
			call_leg_refused(leg, &whole);
		else
			call_leg_answered(leg, &whole);
	}
	buf_fini(&room);
}

/* End the oldest leg with its reply; NULL: there was no memory for it. */
static void end_oldest(struct store_conn *l, const struct reply *reply)
{
	struct leg *leg = TAILQ_FIRST(&l->base.legs);
	struct replica *r = l->base.replica;

	if (!leg) {
		uplink_fail(&l->base.uplink, "the datastore sent a reply without a request");
		return;
	}
	replica_unqueue(&l->base, leg);
	r->figures.responses += !leg->is_own;
	if (!reply) {
		replica_leg_failed(r, leg, WRITE_UNKNOWN, "out of memory");
	} else if (l->scanner.type == '-') {
		take_error(r, leg, reply);
	} else {
		replica_tell(r, leg, WRITE_TAKEN, reply);
		call_leg_answered(leg, reply);
	}
	lanes_ended(&r->lanes);
}

/* Handle a complete reply: its start in partial, if it came in several reads, the rest in bytes. */
static void take_reply(struct store_conn *l, const uint8_t *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	bool is_whole = l->partial.bytes == 0 || outq_append(&l->partial, bytes, len);

	if (l->partial.bytes > 0)
		reply = reply_of_queue(&l->partial);
	if (!take_greeting(l, &reply))
		end_oldest(l, is_whole ? &reply : NULL);
	outq_clear(&l->partial);
}

static size_t on_bytes(struct replica_conn *rc, const uint8_t *bytes, size_t len)
{
	struct store_conn *l = conn_of(rc);
	size_t at = 0;

	while (at < len && rc->uplink.state == UPLINK_UP) {
		size_t used = 0;

		switch (reply_scan(&l->scanner, bytes + at, len - at, &used)) {
		case REPLY_DONE:
			take_reply(l, bytes + at, used);
			at += used;
			break;
		case REPLY_MORE:
			if (!outq_append(&l->partial, bytes + at, len - at))
				uplink_fail(&rc->uplink, "out of memory");
			at = len;
			break;
		case REPLY_BAD:
			uplink_fail(&rc->uplink, "the datastore does not speak RESP");
			break;
		}
	}
	return len;
}

/* ---- Up and down ---- */

/* Not through the queue, whose chunks are reused and would keep the password.  A new socket has
 * room for it. */
static bool send_auth(struct store_conn *l, const char *password)
{
	struct buf auth = {0};
	const struct resp_writer w = resp_writer_2(&auth);
	bool ok = resp_write_array(&w, 2) && resp_write_text(&w, "AUTH") &&
		  resp_write_text(&w, password) &&
		  send(l->base.uplink.conn.fd, buf_head(&auth), buf_len(&auth), MSG_NOSIGNAL) ==
			  (ssize_t)buf_len(&auth);

	if (auth.data)
		explicit_bzero(auth.data, auth.cap);
	buf_fini(&auth);
	return ok;
}

static bool is_all_up(const struct replica *r)
{
	for (size_t i = 0; i < r->options.n_connections; i++)
		if (replica_conn_at(r, i)->uplink.state != UPLINK_UP)
			return false;
	return true;
}

static void on_up(struct replica_conn *rc)
{
	static const char info[] = "INFO server\r\n";
	struct store_conn *l = conn_of(rc);
	const char *password = ((struct datastore *)rc->replica)->password;
	const struct replica_options *o = &rc->replica->options;
	memset(&l->scanner, 0, sizeof(l->scanner));
	l->auth_pending = password != NULL;
	l->info_pending = rc == replica_conn_at(rc->replica, 0); /* one of them is enough */
	l->asked_ms = clock_wall_ms();
	if ((l->auth_pending && !send_auth(l, password)) ||
		(l->info_pending && !uplink_send(&rc->uplink, info, sizeof(info) - 1))) {
		uplink_fail(&rc->uplink, "it could not be greeted");
		return;
	}
	if (l->said_down)
		log_notice("datastore %s: is back", rc->uplink.name);
	/* These may send requests, which go behind the greeting. */
	if (o->up && is_all_up(rc->replica))
		o->up(o->back_arg, o->node);
	if (l->was_away || rc->missed)
		replica_is_back(rc->replica);
	l->said_down = false;
	l->was_away = false;
}

static void on_down(struct replica_conn *rc, const char *why)
{
	struct store_conn *l = conn_of(rc);

	if (!l->said_down)
		log_warn("datastore %s: %s", rc->uplink.name, why);
	l->was_away = l->was_away || l->said_down;
	l->said_down = true;
}

static void forget(struct replica_conn *rc)
{
	struct store_conn *l = conn_of(rc);

	l->auth_pending = false;
	l->info_pending = false;
	outq_clear(&l->partial);
}

/* ---- Requests ---- */

static bool send_request(struct replica_conn *l, struct leg *leg, const uint8_t *bytes, size_t len)
{
	(void)leg;
	return uplink_send(&l->uplink, bytes, len);
}

static const struct replica_kind kind = {
	.replica_bytes = sizeof(struct datastore),
	.conn_bytes = sizeof(struct store_conn),
	.is_down = "the datastore is down",
	.is_full = "the queue to the datastore is full",
	.went_away = "the datastore went away",
	.up = on_up,
	.down = on_down,
	.forget = forget,
	.bytes = on_bytes,
	.send = send_request,
};

struct replica *datastore_new(const struct replica_options *options, const char *password)
{
	struct replica *r = replica_new(&kind, options);

	if (r)
		((struct datastore *)r)->password = password;
	return r;
}

unsigned datastore_version(const struct replica *r)
{
	return ((const struct datastore *)r)->version;
}
