/*
 * consistency - how many racks must answer a request: the levels and their names.
 *
 * Used by the configuration, /set_consistency and the proxy; quorum.h describes each level.  Any
 * thread.
 */
#ifndef BASE_CONSISTENCY_H
#define BASE_CONSISTENCY_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum consistency {
	CONSISTENCY_DC_ONE,
	CONSISTENCY_DC_QUORUM,
	CONSISTENCY_DC_SAFE_QUORUM,
	CONSISTENCY_DC_EACH_SAFE_QUORUM,
};

#define CONSISTENCY_LEVELS 4

/* "DC_ONE" and so on, by level. */
extern const char *const consistency_names[CONSISTENCY_LEVELS];

/* "DC_ONE" and so on. */
const char *consistency_name(enum consistency level);

/* Parse "dc_one" and so on, in any case; false when text is not a level. */
bool consistency_parse(const char *text, enum consistency *level);

#ifdef __cplusplus
}
#endif

#endif
