/*
 * peers - the addresses behind the names of the known peers, for recon_allow.
 *
 * Names are looked up again on every peers_refresh(), so that a peer that moved is known from the
 * next round on. peers_allow() may be called from any thread.
 */
#ifndef PEERS_H
#define PEERS_H

#include "conf/conf.h"

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peers;

/* NULL when memory is short.  list is borrowed. */
struct peers *peers_new(const struct conf_list *list);
void peers_free(struct peers *p);

/* Look every name up, until deadline_ms (monotonic); a name without an answer keeps its old
 * addresses. */
void peers_refresh(struct peers *p, int64_t deadline_ms);

/* Whether from is a peer's address or this machine's loopback.  arg is a struct peers. */
bool peers_allow(void *arg, const struct sockaddr *from);

#ifdef __cplusplus
}
#endif

#endif
