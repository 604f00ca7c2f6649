#include "proxy/peer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "proto/reply.h"
#include "proxy/refusal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE 1024 /* buckets of legs by id; a power of two */

/* A peer that missed requests is well again when it has missed none for this long. */
#define RECOVERED_MS 1000

/* One connection. */
struct line {
	struct uplink uplink; /* first: the uplink's functions give it back */
	struct peer *peer;
	uint64_t next_id;
	struct leg *table[TABLE_SIZE];
	size_t n_legs;
	int64_t silent_since_ms; /* a leg waits and nothing has come; 0: not so at the last check */
	int64_t next_sweep_ms;
	struct dnode_cipher *cipher; /* NULL: plain */
	uint8_t session[DNODE_SESSION_BYTES];
	bool session_sent;
};

struct peer {
	struct peer_options options;
	struct peer_counters counters;
	bool said_down;     /* logged; and somebody is told when it is back */
	int64_t unwell_ms;  /* it is up, and has failed a request last then; 0: it is well */
	bool answers_since; /* it has done what it was asked since */
	struct lanes lanes;
	struct line lines[];
};

static struct line *line_of(struct uplink *u)
{
	return (struct line *)u;
}

/* ---- The table of legs ---- */

static void table_add(struct line *l, struct leg *leg)
{
	struct leg **bucket = &l->table[leg->id % TABLE_SIZE];

	leg->next_hash = *bucket;
	*bucket = leg;
	l->n_legs++;
}

static struct leg *table_take(struct line *l, uint64_t id)
{
	for (struct leg **at = &l->table[id % TABLE_SIZE]; *at; at = &(*at)->next_hash) {
		struct leg *leg = *at;

		if (leg->id != id)
			continue;
		*at = leg->next_hash;
		l->n_legs--;
		return leg;
	}
	return NULL;
}

static void note_failure(struct peer *p, bool is_write, const char *why)
{
	p->counters.failures++;
	p->counters.missed += is_write;
	if (p->said_down)
		return; /* that it is back will be told when it is up */
	if (p->unwell_ms == 0)
		log_warn("peer %s: it is up, but misses requests: %s", p->options.node->name, why);
	p->unwell_ms = clock_monotonic_ms();
	p->answers_since = false;
}

static void leg_failed(struct peer *p, struct leg *leg, const char *why)
{
	note_failure(p, leg->is_write, why);
	call_leg_failed(leg, why);
}

/* ---- Answers ---- */

/* Anything else than one whole reply would be taken for the replies behind it. */
static bool is_whole(const struct reply *reply)
{
	struct reply_scanner scanner = {0};
	size_t used;

	return reply->len > 0 &&
	       reply_scan(&scanner, reply->bytes, reply->len, &used) == REPLY_DONE &&
	       used == reply->len;
}

static void take_reply(struct peer *p, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct reply reply = reply_of_bytes(bytes, len);
	enum refusal refusal = refusal_in(bytes, len);

	p->counters.replies++;
	if (!is_whole(&reply)) {
		leg_failed(p, leg, "a peer answers with what is no reply");
		return;
	}
	if (refusal == REFUSAL_NONE) {
		p->answers_since = true;
		call_leg_answered(leg, &reply);
		return;
	}
	note_failure(p, leg->is_write, "it refuses them; look at its datastore");
	if (refusal == REFUSAL_NO_ANSWER)
		call_leg_refused(leg, &reply);
	else
		call_leg_answered(leg, &reply);
}

static void take_answer(struct line *l, const struct dnode_header *h, const uint8_t *payload)
{
	struct leg *leg = table_take(l, h->id);
	struct buf plain = {0};

	if (!leg)
		return; /* of before a reset, or twice: nobody waits for it */
	if (!(h->flags & DNODE_FLAG_ENCRYPTED)) {
		take_reply(l->peer, leg, payload, h->payload_len);
	} else if (l->cipher && dnode_decrypt(l->cipher, payload, h->payload_len, &plain)) {
		take_reply(l->peer, leg, buf_head(&plain), buf_len(&plain));
	} else {
		leg_failed(l->peer, leg, "a peer's answer does not decrypt");
	}
	buf_fini(&plain);
	lanes_ended(&l->peer->lanes);
}

