/*
 * setup - load and check a dynomite.yml: the values, the ring, the entropy channel.
 *
 * Both the node and dyn-entropy load files here, so that a file means the same to both and all its
 * errors are reported at once.  Main thread.
 */
#ifndef SETUP_H
#define SETUP_H

#include "cluster/ring.h"
#include "conf/conf.h"
#include "conf/conf_report.h"
#include "entropy/dynentropy.h"
#include "heal/settings.h"
#include "heal/targets.h"
#include "proxy/proxy_options.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct setup {
	struct conf *conf;         /* NULL: the file could not be read */
	struct ring *ring;         /* NULL: no listen */
	struct heal_settings heal; /* of the channel */
	struct heal_targets targets;
	bool sound; /* there is no error, except perhaps in the channel */
};

/* Command-line settings that replace those of the file before anything is checked; each may be NULL
 * or false. */
struct setup_options {
	const char *key_file, *iv_file;
	bool plaintext;
	bool with_recon;   /* check the channel even where recon_enabled is false */
	bool channel_only; /* do not check what connections between nodes need */
};

/*
 * Load the file and check all of it.  Errors are added to report: check conf_report_is_good().
 * options and cancel are borrowed and may be NULL.  Call setup_fini() in any case.
 */
void setup_load(struct setup *s, const char *path, const struct setup_options *options,
	dyn_entropy_cancel *cancel, struct conf_report *report);
void setup_fini(struct setup *s);

/*
 * The ring that c describes, or NULL after adding its errors to report.  Release it with
 * ring_free().  If c has values that were refused, the ring is NULL or must not be used.
 */
struct ring *setup_ring(const struct conf *c, struct conf_report *report);

/* The options of the proxy from c, which has no errors and has a listen.  They borrow from c; the
 * caller fills in the hooks. */
struct proxy_options setup_proxy_options(const struct conf *c);

#ifdef __cplusplus
}
#endif

#endif
