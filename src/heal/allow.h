/*
 * allow - the allow-list: the addresses that may connect to the receiver under recon_allow: peers.
 *
 * They are the addresses of recon_peers.  heal_allow_refresh() looks the names up again, so that a
 * host that moved is admitted from the next round on.  Main thread, or that of the round;
 * heal_allow_admits() any thread.
 */
#ifndef HEAL_ALLOW_H
#define HEAL_ALLOW_H

#include "conf/conf.h"

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long a start or a push waits for host names to be looked up. */
#define HEAL_ALLOW_LOOKUP_MS 700

struct heal_allow;

/* An empty allow-list for list, which is borrowed.  NULL when memory is short. */
struct heal_allow *heal_allow_new(const struct conf_list *list);
void heal_allow_free(struct heal_allow *allow);

/* Look up every name, until deadline_ms (monotonic).  A name that cannot be resolved keeps its old
 * addresses.  One call at a time. */
void heal_allow_refresh(struct heal_allow *allow, int64_t deadline_ms);

/* Whether from is on the list, or a loopback address.  arg is a struct heal_allow. */
bool heal_allow_admits(void *arg, const struct sockaddr *from);

#ifdef __cplusplus
}
#endif

#endif
