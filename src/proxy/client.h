/*
 * client - a connection of an application: requests in, replies out, in order.
 *
 * Event loop's thread.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "proxy/asker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kind of asker_list that holds clients. */
extern const struct asker_kind client_kind;

#ifdef __cplusplus
}
#endif

#endif
