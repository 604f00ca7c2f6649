/*
 * link - a connection that another node has made to this one: its requests in, our answers out.
 *
 * Event loop's thread.
 */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include "proxy/asker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the list of links. */
extern const struct asker_kind link_kind;

/*
 * The datastore was away, and has been back since then (monotonic): close the connections of nodes
 * that have not noticed, as they have asked for nothing.  They connect again, and heal what they
 * see come back.
 */
void link_wake(struct asker_list *links, int64_t back_ms);

#ifdef __cplusplus
}
#endif

#endif
