/*
 * watch - checked regularly by long work: whether it was cancelled, and a callback for its
 * progress.
 *
 * A zeroed struct has neither.  One thread at a time.
 */
#ifndef ENTROPY_WATCH_H
#define ENTROPY_WATCH_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct watch {
	const dyn_entropy_cancel *cancel; /* borrowed, may be NULL */
	void (*tick)(void *arg);          /* may be NULL */
	void *tick_arg;
};

/* Report progress; true when the work is cancelled.  w may be NULL. */
static inline bool watch_look(const struct watch *w)
{
	if (w && w->tick)
		w->tick(w->tick_arg);
	return w && dyn_entropy_cancel_is_set(w->cancel);
}

#ifdef __cplusplus
}
#endif

#endif
