#include "proxy/link.h"

#include "base/addr.h"
#include "base/log.h"
#include "proto/dnode.h"
#include "proto/dnode_crypto.h"
#include "proxy/conn.h"
#include "proxy/route.h"
#include "proxy/window.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond any of these, no more requests of a link are read until it is below half. */
#define CALLS_MAX   4096
#define OUT_MAX     ((size_t)16 * 1024 * 1024) /* bytes that wait for the node to read them */
#define REPLIES_MAX ((size_t)64 * 1024 * 1024) /* bytes of answers to come, about */
#define CALLS_FIRST 64                         /* before the first answer */

/* A node that does not take its answers is given up beyond this: one of the largest, and as much as
 * may wait besides. */
#define OUT_HARD_MAX (DNODE_PAYLOAD_MAX + OUT_MAX)

struct link {
	struct conn conn; /* first: the conn's functions give it back */
	struct conn_grave grave;
	struct proxy *proxy;
	struct link *next, *prev;
	struct call *calls; /* not answered, in any order */
	size_t n_calls;
	struct window window;
	struct dnode_cipher *cipher; /* NULL until a session key came */
	int64_t since_ms;            /* accepted then, and its last request came */
	int64_t asked_ms;
	bool refused;      /* a request since link_wake() */
	bool quitting;     /* no more requests; close when all are answered */
	bool must_encrypt; /* by where it comes from */
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

/* Who is at the other end, for people. */
static const char *name_of(int fd, char *text, size_t cap)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &len) != 0)
		return "nowhere";
	return addr_format_sockaddr((const struct sockaddr *)&sa, text, cap);
}

