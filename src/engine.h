/*
 * engine - the running node: it owns everything, starts it in order and stops it in reverse.
 *
 *     receiver -> driver -> timer -> event loop
 *
 * The event loop runs in the main thread; the receiver has a thread of its own with its workers, a
 * round another.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "conf.h"
#include "entropy/dynentropy.h"
#include "recon.h"

#include <stdbool.h>

struct engine;

/*
 * Take a configuration that recon_init() found good; recon is NULL where the entropy channel is not
 * enabled.  Both are borrowed, as is cancel, which the engine sets when it stops.  Binds the
 * receiver.  NULL, with a message logged, on failure.
 */
struct engine *engine_new(
	const struct conf *conf, const struct recon *recon, dyn_entropy_cancel *cancel);

/* Run until SIGTERM or SIGINT.  False, with a message logged, when it could not start. */
bool engine_run(struct engine *e);

/* Everything has stopped. */
void engine_free(struct engine *e);

#endif
