/*
 * allow - the addresses that may connect to the receiver under recon_allow: peers.
 *
 * They are those behind the names of recon_peers, which are looked up again on every
 * heal_allow_refresh(), so that a host that moved is known from the next round on.
 * heal_allow_admits() may be called from any thread.
 */
#ifndef HEAL_ALLOW_H
#define HEAL_ALLOW_H

#include "conf/conf.h"

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heal_allow;

/* NULL when memory is short.  list is borrowed. */
struct heal_allow *heal_allow_new(const struct conf_list *list);
void heal_allow_free(struct heal_allow *allow);

/* Look every name up, until deadline_ms (monotonic); a name without an answer keeps its old
 * addresses. */
void heal_allow_refresh(struct heal_allow *allow, int64_t deadline_ms);

/* Whether from is the address of one of them or this machine's loopback.  arg is a struct
 * heal_allow. */
bool heal_allow_admits(void *arg, const struct sockaddr *from);

#ifdef __cplusplus
}
#endif

#endif
