/*
 * client - a connection of an application: requests in, replies out, in order.
 *
 * Event loop's thread.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "proxy/proxy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection was accepted (listener_options). arg is the proxy. */
void client_accepted(void *arg, int fd);
void client_turned_away(void *arg);

/* Take no more requests: each is closed when what it asked is answered. */
void client_quit_all(struct proxy *p);

/* Close all of them, at the end. */
void client_close_all(struct proxy *p);

#ifdef __cplusplus
}
#endif

#endif
