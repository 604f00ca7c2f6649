/*
 * settings - what several readers of a struct dyn_entropy_config take out of it.
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
 * A program's configuration, whatever version it was built with, checked.  material may be NULL
 * only where nothing is encrypted.
 */
enum dyn_entropy_status settings_take(struct dyn_entropy_config *to,
	const struct dyn_entropy_config *from, const dyn_entropy_material *material,
	struct dyn_entropy_error *err);

/* send_addr, with port 0; DYN_ENTROPY_ERR_CONFIG when it is no host, or has a port. */
enum dyn_entropy_status settings_send_addr(
	const char *send_addr, struct addr *out, struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
