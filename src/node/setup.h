/*
 * setup - what a dynomite.yml asks for, loaded and checked: the values, the ring, the channel.
 *
 * The node and dyn-entropy both go through here, so that a file means the same to both, and all
 * that is wrong with it is told at once.  Main thread.
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
	bool sound; /* nothing is wrong but with the channel, if that */
};

/* What a command line says instead of the file, before anything is checked.  May be NULL. */
struct setup_options {
	const char *key_file, *iv_file;
	bool plaintext;
	bool with_recon;   /* check the channel, also where recon_enabled is false */
	bool channel_only; /* leave out what the links between nodes need */
};

/*
 * Load the file and check all of it.  Adds what is wrong to report; all is well when that is good
 * (conf_report_is_good()).  cancel is borrowed and may be NULL.  Call setup_fini() in either case.
 */
void setup_load(struct setup *s, const char *path, const struct setup_options *options,
	dyn_entropy_cancel *cancel, struct conf_report *report);
void setup_fini(struct setup *s);

/*
 * The ring that c describes, or NULL after adding to report what is wrong with it.  c may have been
 * loaded partly: the ring is NULL then, or one that must not be used.
 */
struct ring *setup_ring(const struct conf *c, struct conf_report *report);

/* What c, which is good and has a listen, asks of the proxy.  Borrows from c; the hooks are the
 * caller's to fill. */
struct proxy_options setup_proxy_options(const struct conf *c);

#ifdef __cplusplus
}
#endif

#endif
