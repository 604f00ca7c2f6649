/*
 * client_internal - shared by the files of a client: client.c has the connection and the order of
 * replies, client_request.c decides how each request is answered.
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
	struct asker asker; /* first: the asker's functions cast it */
	struct proxy *proxy;
	bool refused_multi; /* MULTI was refused; refuse what was sent along with it */
	struct local_client local;
	struct request_parser parser;
};

static inline struct client *client_of(struct asker *a)
{
	return (struct client *)a;
}

/* Handle requests (conn_ops.bytes). */
size_t client_bytes(struct conn *c, const uint8_t *bytes, size_t len);

/* A new call, at the end of the client's calls.  NULL when out of memory. */
struct call *client_new_call(struct client *cl, const struct command *command);

/* Send a reply of our own, after the replies to earlier requests. */
void client_reply(struct client *cl, const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
