/*
 * settings - checks and reads a struct dyn_entropy_config.
 *
 * Any thread.
 */
#ifndef ENTROPY_SETTINGS_H
#define ENTROPY_SETTINGS_H

#include "base/addr.h"
#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Copy and check a program's configuration, whatever version it was built with; texts are borrowed.
 * material may be NULL only where nothing is encrypted.
 */
enum dyn_entropy_status settings_take(struct dyn_entropy_config *to,
	const struct dyn_entropy_config *from, const dyn_entropy_material *material,
	struct dyn_entropy_error *err);

/* Parse send_addr, with port 0; DYN_ENTROPY_ERR_CONFIG when it is not a host, or has a port. */
enum dyn_entropy_status settings_send_addr(
	const char *send_addr, struct addr *out, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
