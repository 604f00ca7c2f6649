/*
 * link - a connection that another node has made to this one: its requests in, our answers out.
 *
 * Event loop's thread.
 */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include "proxy/proxy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection was accepted (listener_options).  arg is the proxy. */
void link_accepted(void *arg, int fd);
void link_turned_away(void *arg);

/*
 * The datastore was away, and has been back since then (monotonic): close the connections of nodes
 * that have not noticed, be it for want of requests.  They connect again, and heal what they see
 * come back.
 */
void link_wake(struct proxy *p, int64_t back_ms);

/* Take no more requests: each is closed when what it asked is answered. */
void link_quit_all(struct proxy *p);

/* Close all of them, at the end. */
void link_close_all(struct proxy *p);

#ifdef __cplusplus
}
#endif

#endif
