#include "heal/remedy.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *setting, *key;
} keys[] = {
	{"accept", "recon_accept"},
	{"allow", "recon_allow"},
	{"encrypt", "recon_encrypt"},
	{"max_connections", "recon_max_connections"},
	{"max_snapshot_bytes", "recon_max_snapshot_bytes"},
};

void heal_remedy_add(struct dyn_entropy_error *err)
{
	size_t len = strlen(err->message);

	for (size_t i = 0; err->setting && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].setting, err->setting) == 0)
			snprintf(err->message + len, sizeof(err->message) - len, " (%s)",
				keys[i].key);
}
