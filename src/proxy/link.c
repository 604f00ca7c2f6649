#include "proxy/link.h"

#include "base/addr.h"
#include "base/log.h"
#include "proto/dnode.h"
#include "proto/dnode_crypto.h"
#include "proto/resp_write.h"
#include "proxy/admit.h"
#include "proxy/proxy_internal.h"
#include "proxy/route.h"
#include "proxy/scripts.h"

#include <openssl/crypto.h>
#include <string.h>

/* The limit of replies that a node has not read. */
#define UNREAD_MAX ((size_t)16 * 1024 * 1024)

/* One request being carried out. */
struct link_call {
	struct asker_call base; /* first: casts from struct asker_call */
	uint64_t id;            /* of the message */
	uint8_t flags;          /* likewise */
	bool same_dc;           /* likewise */
};

struct link {
	struct asker asker; /* first: link_of() casts it */
	struct proxy *proxy;
	struct dnode_cipher *cipher; /* NULL until a session key has arrived */
	int64_t since_ms;            /* when it was accepted, and when its last request came */
	int64_t asked_ms;
	bool refused;      /* a request was refused since link_wake() */
	bool must_encrypt; /* depending on its address */
};

static struct link *link_of(struct asker *a)
{
	return (struct link *)a;
}

/* ---- Closing ---- */

static void gone(struct asker *a)
{
	dnode_cipher_free(link_of(a)->cipher);
	link_of(a)->cipher = NULL;
}

/* The address of the other end, for the log. */
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
	struct asker *a = &l->asker;
	char from[ADDR_TEXT_MAX];

	if (a->conn.fd < 0)
		return;
	log_rarely(&a->list->gate, LOG_LEVEL_WARN, "a node's connection from %s was closed: %s",
		name_of(a->conn.fd, from, sizeof(from)), why);
	asker_close(a);
}

void link_wake(struct asker_list *links, int64_t back_ms)
{
	struct asker *next;

	for (struct asker *a = LIST_FIRST(&links->all); a; a = next) {
		struct link *l = link_of(a);

		next = LIST_NEXT(a, next);
		if (l->since_ms > back_ms || (l->refused && l->asked_ms > back_ms)) {
			l->refused = false; /* its node has noticed */
			continue;
		}
		log_info("a node's connection was closed, so that it notices that the datastore "
			 "was down");
		asker_close(a);
	}
}

/* ---- Replies ---- */

/* The start of an error of our own, as opposed to one of the datastore. */
static const char our_error[] = "-ERR dynomite: ";

/* The largest reply in a message, which may be encrypted. */
#define ANSWER_MAX (DNODE_PAYLOAD_MAX - 16)

static void send_answer(struct link *l, const struct link_call *c, const struct reply *reply)
{
	struct conn *conn = &l->asker.conn;
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
		.same_dc = c->same_dc,
		.data = (const uint8_t *)"d",
		.data_len = 1,
		.payload_len = len,
	};
	bool ok = true;

	if (conn->given_up)
		return;
	if (h.flags & DNODE_FLAG_ENCRYPTED) {
		ok = dnode_encrypt(l->cipher, bytes, len, &cipher);
		bytes = buf_head(&cipher);
		h.payload_len = buf_len(&cipher);
	}
	ok = ok && conn_send(conn, header, dnode_encode(&h, header)) &&
	     conn_send(conn, bytes, h.payload_len);
	buf_fini(&cipher);
	l->proxy->figures.dnode_client_responses++;
	l->refused = l->refused || is_refusal;
	window_learn(&l->asker.window, len);
	if (!ok) /* half a reply would garble the rest */
		asker_give_up(&l->asker, "out of memory for its replies");
	else
		asker_check_unread(&l->asker);
}

static void on_answer(struct call *call, const struct reply *reply)
{
	struct link_call *c = (struct link_call *)call;
	struct link *l = link_of(c->base.asker);
	char line[RESP_ERROR_MAX];
	const char *why = NULL;
	struct buf room = {0};
	struct reply whole;

	if (!reply->bytes && reply->len > ANSWER_MAX)
		why = "the reply is too large for a link between nodes";
	else if (!reply_in_one_piece(reply, &room, &whole))
		why = "out of memory";
	if (why)
		whole = reply_of_bytes(line, resp_write_error_line(line, "ERR dynomite: %s", why));
	send_answer(l, c, &whole);
	buf_fini(&room);
	asker_call_end(&c->base);
	asker_check_quit(&l->asker);
}

/* ---- Requests ---- */

/* The request in a message; if it does not parse, an unknown command. */
static struct request read_request(struct request_parser *parser, const uint8_t *bytes, size_t len)
{
	struct request r = {.bytes = bytes, .len = len, .fault = REQUEST_FAULT_UNKNOWN};

	if (request_parse(parser, bytes, len) != REQUEST_DONE || parser->len != len ||
		parser->is_inline)
		return r;
	r = request_of(parser, bytes);
	request_understand(&r);
	return r;
}

