/*
 * refused - writes that another rack refuses.
 *
 * If the local rack refuses a write as well, it is at fault itself.  If it carries it out, the
 * other rack lacks a script, a permission or the value that the write needs, and has missed it.
 * Which of these it is can be told when both have answered.  Event loop's thread.
 */
#ifndef PROXY_REFUSED_H
#define PROXY_REFUSED_H

#include "proxy/call.h"
#include "proxy/write.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proxy;

/* The leg of a write, of another rack, got an error reply, with which it ends: report its fate now,
 * or once the local rack's is known. */
void refused_elsewhere(
	struct proxy *p, size_t node, const struct leg *leg, const struct reply *reply);

/* The local rack's fate of a part is known: report those that waited for it. */
void refused_decide(struct proxy *p, struct part *part, enum write_fate local);

/* Release those that still wait; the call ends. */
void refused_drop(struct part *part);

#ifdef __cplusplus
}
#endif

#endif
