/*
 * describe - the command table as COMMAND tells it to clients.
 *
 * Commands that the proxy refuses are left out: a client that looks finds what it can use.  Each
 * function appends one whole reply and returns false when memory is short.  Any thread.
 */
#ifndef PROXY_DESCRIBE_H
#define PROXY_DESCRIBE_H

#include "proto/request.h"
#include "proto/resp_write.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* COMMAND COUNT. */
bool describe_count(const struct resp_writer *w);

/* COMMAND, and COMMAND INFO [name ...]: the names are the arguments from 2 on, all when there are
 * none. */
bool describe_info(const struct resp_writer *w, const struct request *r);

/* COMMAND DOCS [name ...], likewise: a summary and a group for each. */
bool describe_docs(const struct resp_writer *w, const struct request *r);

#ifdef __cplusplus
}
#endif

#endif
