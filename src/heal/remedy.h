/*
 * remedy - adds the key of dynomite.yml to an error of the library.
 *
 * The library names settings as its header does; an operator knows them as keys of the file.
 */
#ifndef HEAL_REMEDY_H
#define HEAL_REMEDY_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Add " (KEY)" to err's message when a setting caused it; cut if too long.  Any thread. */
void heal_remedy_add(struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
