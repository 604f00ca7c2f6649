#include "entropy/sized.h"

#include "entropy/error.h"

#include <string.h>

/* No later struct is larger; a larger size was not initialized. */
#define SIZE_LIMIT ((size_t)64 * 1024)

static size_t size_of(const void *sized)
{
	size_t size;

	memcpy(&size, sized, sizeof(size));
	return size;
}

/* The size that both sides know. */
static size_t shared(size_t program, size_t library)
{
	return program < library ? program : library;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

enum dyn_entropy_status sized_in(
	void *to, size_t size, const void *from, const char *name, struct dyn_entropy_error *err)
{
	size_t theirs = size_of(from);

	if (theirs < sizeof(size_t) || theirs > SIZE_LIMIT)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"struct_size of a struct %s is %zu: set it to the size of the struct", name,
			theirs);
	if (theirs > size && !is_zero((const uint8_t *)from + size, theirs - size))
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"a struct %s has set what this version (%s) of libdynentropy does not "
			"know: the program needs a newer one",
			name, dyn_entropy_version());
	memcpy(to, from, shared(theirs, size));
	memcpy(to, &size, sizeof(size));
	return DYN_ENTROPY_OK;
}

void sized_out(void *to, const void *from, size_t size)
{
	size_t known = shared(size_of(to), size);

	if (known > sizeof(size_t))
		memcpy((uint8_t *)to + sizeof(size_t), (const uint8_t *)from + sizeof(size_t),
			known - sizeof(size_t));
}
