/*
 * control - statistics and controls over HTTP, on stats_listen.
 *
 * It serves the paths of pages.c in the event loop, one request per connection, with limits on the
 * number of connections, the size of a request and the lifetime of a connection.  Paths that change
 * something are served only to this machine, unless stats_admin allows others, and never to a web
 * page.  Event loop's thread.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "conf/conf.h"
#include "heal/healer.h"
#include "proxy/proxy.h"

#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct control;

/*
 * Listens on stats_listen.  NULL, with a message logged, on failure.  All arguments are borrowed;
 * proxy and ring are NULL without listen, healer without the entropy channel.
 */
struct control *control_new(struct event_base *base, const struct conf *conf, struct proxy *proxy,
	struct healer *healer, const struct ring *ring);
void control_free(struct control *c); /* closes all connections; NULL is harmless */

#ifdef __cplusplus
}
#endif

#endif
