/*
 * state_path - where a node keeps its state when the configuration does not say.  Main thread.
 */
#ifndef NODE_STATE_PATH_H
#define NODE_STATE_PATH_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The path of this node's state directory: recon_state_dir, or one named after the address of the
 * node, so that two nodes of a machine have different ones.  That lies in systemd's
 * STATE_DIRECTORY, or for root in /var/lib/dynomite, or in $XDG_STATE_HOME/dynomite, or in
 * $HOME/.local/state/dynomite.  False when none of these is known, or the path is too long.
 */
bool state_path(const struct conf *c, char *path, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
