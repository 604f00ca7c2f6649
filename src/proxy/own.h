/*
 * own - requests that this node itself makes to its datastore: to read a key, or to repair it.
 *
 * They take the key's lane, so that they keep their order with the writes of the key.  proxy.h has
 * the public function, proxy_ask().  Event loop's thread.
 */
#ifndef PROXY_OWN_H
#define PROXY_OWN_H

#include "proxy/call.h"
#include "proxy/write.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void own_init(struct call_list *own, int64_t timeout_ms);

/* If the call is of this kind, note what became of it, and return true. */
bool own_note_fate(struct call *c, enum write_fate fate);

#ifdef __cplusplus
}
#endif

#endif
