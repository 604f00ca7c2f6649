#include "proxy/peer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "proto/dnode.h"
#include "proto/reply.h"
#include "proxy/refusal.h"

#include <openssl/crypto.h>
#include <string.h>

#define TABLE_BITS 10
#define TABLE_SIZE (1 << TABLE_BITS) /* buckets of legs by id */

/* A peer that missed requests counts as recovered when it has missed none for this long. */
#define RECOVERED_MS 1000

/* One connection. */
struct peer_conn {
	struct replica_conn base; /* first: conn_of() casts it */
	uint64_t next_id;
	LIST_HEAD(peer_bucket, leg) table[TABLE_SIZE];
	int64_t next_sweep_ms;
	struct dnode_cipher *cipher; /* NULL: plain */
	uint8_t session[DNODE_SESSION_BYTES];
	bool session_sent;
};

struct peer {
	struct replica replica;      /* first: peer_of() casts it */
	const struct dnode_rsa *rsa; /* NULL: plain */
	bool same_dc;
	bool said_down;     /* it was logged that it is down; its return is reported */
	int64_t unwell_ms;  /* when it last failed a request while up; 0: it has recovered */
	bool answers_since; /* it has answered a request since */
};

static struct peer_conn *conn_of(struct replica_conn *l)
{
	return (struct peer_conn *)l;
}

static struct peer *peer_of(struct replica *r)
{
	return (struct peer *)r;
}

static void on_failed(struct replica *r, const char *why)
{
	struct peer *p = peer_of(r);

	if (p->said_down)
		return; /* its return is reported when it is up */
	if (p->unwell_ms == 0)
		log_warn("peer %s: it is up, but misses requests: %s", r->options.address, why);
	p->unwell_ms = clock_monotonic_ms();
	p->answers_since = false;
}

void peer_refused(struct replica *r, const char *code)
{
	struct peer *p = peer_of(r);

	if (p->said_down || r->stopping)
		return;
	if (p->unwell_ms == 0)
		log_warn("peer %s: it refuses writes that the local rack carries out: %s",
			r->options.address, code);
	p->unwell_ms = clock_monotonic_ms();
	p->answers_since = true; /* its data can be healed now */
}

/* ---- Replies ---- */

/* The bucket of an id.  The low bits of stamps are mostly the same. */
static struct peer_bucket *bucket(struct peer_conn *l, uint64_t id)
{
	return &l->table[(id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS)];
}

/* Take the leg with this id out of the queue; NULL if there is none. */
static struct leg *take_leg(struct peer_conn *l, uint64_t id)
{
	struct leg *leg;

	LIST_FOREACH (leg, bucket(l, id), same_bucket) {
		if (leg->id != id)
			continue;
		LIST_REMOVE(leg, same_bucket);
		replica_unqueue(&l->base, leg);
		return leg;
	}
	return NULL;
}

/* Whether it is exactly one whole reply; anything else would garble later ones. */
static bool is_whole(const struct reply *reply)
{
	struct reply_scanner scanner = {0};
	size_t used;

	return reply->len > 0 &&
	       reply_scan(&scanner, reply->bytes, reply->len, &used) == REPLY_DONE &&
	       used == reply->len;
}

static void take_reply(struct replica *r, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	enum refusal refusal = refusal_in(bytes, len);

	r->figures.responses++;
	if (!is_whole(&reply)) {
		replica_leg_failed(r, leg, WRITE_UNKNOWN, "a peer's reply is not valid RESP");
		return;
	}
	if (bytes[0] == '-' && replica_again(r, leg, &reply))
		return;
	if (refusal == REFUSAL_NONE) {
		peer_of(r)->answers_since = true;
		replica_tell(r, leg, replica_fate(bytes, len), &reply);
		call_leg_answered(leg, &reply);
		return;
	}
	replica_note_failure(r, "it refuses them; look at its datastore");
	replica_tell(r, leg, WRITE_MISSED, &reply);
	if (refusal == REFUSAL_NO_ANSWER)
		call_leg_refused(leg, &reply);
	else
		call_leg_answered(leg, &reply);
}

