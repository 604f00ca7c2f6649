/*
 * fetch - gets a page of a node's control server, over HTTP.
 *
 * One thread.
 */
#ifndef TOOLS_FETCH_H
#define TOOLS_FETCH_H

#include "base/addr.h"
#include "base/buf.h"
#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A longer response is refused. */
#define FETCH_BYTES_MAX ((size_t)16 * 1024 * 1024)

/*
 * GET path and append the body to out, in total within timeout_ms.  Any status but 200 is an error,
 * with the first line of the body as the message.
 */
enum dyn_entropy_status fetch(const struct addr *from, const char *path, uint32_t timeout_ms,
	const dyn_entropy_cancel *cancel, struct buf *out, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