static size_t on_bytes(struct uplink *u, const uint8_t *bytes, size_t len)
{
	struct line *l = line_of(u);
	size_t at = 0;

	l->silent_since_ms = 0; /* it is at it */
	while (at < len && u->state == UPLINK_UP) {
		struct dnode_header h;
		size_t used = 0;
		const char *why = NULL;
		enum dnode_result result = dnode_decode(&h, bytes + at, len - at, &used, &why);

		if (result == DNODE_BAD) {
			uplink_fail(u, why);
			return 0;
		}
		if (result == DNODE_MORE || len - at - used < h.payload_len)
			break;
		if (h.type != DNODE_RESPONSE) {
			uplink_fail(u, "it sends requests where answers belong");
			return 0;
		}
		take_answer(l, &h, bytes + at + used);
		at += used + h.payload_len;
	}
	l->peer->counters.bytes_in += at;
	if (at > 0 && u->state == UPLINK_UP)
		uplink_worked(u);
	return at;
}

/* ---- Up and down ---- */

static void forget_session(struct line *l)
{
	dnode_cipher_free(l->cipher);
	l->cipher = NULL;
	l->session_sent = false;
	OPENSSL_cleanse(l->session, sizeof(l->session));
}

static void is_back(struct peer *p)
{
	log_notice("peer %s: is back", p->options.node->name);
	if (p->options.back)
		p->options.back(p->options.back_arg, p);
}

static void on_up(struct uplink *u)
{
	struct line *l = line_of(u);
	struct peer *p = l->peer;

	l->silent_since_ms = 0;
	if (p->said_down)
		is_back(p);
	p->said_down = false;
}

static void on_down(struct uplink *u, const char *why)
{
	struct line *l = line_of(u);

	if (!l->peer->said_down)
		log_warn("peer %s: %s", u->name, why);
	l->peer->said_down = true;
	l->peer->unwell_ms = 0;
	forget_session(l);
	for (size_t i = 0; i < TABLE_SIZE && l->n_legs > 0; i++) {
		while (l->table[i]) {
			leg_failed(l->peer, table_take(l, l->table[i]->id), "a peer went away");
			lanes_ended(&l->peer->lanes);
		}
	}
}

static const struct uplink_ops ops = {.up = on_up, .bytes = on_bytes, .down = on_down};

/* ---- Requests ---- */

/* The session bytes go with the first encrypted message of a connection. */
static bool begin_session(struct line *l, struct dnode_header *h, uint8_t wrapped[DNODE_DATA_MAX])
{
	const struct dnode_rsa *rsa = l->peer->options.rsa;

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

static bool send_message(struct line *l, struct dnode_header *h, const uint8_t *bytes, size_t len)
{
	uint8_t header[DNODE_HEADER_MAX], wrapped[DNODE_DATA_MAX];
	struct buf cipher = {0};
	bool ok = true;

	if (l->peer->options.rsa) {
		h->flags = DNODE_FLAG_ENCRYPTED;
		ok = begin_session(l, h, wrapped) && dnode_encrypt(l->cipher, bytes, len, &cipher);
		bytes = buf_head(&cipher);
		len = buf_len(&cipher);
	}
	h->payload_len = len;
	if (ok)
		ok = uplink_send(&l->uplink, header, dnode_encode(h, header)) &&
		     uplink_send(&l->uplink, bytes, len);
	buf_fini(&cipher);
	return ok;
}

static void refuse(void *arg, struct leg *leg, const char *why)
{
	leg_failed(arg, leg, why);
}

static bool send_on(void *arg, size_t lane, struct leg *leg, const uint8_t *bytes, size_t len)
{
	struct peer *p = arg;
	struct line *l = &p->lines[lane];
	struct dnode_header h = {
		.id = ++l->next_id,
		.type = leg->type,
		.same_dc = p->options.same_dc,
		.data = (const uint8_t *)"d",
		.data_len = 1,
	};
	const char *why = NULL;

	uplink_start(&l->uplink);
	if (!uplink_usable(&l->uplink))
		why = "a peer is down";
	else if (l->n_legs >= p->options.queue_max ||
		 !uplink_has_room(&l->uplink, p->options.queue_bytes_max))
		why = "the queue to a peer is full";
	if (why) {
		leg_failed(p, leg, why);
		return false;
	}
	if (!send_message(l, &h, bytes, len)) {
		leg_failed(p, leg, "out of memory");
		/* Half a message may be queued: there is no way on from there. */
		uplink_fail(&l->uplink, "out of memory");
		return false;
	}
	p->counters.requests++;
	p->counters.bytes_out += len;
	leg->id = h.id;
	table_add(l, leg);
	return true;
}

void peer_pass_by(struct peer *p, bool is_write)
{
	note_failure(p, is_write, "out of memory");
}

void peer_send(struct peer *p, struct leg *leg, const struct lane_keys *keys, const uint8_t *bytes,
	size_t len)
{
	lanes_send(&p->lanes, leg, keys, bytes, len);
}

/* ---- Coming and going ---- */

struct peer *peer_new(const struct peer_options *options)
{
	struct peer *p = calloc(1, sizeof(*p) + options->n_connections * sizeof(p->lines[0]));

	if (!p)
		return NULL;
	p->options = *options;
	p->lanes = (struct lanes){
		.n = options->n_connections,
		.queue_max = options->queue_max,
		.queue_bytes_max = options->queue_bytes_max,
		.send = send_on,
		.refuse = refuse,
		.arg = p,
	};
	for (size_t i = 0; i < options->n_connections; i++) {
		p->lines[i].peer = p;
		if (!uplink_init(&p->lines[i].uplink, &ops, options->policy, options->node->name)) {
			peer_free(p);
			return NULL;
		}
	}
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	p->said_down = true;
	lanes_fini(&p->lanes, "the node stops");
	for (size_t i = 0; i < p->options.n_connections; i++) {
		uplink_fini(&p->lines[i].uplink);
		on_down(&p->lines[i].uplink, "the node stops");
	}
	free(p);
}

const struct ring_node *peer_node(const struct peer *p)
{
	return p->options.node;
}

void peer_preconnect(struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++)
		uplink_start(&p->lines[i].uplink);
}