static void take_answer(struct peer_conn *l, const struct dnode_header *h, const uint8_t *payload)
{
	struct replica *r = l->base.replica;
	struct leg *leg = take_leg(l, h->id);
	struct buf plain = {0};

	if (!leg)
		return; /* a duplicate, or from before a reset */
	if (!(h->flags & DNODE_FLAG_ENCRYPTED))
		take_reply(r, leg, payload, h->payload_len);
	else if (l->cipher && dnode_decrypt(l->cipher, payload, h->payload_len, &plain))
		take_reply(r, leg, buf_head(&plain), buf_len(&plain));
	else
		replica_leg_failed(r, leg, WRITE_UNKNOWN, "a peer's answer does not decrypt");
	buf_fini(&plain);
	lanes_ended(&r->lanes);
}

static size_t on_bytes(struct replica_conn *rc, const uint8_t *bytes, size_t len)
{
	struct peer_conn *l = conn_of(rc);
	size_t at = 0;

	while (at < len && rc->uplink.state == UPLINK_UP) {
		struct dnode_header h;
		size_t used = 0;
		const char *why = NULL;
		enum dnode_result result = dnode_decode(&h, bytes + at, len - at, &used, &why);

		if (result == DNODE_BAD) {
			uplink_fail(&rc->uplink, why);
			return 0;
		}
		if (result == DNODE_MORE || len - at - used < h.payload_len)
			break;
		if (h.type != DNODE_RESPONSE) {
			uplink_fail(&rc->uplink, "it sends requests instead of replies");
			return 0;
		}
		take_answer(l, &h, bytes + at + used);
		at += used + h.payload_len;
	}
	return at;
}

/* ---- Up and down ---- */

static void is_back(struct peer *p)
{
	log_notice("peer %s: is back", p->replica.options.address);
	replica_is_back(&p->replica);
}

static void on_up(struct replica_conn *rc)
{
	struct peer *p = peer_of(rc->replica);

	if (p->said_down)
		is_back(p);
	p->said_down = false;
}

static void on_down(struct replica_conn *rc, const char *why)
{
	struct peer *p = peer_of(rc->replica);

	if (!p->said_down)
		log_warn("peer %s: %s", rc->uplink.name, why);
	p->said_down = true;
	p->unwell_ms = 0;
}

static void forget(struct replica_conn *rc)
{
	struct peer_conn *l = conn_of(rc);

	for (size_t i = 0; i < TABLE_SIZE; i++)
		LIST_INIT(&l->table[i]);
	dnode_cipher_free(l->cipher);
	l->cipher = NULL;
	l->session_sent = false;
	OPENSSL_cleanse(l->session, sizeof(l->session));
}

/* ---- Requests ---- */

/* Create the session key, which goes with the first encrypted message of a connection. */
static bool begin_session(struct peer_conn *l, const struct dnode_rsa *rsa, struct dnode_header *h,
	uint8_t wrapped[DNODE_DATA_MAX])
{
	if (!l->cipher) {
		if (!dnode_session_draw(l->session))
			return false;
		l->cipher = dnode_cipher_new(l->session);
		if (!l->cipher)
			return false;
	}
	if (l->session_sent)
		return true;
	if (!dnode_rsa_wrap(rsa, l->session, wrapped))
		return false;
	h->data = wrapped;
	h->data_len = dnode_rsa_size(rsa);
	l->session_sent = true;
	return true;
}

static bool send_message(
	struct peer_conn *l, struct dnode_header *h, const uint8_t *bytes, size_t len)
{
	const struct dnode_rsa *rsa = peer_of(l->base.replica)->rsa;
	uint8_t header[DNODE_HEADER_MAX], wrapped[DNODE_DATA_MAX];
	struct buf cipher = {0};
	bool ok = true;

