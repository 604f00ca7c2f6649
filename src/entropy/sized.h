/*
 * sized - structs that cross the border of the library with their size, so that they can grow.
 *
 * Each begins with size_t struct_size, which the program set when it was compiled: it may know
 * fewer members than the library, or more.  Any thread.
 */
#ifndef ENTROPY_SIZED_H
#define ENTROPY_SIZED_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Copy what the program knows of an options struct over *to, which has size bytes and holds what
 * stands for the members that the program does not know.  DYN_ENTROPY_ERR_CONFIG, naming the struct
 * as name, where struct_size was not set, or where the program has set what this version does not
 * know.
 */
enum dyn_entropy_status sized_in(
	void *to, size_t size, const void *from, const char *name, struct dyn_entropy_error *err);

/* Fill in a program's result, of which it has struct_size bytes, from one of size bytes.  Its
 * struct_size stays. */
void sized_out(void *to, const void *from, size_t size);

#ifdef __cplusplus
}
#endif

#endif
