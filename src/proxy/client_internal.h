/*
 * client_internal - what the two halves of a client share: client.c has the connection and the
 * order of replies, client_request.c what each request is answered with.
 */
#ifndef PROXY_CLIENT_INTERNAL_H
#define PROXY_CLIENT_INTERNAL_H

#include "proto/request.h"
#include "proxy/client.h"
#include "proxy/conn.h"
#include "proxy/local.h"
#include "proxy/window.h"

#ifdef __cplusplus
extern "C" {
#endif

struct client {
	struct conn conn; /* first: the conn's functions give it back */
	struct conn_grave grave;
	struct proxy *proxy;
	struct client *next, *prev;
	struct call *oldest, *newest; /* calls that are not answered, in order */
	uint32_t n_calls;
	size_t parked; /* bytes of replies that wait for those before them */
	struct window window;
	bool quitting;      /* no more requests; close when all are answered */
	bool refused_multi; /* what was sent together with a refused MULTI is refused too */
	struct local_client local;
	struct request_parser parser;
};

static inline struct client *client_of(struct conn *c)
{
	return (struct client *)c;
}

/* Requests have arrived (conn_ops.bytes). */
size_t client_bytes(struct conn *c, const uint8_t *bytes, size_t len);

/* Whether another request may be taken now: fewer calls and bytes wait than a part'th of the most.
 */
bool client_has_room(const struct client *cl, unsigned part);

/* A call behind those that are not answered yet.  NULL when memory is short. */
struct call *client_new_call(struct client *cl, const struct command *command);

/* A reply that is there at once, but must wait for those before it. */
void client_reply(struct client *cl, const void *bytes, size_t len);

/* It takes no more requests: close when all are answered. */
void client_quit(struct client *cl);

/* Close now. */
void client_close(struct client *cl);

#ifdef __cplusplus
}
#endif

#endif
