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
#include "repair/reconciler.h"

#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct control;

/* All of it is borrowed. */
struct control_options {
	struct event_base *base;
	const struct conf *conf;
	struct proxy *proxy;           /* NULL: no listen */
	struct healer *healer;         /* NULL: no entropy channel */
	struct reconciler *reconciler; /* NULL: no sessions */
	const struct ring *ring;       /* NULL: no listen */
};

/* Listens on stats_listen.  NULL, with a message logged, on failure. */
struct control *control_new(const struct control_options *options);
void control_free(struct control *c); /* closes all connections; NULL is harmless */

#ifdef __cplusplus
}
#endif

#endif
