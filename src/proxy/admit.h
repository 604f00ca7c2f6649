/*
 * admit - whether a request is carried out, depending on its command and on the state of the node,
 * and the error reply if it is not.
 *
 * Any thread.
 */
#ifndef PROXY_ADMIT_H
#define PROXY_ADMIT_H

#include "proto/request.h"
#include "proxy/proxy.h"

#ifdef __cplusplus
extern "C" {
#endif

enum admit_asker {
	ADMIT_CLIENT,
	ADMIT_NODE, /* asks for its own clients: for data alone */
};

#define ADMIT_WHY_MAX 480

/* The general case of admit_request(), which decides most requests inline. */
bool admit_slowly(enum proxy_state state, const struct request *r, enum admit_asker asker,
	char why[ADMIT_WHY_MAX]);

/*
 * Whether to carry out a request that parsed well.  If not, why is the text of the error, to follow
 * "ERR ".  A client gets Redis's wording; a node gets ours, so that it does not take the error for
 * one of the datastore's.  The text may contain bytes of the request: do not log it.
 */
static inline bool admit_request(enum proxy_state state, const struct request *r,
	enum admit_asker asker, char why[ADMIT_WHY_MAX])
{
	if (r->fault == REQUEST_FAULT_NONE && r->kind != COMMAND_LOCAL && state == PROXY_NORMAL)
		return true;
	return admit_slowly(state, r, asker, why);
}

#ifdef __cplusplus
}
#endif

#endif
