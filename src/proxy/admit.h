/*
 * admit - whether a request is carried out, by what it is and by the state of the node; and what
 * whoever asked is told when it is not.
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

/* The same as admit_request(), which spares almost all requests the call. */
bool admit_slowly(enum proxy_state state, const struct request *r, enum admit_asker asker,
	char why[ADMIT_WHY_MAX]);

/*
 * Whether to carry out a request that was understood.  If not, why is the text of the error, to be
 * put behind "ERR "; what a client is told in Redis's words a node is told as ours, so that it does
 * not take it for the datastore's.  It may hold bytes of the request: not for a log.
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
