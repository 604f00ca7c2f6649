/*
 * listener - a listening socket that can still turn connections away when descriptors have run out.
 *
 * One thread at a time.
 */
#ifndef ENTROPY_LISTENER_H
#define ENTROPY_LISTENER_H

#include "base/addr.h"
#include "entropy/dynentropy.h"

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct listener {
	int fd;       /* -1: closed; non-blocking */
	int spare_fd; /* closed for a moment to turn a connection away when descriptors have run out
		       */
	uint16_t port; /* also when the kernel chose it */
};

enum listener_event {
	LISTENER_NONE,       /* no connection is waiting */
	LISTENER_CONNECTION, /* to be served */
	LISTENER_LAST,       /* with the spare descriptor: close it, then call listener_spare() */
	LISTENER_FAILED,     /* retry later: no memory for a socket and the like */
};

#define LISTENER_CLOSED ((struct listener){.fd = -1, .spare_fd = -1})

/* Bind and listen; a name is looked up within timeout_ms.  DYN_ENTROPY_ERR_IO names the address.
 * Call listener_close() in either case. */
enum dyn_entropy_status listener_open(struct listener *l, const struct addr *a, uint32_t timeout_ms,
	struct dyn_entropy_error *err);
void listener_close(struct listener *l);

/* Accept the next connection; its descriptor *fd, non-blocking, is the caller's. */
enum listener_event listener_accept(struct listener *l, int *fd, struct sockaddr_storage *from);

/* Take the spare descriptor back before somebody else takes its place. */
void listener_spare(struct listener *l);

#ifdef __cplusplus
}
#endif

#endif
