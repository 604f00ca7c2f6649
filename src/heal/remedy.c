#include "heal/remedy.h"

#include "conf/conf_key.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *setting;
	enum conf_key_id key;
} keys[] = {
	{"accept", CONF_KEY_RECON_ACCEPT},
	{"allow", CONF_KEY_RECON_ALLOW},
	{"encrypt", CONF_KEY_RECON_ENCRYPT},
	{"max_connections", CONF_KEY_RECON_MAX_CONNECTIONS},
	{"max_snapshot_bytes", CONF_KEY_RECON_MAX_SNAPSHOT_BYTES},
	{"refuse_version_1", CONF_KEY_RECON_PROTOCOL},
	{"take_version_2", CONF_KEY_RECON_PROTOCOL},
};

void heal_remedy_add(struct dyn_entropy_error *err)
{
	size_t len = strlen(err->message);

	for (size_t i = 0; err->setting && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].setting, err->setting) == 0)
			snprintf(err->message + len, sizeof(err->message) - len, " (%s)",
				conf_key_name(keys[i].key));
}
