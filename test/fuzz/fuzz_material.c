/* The text of a key or IV file. */
#include "entropy/material.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* material_parse is given no more than a file may have. */
#define FILE_MAX 65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t untouched[DYN_ENTROPY_BLOCK_SIZE];
	uint8_t secret[DYN_ENTROPY_BLOCK_SIZE] = {0};
	struct dyn_entropy_error err = {0};
	enum dyn_entropy_status status;

	if (size > FILE_MAX)
		return 0;
	status = material_parse(data, size, "fuzz", secret, &err);
	if (status == DYN_ENTROPY_OK) {
		/* An armour is never taken for raw text. */
		if (memcmp(secret, "-----BEGIN", 10) == 0)
			abort();
		return 0;
	}
	if (status != DYN_ENTROPY_ERR_KEY_MATERIAL || err.status != status)
		abort();
	if (strncmp(err.message, "fuzz: ", 6) != 0 ||
		memcmp(secret, untouched, sizeof(secret)) != 0)
		abort();
	return 0;
}
