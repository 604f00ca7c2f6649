#include "proxy/link.h"

#include "base/addr.h"
#include "base/log.h"
#include "proto/dnode.h"
#include "proto/dnode_crypto.h"
#include "proxy/conn.h"
#include "proxy/route.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond either, no more requests of a link are read until it is below half. */
#define CALLS_MAX 16384
#define OUT_MAX   ((size_t)16 * 1024 * 1024)

struct link {
	struct conn conn; /* first: the conn's functions give it back */
	struct conn_grave grave;
	struct proxy *proxy;
	struct link *next, *prev;
	struct call *calls; /* not answered, in any order */
	size_t n_calls;
	struct dnode_cipher *cipher; /* NULL until a session key came */
	int64_t since_ms;            /* accepted then, and its last request came */
	int64_t asked_ms;
	bool refused; /* a request since link_wake() */
};

static struct link *link_of(struct conn *c)
{
	return (struct link *)c;
}

/* ---- Coming and going ---- */

static void free_link(struct conn_grave *g)
{
	free((char *)g - offsetof(struct link, grave));
}

static void link_gone(struct link *l)
{
	struct proxy *p = l->proxy;

	while (l->calls) {
		struct call *c = l->calls;

		l->calls = c->next;
		call_release(c);
	}
	dnode_cipher_free(l->cipher);
	l->cipher = NULL;
	if (l->next)
		l->next->prev = l->prev;
	if (l->prev)
		l->prev->next = l->next;
	else
		p->links = l->next;
	p->counters.links--;
	conn_bury(&p->loop, &l->grave);
}

static void close_link(struct link *l, const char *why)
{
	if (l->conn.fd < 0)
		return;
	if (why)
		log_warn("a node's connection was closed: %s", why);
	conn_close(&l->conn);
	link_gone(l);
}

static void on_ended(struct conn *c, const char *why)
{
	if (why)
		log_info("a node's connection ended: %s", why);
	link_gone(link_of(c));
}

void link_wake(struct proxy *p, int64_t back_ms)
{
	struct link *next;

	for (struct link *l = p->links; l; l = next) {
		next = l->next;
		if (l->since_ms > back_ms || (l->refused && l->asked_ms > back_ms)) {
			l->refused = false; /* it knows, and is served again */
			continue;
		}
		log_info("a node's connection was closed, for it to see that the datastore was "
			 "away");
		close_link(l, NULL);
	}
}

void link_close_all(struct proxy *p)
{
	while (p->links)
		close_link(p->links, NULL);
}

/* ---- Answers ---- */

/* How an answer of ours begins that is none of the datastore. */
static const char our_error[] = "-ERR dynomite: ";
static const char no_memory[] = "-ERR dynomite: out of memory\r\n";
static const char too_large[] =
	"-ERR dynomite: the reply is too large for a link between nodes\r\n";

/* What a message carries at the most, encrypted. */
#define ANSWER_MAX (DNODE_PAYLOAD_MAX - 16)

static void send_answer(struct link *l, const struct call *c, const uint8_t *bytes, size_t len)
{
	uint8_t header[DNODE_HEADER_MAX];
	struct buf cipher = {0};
	bool is_refusal =
		len >= sizeof(our_error) && memcmp(bytes, our_error, sizeof(our_error) - 1) == 0;
	struct dnode_header h = {
		.id = c->id,
		.type = DNODE_RESPONSE,
		.flags = c->flags & DNODE_FLAG_ENCRYPTED,
		.same_dc = c->type,
		.data = (const uint8_t *)"d",
		.data_len = 1,
		.payload_len = len,
	};
	bool ok = true;

	if (h.flags & DNODE_FLAG_ENCRYPTED) {
		ok = dnode_encrypt(l->cipher, bytes, len, &cipher);
		bytes = buf_head(&cipher);
		h.payload_len = buf_len(&cipher);
	}
	ok = ok && conn_send(&l->conn, header, dnode_encode(&h, header)) &&
	     conn_send(&l->conn, bytes, h.payload_len);
	buf_fini(&cipher);
	l->proxy->counters.peer_responses++;
	l->refused = l->refused || is_refusal;
	if (!ok)
		l->conn.close_after = true; /* an answer with a hole in it is worse than none */
}

static void on_answer(struct call *c, const uint8_t *bytes, size_t len, struct outq *queue)
{
	struct link *l = c->asker;
	struct buf whole = {0};

	if (!bytes && queue->bytes > ANSWER_MAX) {
		bytes = (const uint8_t *)too_large;
		len = sizeof(too_large) - 1;
	} else if (!bytes && !outq_copy(queue, &whole)) {
		bytes = (const uint8_t *)no_memory;
		len = sizeof(no_memory) - 1;
	} else if (!bytes) {
		bytes = buf_head(&whole);
		len = buf_len(&whole);
	}
	send_answer(l, c, bytes, len);
	buf_fini(&whole);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		l->calls = c->next;
	l->n_calls--;
	call_release(c);
}

static const struct call_origin link_origin = {.answer = on_answer};

static void on_written(struct conn *c)
{
	struct link *l = link_of(c);

	if (c->paused && l->n_calls < CALLS_MAX / 2 && c->out.bytes < OUT_MAX / 2)
		conn_resume(c);
}

/* ---- Requests ---- */

