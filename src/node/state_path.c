#include "node/state_path.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_DIR "/var/lib/dynomite"
#define NAME_BYTES 300

/* A variable of the environment with an absolute path; NULL: none. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

/* A name for the node, from its address.  Two addresses may give the same one: the directory's lock
 * keeps the nodes apart. */
static void name_node(const struct conf *c, char name[NAME_BYTES])
{
	const char *address = c->dyn_listen     ? c->dyn_listen
			      : c->recon_listen ? c->recon_listen
						: c->listen;

	snprintf(name, NAME_BYTES, "node-%s", address ? address : "");
	for (char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '.')
			*at = '-';
}

bool state_path(const struct conf *c, char *path, size_t cap)
{
	const char *base, *below = "/dynomite";
	char name[NAME_BYTES];
	int len;

	if (c->recon_state_dir) {
		len = snprintf(path, cap, "%s", c->recon_state_dir);
		return len < (int)cap;
	}
	name_node(c, name);
	base = variable("STATE_DIRECTORY");
	if (base) {
		len = (int)strcspn(base, ":"); /* systemd may list several */
		len = snprintf(path, cap, "%.*s/%s", len, base, name);
		return len < (int)cap;
	}
	if (geteuid() == 0) {
		base = SYSTEM_DIR;
		below = "";
	} else if (!(base = variable("XDG_STATE_HOME"))) {
		base = variable("HOME");
		below = "/.local/state/dynomite";
	}
	if (!base)
		return false;
	len = snprintf(path, cap, "%s%s/%s", base, below, name);
	return len < (int)cap;
}
