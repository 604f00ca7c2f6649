/*
 * engine - the running node: owns all parts, starts them in order and stops them in reverse.
 *
 *     proxy -> healer -> event loop
 *
 * The event loop, with the proxy, runs in the main thread; the healer has threads of its own.  All
 * functions: main thread.
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

/* The configuration, checked; all of it is borrowed until engine_free(). */
struct engine_options {
	const struct conf *conf;
	const struct ring *ring;            /* NULL: no listen, so no proxy */
	const struct heal_settings *heal;   /* NULL: no entropy channel */
	const struct heal_targets *targets; /* of the channel */
	dyn_entropy_cancel *cancel;         /* set when the engine stops */
};

/* Create the parts and bind their listeners.  NULL, with a message logged, on failure. */
struct engine *engine_new(const struct engine_options *options);

/* Run until SIGTERM or SIGINT.  False, with a message logged, when it could not start. */
bool engine_run(struct engine *e);

/* Release it, after engine_run() has returned; NULL is harmless. */
void engine_free(struct engine *e);

#ifdef __cplusplus
}
#endif

#endif
