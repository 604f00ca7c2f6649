/*
 * client_internal - what the two halves of a client share: client.c has the connection and the
 * order of replies, client_request.c what each request is answered with.
 *
 * Event loop's thread.
 */
#ifndef PROXY_CLIENT_INTERNAL_H
#define PROXY_CLIENT_INTERNAL_H

#include "proto/request.h"
#include "proxy/client.h"
#include "proxy/local.h"
#include "proxy/proxy_internal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct client {
	struct asker asker; /* first: the asker's functions give it back */
	struct proxy *proxy;
	bool refused_multi; /* what was sent together with a refused MULTI is refused too */
	struct local_client local;
	struct request_parser parser;
};

static inline struct client *client_of(struct asker *a)
{
	return (struct client *)a;
}

/* Requests have arrived (conn_ops.bytes). */
size_t client_bytes(struct conn *c, const uint8_t *bytes, size_t len);

/* A call behind those that are not answered yet.  NULL when memory is short. */
struct call *client_new_call(struct client *cl, const struct command *command);

/* A reply that is there at once, but must wait for those before it. */
void client_reply(struct client *cl, const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