	if (rsa) {
		h->flags = DNODE_FLAG_ENCRYPTED;
		ok = begin_session(l, rsa, h, wrapped) &&
		     dnode_encrypt(l->cipher, bytes, len, &cipher);
		bytes = buf_head(&cipher);
		len = buf_len(&cipher);
	}
	h->payload_len = len;
	if (ok)
		ok = uplink_send(&l->base.uplink, header, dnode_encode(h, header)) &&
		     uplink_send(&l->base.uplink, bytes, len);
	buf_fini(&cipher);
	return ok;
}

/* Stamps and other ids come from one clock, so that they are unique on a connection. */
static uint64_t next_id(struct peer_conn *l)
{
	const struct replica_options *o = &l->base.replica->options;

	return o->draw_id ? o->draw_id(o->draw_arg) : ++l->next_id;
}

static bool send_request(struct replica_conn *rc, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct peer_conn *l = conn_of(rc);
	uint64_t stamp = leg->is_write ? leg->part->stamp : 0;
	struct dnode_header h = {
		.id = stamp ? stamp : next_id(l),
		.type = leg->type,
		.same_dc = peer_of(rc->replica)->same_dc,
		.data = (const uint8_t *)(stamp ? DNODE_DATA_STAMP : DNODE_DATA_NONE),
		.data_len = 1,
	};

	if (!send_message(l, &h, bytes, len)) {
		/* Half a message may be queued, so the connection cannot be used any more. */
		uplink_fail(&rc->uplink, "out of memory");
		return false;
	}
	leg->id = h.id;
	LIST_INSERT_HEAD(bucket(l, h.id), leg, same_bucket);
	return true;
}

/* ---- Checks ---- */

/* Fail the requests that a peer has skipped, though it answers others. */
static void sweep(struct peer_conn *l, int64_t now_ms)
{
	struct replica *r = l->base.replica;
	struct leg *next;
	size_t ended = 0;

	for (struct leg *leg = TAILQ_FIRST(&l->base.legs); leg; leg = next) {
		next = TAILQ_NEXT(leg, next);
		if (leg->part->call->deadline_ms + r->options.timeout_ms > now_ms)
			continue;
		LIST_REMOVE(leg, same_bucket);
		replica_unqueue(&l->base, leg);
		replica_leg_failed(r, leg, WRITE_UNKNOWN, "a peer does not answer");
		ended++;
	}
	/* After the loop over the queue, since this may send other requests. */
	for (; ended > 0; ended--)
		lanes_ended(&r->lanes);
	l->next_sweep_ms = now_ms + r->options.timeout_ms;
}

static void check(struct replica *r, int64_t now_ms)
{
	struct peer *p = peer_of(r);

	for (size_t i = 0; i < r->options.n_connections; i++) {
		struct peer_conn *l = conn_of(replica_conn_at(r, i));

		if (l->base.n_legs > 0 && now_ms >= l->next_sweep_ms)
			sweep(l, now_ms);
	}
	if (p->unwell_ms && p->answers_since && now_ms - p->unwell_ms >= RECOVERED_MS) {
		p->unwell_ms = 0;
		is_back(p);
	}
}

static const struct replica_kind kind = {
	.replica_bytes = sizeof(struct peer),
	.conn_bytes = sizeof(struct peer_conn),
	.is_down = "a peer is down",
	.is_full = "the queue to a peer is full",
	.went_away = "a peer went away",
	.up = on_up,
	.down = on_down,
	.forget = forget,
	.bytes = on_bytes,
	.send = send_request,
	.failed = on_failed,
	.check = check,
};

struct replica *peer_new(
	const struct replica_options *options, const struct dnode_rsa *rsa, bool same_dc)
{
	struct replica *r = replica_new(&kind, options);

	if (!r)
		return NULL;
	peer_of(r)->rsa = rsa;
	peer_of(r)->same_dc = same_dc;
	return r;
}
