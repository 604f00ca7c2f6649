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

/* The kind of asker_list that holds links. */
extern const struct asker_kind link_kind;

/*
 * The datastore was unavailable and came back at back_ms (monotonic): close the links whose nodes
 * cannot have noticed, having sent nothing since.  They connect again, and heal this node.
 */
void link_wake(struct asker_list *links, int64_t back_ms);

#ifdef __cplusplus
}
#endif

#endif
