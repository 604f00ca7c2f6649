/*
 * engine - the running node: it owns everything, starts it in order and stops it in reverse.
 *
 *     proxy -> healer -> event loop
 *
 * The event loop runs in the main thread, and the proxy in it; the healer has threads of its own.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "cluster/ring.h"
#include "conf/conf.h"
#include "entropy/dynentropy.h"
#include "heal/settings.h"
#include "heal/targets.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engine;

/* What was loaded and found good; all of it is borrowed. */
struct engine_options {
	const struct conf *conf;
	const struct ring *ring;            /* NULL: there is no listen, and so no proxy */
	const struct heal_settings *heal;   /* NULL: no entropy channel */
	const struct heal_targets *targets; /* of the channel, as the ring sees them */
	dyn_entropy_cancel *cancel;         /* set when the engine stops */
};

/* Binds and connects.  NULL, with a message logged, on failure. */
struct engine *engine_new(const struct engine_options *options);

/* Run until SIGTERM or SIGINT.  False, with a message logged, when it could not start. */
bool engine_run(struct engine *e);

/* Release it; NULL is harmless.  engine_run() has returned. */
void engine_free(struct engine *e);

#ifdef __cplusplus
}
#endif

#endif
