/*
 * link - a connection that another node has made to this one: its requests in, our answers out.
 *
 * Event loop's thread.
 */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include "proxy/proxy.h"

/* A connection was accepted (listener_options).  arg is the proxy. */
void link_accepted(void *arg, int fd);
void link_turned_away(void *arg);

/* Close all of them, at the end. */
void link_close_all(struct proxy *p);

#endif
