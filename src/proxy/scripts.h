/*
 * scripts - gives a datastore the scripts and functions that it lacks, because it was restarted or
 * away.
 *
 * The bodies that pass through this node are kept.  What the datastore of this node lacks it is
 * sent when it comes back.  An EVALSHA that a replica does not know is sent to it again as EVAL: by
 * the node whose datastore it is, else by the node that took it from the client.  Event loop's
 * thread.
 */
#ifndef PROXY_SCRIPTS_H
#define PROXY_SCRIPTS_H

#include "proto/request.h"
#include "proxy/call.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;

/* The general case of scripts_take(). */
void scripts_take_bodies(struct proxy *p, struct call *c, const struct request *r);

/* A request is about to be routed: keep or forget the bodies in it, and keep an EVALSHA in its
 * call.
 */
static inline void scripts_take(struct proxy *p, struct call *c, const struct request *r)
{
	if (r->command->keys == COMMAND_KEYS_NUMKEYS || r->command->join == COMMAND_ALL_NODES)
		scripts_take_bodies(p, c, r);
}

/* Callback of replicas: send a leg again as EVAL, if the replica does not know the script of its
 * EVALSHA, and this node does.  arg is the proxy. */
bool scripts_again(void *arg, size_t node, struct leg *leg, const struct reply *reply);

/* Send the datastore all that is kept.  arg is the proxy; node is 0. */
void scripts_load(void *arg, size_t node);

#ifdef __cplusplus
}
#endif

#endif
