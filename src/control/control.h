/*
 * control - statistics and controls over HTTP, on stats_listen.
 *
 * It serves the paths of control_pages.c in the event loop, one request a connection, with firm
 * bounds: so many connections at a time, so many bytes of a request, so many seconds for all of it.
 * Paths that change something answer to this machine alone, unless stats_admin says otherwise, and
 * never to a web page.  Event loop's thread.
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
 * Listens.  NULL, with a message logged, on failure.  All is borrowed; proxy and ring may be NULL
 * (no listen), as may healer (no entropy channel).
 */
struct control *control_new(struct event_base *base, const struct conf *conf, struct proxy *proxy,
	struct healer *healer, const struct ring *ring);
void control_free(struct control *c);

#ifdef __cplusplus
}
#endif

#endif
