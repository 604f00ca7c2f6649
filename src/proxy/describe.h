/*
 * describe - the replies to COMMAND, from the command table.
 *
 * Commands that the proxy refuses are left out, so that a client finds only what it can use.  Each
 * function appends one whole reply and returns false when out of memory.  Any thread.
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

/* COMMAND, and COMMAND INFO [name ...]: the names are the arguments from 2 on; without any, all
 * commands. */
bool describe_info(const struct resp_writer *w, const struct request *r);

/* COMMAND DOCS [name ...], likewise: a summary and a group for each. */
bool describe_docs(const struct resp_writer *w, const struct request *r);

#ifdef __cplusplus
}
#endif

#endif