/* Handle one message; the reply needs id, flags and same_dc of its header. */
static bool take_request(
	struct link *l, const struct dnode_header *h, const uint8_t *bytes, size_t len)
{
	struct proxy *p = l->proxy;
	struct request_parser parser = {0};
	struct request r = read_request(&parser, bytes, len);
	struct link_call *c = (struct link_call *)asker_call_new(&l->asker, r.command, p->now_ms);
	char why[ADMIT_WHY_MAX];

	if (!c) {
		request_parser_fini(&parser);
		return false;
	}
	if (h->data_len == 1 && h->data[0] == DNODE_DATA_STAMP[0] && h->id > 0)
		c->base.call.one.stamp = h->id;
	c->id = h->id;
	c->flags = h->flags;
	c->same_dc = h->same_dc;
	l->asked_ms = p->now_ms;
	p->figures.dnode_client_requests++;
	if (!admit_request(p->state, &r, ADMIT_NODE, why)) {
		call_refuse(&c->base.call, "%s", why);
	} else {
		scripts_take(p, &c->base.call, &r);
		(h->type == DNODE_REQUEST_FORWARD ? route_forward : route_here)(
			p, &c->base.call, &r);
	}
	call_sent(&c->base.call);
	request_parser_fini(&parser);
	return true;
}

/* The first encrypted message of a link carries its session key.  Keys in later messages are
 * ignored, because RSA decryption is slow. */
static const char *take_session(struct link *l, const struct dnode_header *h)
{
	uint8_t session[DNODE_SESSION_BYTES];
	const char *why = NULL;

	if (!l->proxy->security.rsa)
		return "it sends encrypted messages, but this node has no pem_key_file";
	if (!dnode_rsa_unwrap(l->proxy->security.rsa, h->data, h->data_len, session)) {
		why = "its session key does not decrypt: do both have the same pem_key_file?";
	} else {
		l->cipher = dnode_cipher_new(session);
		if (!l->cipher)
			why = "out of memory";
	}
	OPENSSL_cleanse(session, sizeof(session));
	return why;
}

/* Refuse a plain message of a node that must encrypt: without the pem_key_file it may come from
 * anyone. */
static const char *refuse_plain(const struct link *l, const struct dnode_header *h)
{
	const struct proxy *p = l->proxy;

	if (l->must_encrypt || (!h->same_dc && p->security.rsa))
		return "its messages are not encrypted, but secure_server_option requires it";
	return NULL;
}

static bool take_message(struct link *l, const struct dnode_header *h, const uint8_t *payload)
{
	struct buf plain = {0};
	const char *why = NULL;

	if (h->type == DNODE_RESPONSE)
		why = "it sends replies instead of requests";
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
	struct link *l = link_of(asker_of(c));
	size_t at = 0;

	while (at < len && !c->paused) {
		struct dnode_header h;
		size_t used = 0;
		const char *why = NULL;
		enum dnode_result result;

		if (!asker_has_room(&l->asker, 1)) {
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

/* ---- Accepting ---- */

/*
 * What follows from the address of a link.  A node that connects is up, so that peers on its host
 * need not wait before they are tried again.  It must encrypt if every node on its host must; a
 * node on a host that is not in the ring, if all nodes must.
 */
static void recognise(struct link *l)
{
	struct proxy *p = l->proxy;
	const struct ring *ring = p->ring;
	struct sockaddr_storage from, node;
	socklen_t len = sizeof(from);
	size_t here = 0, plain = 0;

	if (getpeername(l->asker.conn.fd, (struct sockaddr *)&from, &len) != 0)
		return;
	for (size_t i = 1; i < ring->n_nodes; i++) {
		if (!addr_literal(&ring->nodes[i].addr, &node) ||
			!addr_same_host(
				(const struct sockaddr *)&from, (const struct sockaddr *)&node))
			continue;
		here++;
		plain += !security_encrypts(&p->security, ring->nodes[i].rack);
		replica_nudge(p->replicas[i]);
	}
	l->must_encrypt = here > 0 ? plain == 0 : security_encrypts(&p->security, 0);
}

static void begin(struct asker *a)
{
	struct link *l = link_of(a);

	l->proxy = a->list->proxy;
	l->since_ms = l->proxy->now_ms;
	recognise(l);
}

const struct asker_kind link_kind = {
	.asker_bytes = sizeof(struct link),
	.call_bytes = sizeof(struct link_call),
	.calls_max = 4096,
	.calls_first = 64,
	.unread_max = UNREAD_MAX,
	.answers_max = (size_t)64 * 1024 * 1024,
	/* One reply of the largest size beside the ordinary limit. */
	.unread_hard_max = DNODE_PAYLOAD_MAX + UNREAD_MAX,
	.turned_away = "a node",
	.full = "the limit is reached (dyn_connections)",
	.closed = "a node's connection is closed",
	.ended = "a node's connection ended",
	.ended_level = LOG_LEVEL_INFO,
	.conn = {.bytes = on_bytes, .written = asker_written, .ended = asker_ended},
	.origin = {.answer = on_answer},
	.begin = begin,
	.gone = gone,
};
