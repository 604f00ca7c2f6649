/*
 * cancel - a flag that threads can also wait for.  Any thread.
 */
#ifndef ENTROPY_CANCEL_H
#define ENTROPY_CANCEL_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A descriptor that is readable from the moment c is set, for poll(2); -1 for NULL. */
int cancel_fd(const dyn_entropy_cancel *c);

/* Sleep until deadline_us (clock_monotonic_us) or until c (may be NULL) is set; true when it was
 * set. */
bool cancel_sleep_until(const dyn_entropy_cancel *c, int64_t deadline_us);

#ifdef __cplusplus
}
#endif

#endif
