/*
 * settings - translates a loaded dynomite.yml into the library's configuration.
 *
 * The engine and dyn-entropy both use it, so that a file means the same to both.  Main thread.
 */
#ifndef HEAL_SETTINGS_H
#define HEAL_SETTINGS_H

#include "conf/conf.h"
#include "conf/conf_report.h"
#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heal_settings {
	const struct conf *conf;          /* borrowed */
	struct dyn_entropy_config config; /* borrows from conf; peer_endpoint is NULL */
	dyn_entropy_material *material;   /* owned; NULL when nothing is encrypted */
	struct dyn_entropy_redis redis;   /* the node's own Redis; borrows from conf */
	struct dyn_entropy_source_options source;
	enum dyn_entropy_accept accept;
};

/*
 * Translate and check: ranges, key material, the sample key.  Adds errors to report; true when
 * there are none.  cancel is borrowed and may be NULL.  Call heal_settings_fini() in either case.
 */
bool heal_settings_init(struct heal_settings *s, const struct conf *conf,
	dyn_entropy_cancel *cancel, struct conf_report *report);
void heal_settings_fini(struct heal_settings *s);

/* Which keys a source gives, as in dyn_entropy_source_options; zeros: all. */
struct heal_source_keys {
	bool (*owns)(void *arg, const void *key, size_t len);
	void *owns_arg;
	bool (*is_changed)(void *arg, const void *key, size_t len);
	void *is_changed_arg;
};

/* The source that conf names, over the node's own Redis. */
enum dyn_entropy_status heal_settings_open_source(const struct heal_settings *s,
	const struct heal_source_keys *keys, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
