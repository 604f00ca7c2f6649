/*
 * sized - public structs that carry their size, so that later versions can extend them.
 *
 * Each begins with size_t struct_size, which the program set at compile time: it may know
 * fewer members than the library, or more.  Any thread.
 */
#ifndef ENTROPY_SIZED_H
#define ENTROPY_SIZED_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Copy the program's options struct over *to, which has size bytes and holds the defaults for
 * members that the program does not know.  DYN_ENTROPY_ERR_CONFIG, naming the struct as name, when
 * struct_size is not set, or the program has set members that this version does not know.
 */
enum dyn_entropy_status sized_in(
	void *to, size_t size, const void *from, const char *name, struct dyn_entropy_error *err);

/* Copy a result of size bytes to the program's, up to its struct_size, which stays. */
void sized_out(void *to, const void *from, size_t size);

#ifdef __cplusplus
}
#endif

#endif