static void close_link(struct link *l, const char *why)
{
	if (l->conn.fd < 0)
		return;
	if (why) {
		char from[ADDR_TEXT_MAX];

		log_rarely(&l->proxy->link_gate, LOG_LEVEL_WARN,
			"a node's connection from %s was closed: %s",
			name_of(l->conn.fd, from, sizeof(from)), why);
	}
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

static void check_quit(struct link *l)
{
	if (l->quitting && !l->calls) {
		l->conn.close_after = true;
		conn_wrote(&l->conn);
	}
}

void link_quit_all(struct proxy *p)
{
	for (struct link *l = p->links; l; l = l->next) {
		l->quitting = true;
		conn_pause(&l->conn);
		check_quit(l);
	}
}

/* ---- Answers ---- */

/* How an answer of ours begins that is none of the datastore. */
static const char our_error[] = "-ERR dynomite: ";
static const char no_memory[] = "-ERR dynomite: out of memory\r\n";
static const char too_large[] =
	"-ERR dynomite: the reply is too large for a link between nodes\r\n";

/* What a message carries at the most, encrypted. */
#define ANSWER_MAX (DNODE_PAYLOAD_MAX - 16)

static void send_answer(struct link *l, const struct call *c, const struct reply *reply)
{
	const uint8_t *bytes = reply->bytes;
	size_t len = reply->len;
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

	if (l->conn.given_up)
		return;
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
	window_learn(&l->window, len);
	if (!ok) {
		conn_give_up(&l->conn); /* an answer with a hole in it is worse than none */
	} else if (l->conn.out.bytes > OUT_HARD_MAX) {
		log_rarely(&l->proxy->link_gate, LOG_LEVEL_WARN,
			"a node's connection is closed, for it does not take its answers");
		conn_give_up(&l->conn);
	}
}

static void on_answer(struct call *c, const struct reply *reply)
{
	struct link *l = c->asker;
	struct buf room = {0};
	struct reply whole;

	if (!reply->bytes && reply->len > ANSWER_MAX)
		whole = reply_of_bytes(too_large, sizeof(too_large) - 1);
	else if (!reply_in_one_piece(reply, &room, &whole))
		whole = reply_of_bytes(no_memory, sizeof(no_memory) - 1);
	send_answer(l, c, &whole);
	buf_fini(&room);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		l->calls = c->next;
	l->n_calls--;
	call_release(c);
	check_quit(l);
}

static const struct call_origin link_origin = {.answer = on_answer};

static bool has_room(const struct link *l, unsigned part)
{
	return window_has_room(&l->window, l->n_calls, part) && l->conn.out.bytes < OUT_MAX / part;
}

static void on_written(struct conn *c)
{
	struct link *l = link_of(c);

	if (c->paused && !l->quitting && has_room(l, 2))
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

/* The first encrypted message of a link carries its session key.  What others carry there is passed
 * over: to decrypt a key takes long enough to be asked for it once alone. */
static const char *take_session(struct link *l, const struct dnode_header *h)
{
	uint8_t session[DNODE_SESSION_BYTES];
	const char *why = NULL;

	if (!l->proxy->rsa)
		return "it sends encrypted messages, but there is no pem_key_file here";
	if (!dnode_rsa_unwrap(l->proxy->rsa, h->data, h->data_len, session)) {
		why = "its session key does not decrypt: do both have the same pem_key_file?";
	} else {
		l->cipher = dnode_cipher_new(session);
		if (!l->cipher)
			why = "out of memory";
	}
	OPENSSL_cleanse(session, sizeof(session));
	return why;
}

/* A node that is to encrypt, and does not, knows nothing of our pem_key_file: what it says may be
 * anybody's. */
static const char *refuse_plain(const struct link *l, const struct dnode_header *h)
{
	const struct proxy *p = l->proxy;

	if (l->must_encrypt || (!h->same_dc && p->rsa))
		return "its messages are not encrypted, as secure_server_option wants them";
	return NULL;
}

static bool take_message(struct link *l, const struct dnode_header *h, const uint8_t *payload)
{
	struct buf plain = {0};
	const char *why = NULL;

	if (h->type == DNODE_RESPONSE)
		why = "it sends answers where requests belong";
	else if (!(h->flags & DNODE_FLAG_ENCRYPTED)) {
		why = refuse_plain(l, h);
		if (!why && !take_request(l, h, payload, h->payload_len))
			why = "out of memory";
	} else {
		if (!l->cipher)
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

		if (!has_room(l, 1)) {
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

/*
 * What its address tells of who comes to us.  A node that does is up: those of its host that we
 * wait for before trying again need no more patience.  And it has to encrypt when every node of its
 * host has to; one of a host that the ring does not name by its address, when all nodes have to.
 */
static void recognise(struct link *l)
{
	struct proxy *p = l->proxy;
	const struct ring *ring = p->ring;
	struct sockaddr_storage from, node;
	socklen_t len = sizeof(from);
	size_t here = 0, plain = 0;

	if (getpeername(l->conn.fd, (struct sockaddr *)&from, &len) != 0)
		return;
	for (size_t i = 1; i < ring->n_nodes; i++) {
		if (!addr_literal(&ring->nodes[i].addr, &node) ||
			!addr_same_host(
				(const struct sockaddr *)&from, (const struct sockaddr *)&node))
			continue;
		here++;
		plain += !proxy_encrypts(p, ring->nodes[i].rack);
		replica_nudge(p->replicas[i]);
	}
	l->must_encrypt = here > 0 ? plain == 0 : proxy_encrypts(p, 0);
}

static void note_turned_away(struct proxy *p, const char *why)
{
	p->counters.peer_turned_away++;
	log_rarely(&p->link_gate, LOG_LEVEL_WARN, "a node was turned away: %s", why);
}

void link_accepted(void *arg, int fd)
{
	struct proxy *p = arg;
	bool room = p->counters.links < p->links_max;
	struct link *l = room ? calloc(1, sizeof(*l)) : NULL;

	if (!l) {
		note_turned_away(p, room ? "no memory is left"
					 : "there are as many as may be already (dyn_connections)");
		close(fd);
		return;
	}
	p->counters.peer_connections++;
	p->counters.links++;
	l->proxy = p;
	l->since_ms = p->now_ms;
	l->window = window_new(REPLIES_MAX, CALLS_MAX, CALLS_FIRST);
	l->grave.free_it = free_link;
	l->next = p->links;
	if (l->next)
		l->next->prev = l;
	p->links = l;
	conn_init(&l->conn);
	conn_adopt(&l->conn, &ops, &p->loop, fd);
	recognise(l);
}

void link_turned_away(void *arg)
{
	note_turned_away(arg, "no descriptor is left (raise the limit on open files)");
}