/* Why a request cannot be served, or NULL; *is_write is set then. */
static const char *refusal_of(const struct proxy *p, const struct command *command,
	const uint8_t *bytes, const struct request_parser *r, bool *is_write)
{
	const char *why = NULL;
	enum command_class class;

	if (!command)
		return "not a data command";
	if (!command_arity_ok(command, r->argc))
		return "wrong number of arguments";
	class = command_class_of(command, bytes, r, &why);
	if (class == COMMAND_REFUSED)
		return why;
	if (class == COMMAND_LOCAL)
		return "not a data command";
	*is_write = class == COMMAND_WRITE;
	if (p->state == PROXY_STANDBY)
		return "the node is in standby";
	if (p->state != PROXY_NORMAL && !*is_write)
		return "the node takes writes only";
	return NULL;
}

/* One message: type and same_dc of the header are kept for the answer. */
static bool take_request(
	struct link *l, const struct dnode_header *h, const uint8_t *bytes, size_t len)
{
	struct proxy *p = l->proxy;
	struct request_parser parser = {0};
	struct route_request r = {.bytes = bytes, .parsed = &parser};
	const struct command *command = NULL;
	const char *refusal;
	bool is_write = false;

	if (request_parse(&parser, bytes, len) == REQUEST_DONE && parser.len == len &&
		parser.argc > 0 && !parser.is_inline)
		command = command_find(bytes, &parser);
	refusal = refusal_of(p, command, bytes, &parser, &is_write);
	r.call = call_new(&p->calls, &link_origin, l, command, p->now_ms);
	if (!r.call) {
		request_parser_fini(&parser);
		return false;
	}
	r.call->is_write = is_write;
	r.call->id = h->id;
	r.call->type = h->same_dc;
	r.call->flags = h->flags;
	r.call->next = l->calls;
	if (l->calls)
		l->calls->prev = r.call;
	l->calls = r.call;
	l->n_calls++;
	l->asked_ms = p->now_ms;
	p->counters.peer_requests++;
	if (refusal)
		call_refuse(r.call, "dynomite: %s", refusal);
	else if (h->type == DNODE_REQUEST_FORWARD)
		route_forward(p, &r);
	else
		route_here(p, &r);
	call_sent(r.call);
	request_parser_fini(&parser);
	return true;
}

/* The first encrypted message of a link carries its session key. */
static const char *take_session(struct link *l, const struct dnode_header *h)
{
	uint8_t session[DNODE_SESSION_BYTES];
	const char *why = NULL;

	if (!l->proxy->rsa)
		return "it sends encrypted messages, but there is no pem_key_file here";
	if (!dnode_rsa_unwrap(l->proxy->rsa, h->data, h->data_len, session)) {
		why = "its session key does not decrypt: do both have the same pem_key_file?";
	} else {
		dnode_cipher_free(l->cipher);
		l->cipher = dnode_cipher_new(session);
		if (!l->cipher)
			why = "out of memory";
	}
	OPENSSL_cleanse(session, sizeof(session));
	return why;
}

static bool take_message(struct link *l, const struct dnode_header *h, const uint8_t *payload)
{
	struct buf plain = {0};
	const char *why = NULL;

	if (h->type == DNODE_RESPONSE)
		why = "it sends answers where requests belong";
	else if (!(h->flags & DNODE_FLAG_ENCRYPTED))
		why = take_request(l, h, payload, h->payload_len) ? NULL : "out of memory";
	else {
		/* A message without a key has a single byte there. */
		if (h->data_len > 1 || !l->cipher)
			why = take_session(l, h);
		if (!why && !dnode_decrypt(l->cipher, payload, h->payload_len, &plain))
			why = "a message does not decrypt";
		if (!why && !take_request(l, h, buf_head(&plain), buf_len(&plain)))
			why = "out of memory";
		buf_fini(&plain);
	}
	if (why)
		close_link(l, why);
	return !why;
}

static size_t on_bytes(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct link *l = link_of(c);
	size_t at = 0;

	while (at < len && !c->paused) {
		struct dnode_header h;
		size_t used = 0;
		const char *why = NULL;
		enum dnode_result result;

		if (l->n_calls >= CALLS_MAX || c->out.bytes >= OUT_MAX) {
			conn_pause(c);
			break;
		}
		result = dnode_decode(&h, bytes + at, len - at, &used, &why);
		if (result == DNODE_BAD) {
			close_link(l, why);
			return 0;
		}
		if (result == DNODE_MORE || len - at - used < h.payload_len)
			break;
		if (!take_message(l, &h, bytes + at + used))
			return 0;
		at += used + h.payload_len;
	}
	return at;
}

static const struct conn_ops ops = {.bytes = on_bytes, .written = on_written, .ended = on_ended};

/* A node that comes to us is up: those of its host that we wait for before trying again need no
 * more patience. */
static void nudge_peers(struct proxy *p, int fd)
{
	struct sockaddr_storage from, node;
	socklen_t len = sizeof(from);

	if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
		return;
	for (size_t i = 1; i < p->ring->n_nodes; i++)
		if (addr_literal(&p->ring->nodes[i].addr, &node) &&
			addr_same_host(
				(const struct sockaddr *)&from, (const struct sockaddr *)&node))
			peer_nudge(p->peers[i]);
}

void link_accepted(void *arg, int fd)
{
	struct proxy *p = arg;
	struct link *l = calloc(1, sizeof(*l));

	if (!l) {
		close(fd);
		return;
	}
	p->counters.peer_connections++;
	p->counters.links++;
	l->proxy = p;
	l->since_ms = p->now_ms;
	l->grave.free_it = free_link;
	l->next = p->links;
	if (l->next)
		l->next->prev = l;
	p->links = l;
	conn_init(&l->conn);
	conn_adopt(&l->conn, &ops, &p->loop, fd);
	nudge_peers(p, fd);
}

void link_turned_away(void *arg)
{
	(void)arg;
	log_warn("a node was turned away: no descriptor is left (raise the limit on open files)");
}
