/*
 * material - the pre-shared key and IV.
 *
 * Immutable once made: any thread.
 */
#ifndef ENTROPY_MATERIAL_H
#define ENTROPY_MATERIAL_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dyn_entropy_material {
	uint8_t key[DYN_ENTROPY_BLOCK_SIZE];
	uint8_t iv[DYN_ENTROPY_BLOCK_SIZE];
};

/*
 * The 16 bytes in the text of a key or IV file (see dyn_entropy_material_load); name is used in
 * messages.  Scratch memory is wiped.
 */
enum dyn_entropy_status material_parse(const uint8_t *text, size_t len, const char *name,
	uint8_t out[DYN_ENTROPY_BLOCK_SIZE], struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
