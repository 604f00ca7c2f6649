/*
 * remedy - the keys of dynomite.yml behind the library's errors.
 *
 * The library names its settings as its header does; an operator knows them as keys of the file.
 */
#ifndef HEAL_REMEDY_H
#define HEAL_REMEDY_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Add " (KEY)" to err's message where a setting decided it; what is too long is cut.  Any thread.
 */
void heal_remedy_add(struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
