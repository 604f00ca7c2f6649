#include "base/consistency.h"

#include <stddef.h>
#include <strings.h>

const char *const consistency_names[CONSISTENCY_LEVELS] = {
	[CONSISTENCY_DC_ONE] = "DC_ONE",
	[CONSISTENCY_DC_QUORUM] = "DC_QUORUM",
	[CONSISTENCY_DC_SAFE_QUORUM] = "DC_SAFE_QUORUM",
	[CONSISTENCY_DC_EACH_SAFE_QUORUM] = "DC_EACH_SAFE_QUORUM",
};

const char *consistency_name(enum consistency level)
{
	return consistency_names[level];
}

bool consistency_parse(const char *text, enum consistency *level)
{
	for (size_t i = 0; i < CONSISTENCY_LEVELS; i++) {
		if (strcasecmp(text, consistency_names[i]) == 0) {
			*level = (enum consistency)i;
			return true;
		}
	}
	return false;
}
