#include "proxy/followers.h"

#include "base/clock.h"
#include "proto/follow.h"
#include "proxy/proxy_internal.h"
#include "proxy/route.h"

#include <stdlib.h>

struct followers {
	struct proxy *proxy;
	struct buf request; /* of the client */
	struct buf reply;   /* of the local rack, for a quorum */
	uint64_t n;         /* for follow_agrees() */
	bool is_sent;
};

bool followers_begin(struct proxy *p, struct call *c, const struct request *r)
{
	struct followers *f = calloc(1, sizeof(*f));

	if (!f)
		return false;
	f->proxy = p;
	c->followers = f;
	return buf_append(&f->request, r->bytes, r->len);
}

void followers_free(struct followers *f)
{
	if (!f)
		return;
	buf_fini(&f->request);
	buf_fini(&f->reply);
	free(f);
}

/* Understand the RESP request in a buffer. */
static bool understand(struct request_parser *parser, const struct buf *bytes, struct request *r)
{
	if (request_parse(parser, buf_head(bytes), buf_len(bytes)) != REQUEST_DONE)
		return false;
	*r = request_of(parser, buf_head(bytes));
	request_understand(r);
	return r->fault == REQUEST_FAULT_NONE;
}

/* Send a request to all racks but the local one. */
static void send_to_others(struct call *c, const struct buf *bytes)
{
	struct request_parser parser = {0};
	struct request r;

	if (understand(&parser, bytes, &r))
		route_others(c->followers->proxy, c, &r);
	request_parser_fini(&parser);
}

/* What follows from the local rack's reply; empty if nothing does. */
static void write_following(struct call *c, const struct reply *reply, struct buf *out)
{
	struct followers *f = c->followers;
	struct request_parser parser = {0};
	struct buf room = {0};
	struct reply whole;
	struct request r;

	if (reply_in_one_piece(reply, &room, &whole) && understand(&parser, &f->request, &r) &&
		follow_request(&r, whole.bytes, whole.len, clock_wall_ms(), out, &f->n) ==
			FOLLOW_REQUEST &&
		c->one.quorum)
		/* Without memory for it, the quorum fails. */
		(void)!buf_append(&f->reply, whole.bytes, whole.len);
	request_parser_fini(&parser);
	buf_fini(&room);
}

void followers_send(struct call *c, const struct reply *reply)
{
	struct followers *f = c->followers;
	struct buf following = {0};

	if (f->is_sent)
		return;
	f->is_sent = true;
	if (reply)
		write_following(c, reply, &following);
	if (buf_len(&following) > 0)
		send_to_others(c, &following);
	else if (c->one.quorum)
		send_to_others(c, &f->request);
	buf_fini(&following);
}

void followers_translate(const struct call *c, struct reply *reply)
{
	const struct followers *f = c->followers;
	struct request_parser parser = {0};
	struct request r;

	if (buf_len(&f->reply) > 0 && reply->bytes && understand(&parser, &f->request, &r) &&
		follow_agrees(&r, reply->bytes, reply->len, f->n))
		*reply = reply_of_bytes(buf_head(&f->reply), buf_len(&f->reply));
	request_parser_fini(&parser);
}