void peer_nudge(struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++)
		uplink_nudge(&p->lines[i].uplink);
}

bool peer_is_usable(const struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++)
		if (uplink_usable(&p->lines[i].uplink))
			return true;
	return false;
}

/* ---- From time to time ---- */

/* The peer is at it, but has passed over single requests: they are not answered any more. */
static void sweep(struct line *l, int64_t now_ms)
{
	struct peer *p = l->peer;
	size_t ended = 0;

	for (size_t i = 0; i < TABLE_SIZE && l->n_legs > 0; i++) {
		struct leg **at = &l->table[i];

		while (*at) {
			struct leg *leg = *at;

			if (leg->part->call->deadline_ms + p->options.timeout_ms > now_ms) {
				at = &leg->next_hash;
				continue;
			}
			*at = leg->next_hash;
			l->n_legs--;
			leg_failed(p, leg, "a peer does not answer");
			ended++;
		}
	}
	/* Which may send others: not while the table is gone through. */
	for (; ended > 0; ended--)
		lanes_ended(&p->lanes);
	l->next_sweep_ms = now_ms + p->options.timeout_ms;
}

void peer_check(struct peer *p, int64_t now_ms)
{
	for (size_t i = 0; i < p->options.n_connections; i++) {
		struct line *l = &p->lines[i];

		if (l->n_legs == 0 || l->uplink.state != UPLINK_UP)
			l->silent_since_ms = 0;
		else if (l->silent_since_ms == 0)
			l->silent_since_ms = now_ms;
		else if (now_ms - l->silent_since_ms >= 2 * p->options.timeout_ms)
			uplink_fail(&l->uplink, "it does not answer");
		if (l->n_legs > 0 && now_ms >= l->next_sweep_ms)
			sweep(l, now_ms);
	}
	if (p->unwell_ms && p->answers_since && now_ms - p->unwell_ms >= RECOVERED_MS) {
		p->unwell_ms = 0;
		is_back(p);
	}
}

void peer_set_down(struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++)
		uplink_hold(&p->lines[i].uplink, "taken out of use");
}

void peer_set_up(struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++)
		uplink_release(&p->lines[i].uplink);
}

void peer_reset(struct peer *p)
{
	for (size_t i = 0; i < p->options.n_connections; i++) {
		uplink_hold(&p->lines[i].uplink, "reset");
		uplink_release(&p->lines[i].uplink);
	}
}

void peer_count(const struct peer *p, struct peer_counters *c)
{
	*c = p->counters;
	c->queued = p->lanes.n_waiting;
	c->state = uplink_state_name(p->lines[0].uplink.state);
	for (size_t i = 0; i < p->options.n_connections; i++) {
		c->queued += p->lines[i].n_legs;
		c->connects += p->lines[i].uplink.connects;
		c->up = c->up || p->lines[i].uplink.state == UPLINK_UP;
	}
}
