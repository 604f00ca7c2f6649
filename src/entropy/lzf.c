#include "entropy/lzf.h"

#include <string.h>

#define LITERAL_MAX 32 /* a control byte below it is a run of (itself + 1) literal bytes */
#define LENGTH_MORE                                                                                \
	7 /* this length in a back reference's control byte: another byte adds to it               \
	   */

bool lzf_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	const uint8_t *in_end = in + in_len;
	size_t at = 0;

	while (in < in_end) {
		size_t control = *in++;
		size_t len, distance;

		if (control < LITERAL_MAX) {
			len = control + 1;
			if (len > (size_t)(in_end - in) || len > out_len - at)
				return false;
			memcpy(out + at, in, len);
			in += len;
			at += len;
			continue;
		}
		len = control >> 5;
		if (len == LENGTH_MORE) {
			if (in == in_end)
				return false;
			len += *in++;
		}
		len += 2;
		if (in == in_end)
			return false;
		distance = ((control & 0x1f) << 8) + *in++ + 1;
		if (distance > at || len > out_len - at)
			return false;
		/* Byte by byte: source and target may overlap, which repeats a pattern. */
		for (; len > 0; len--, at++)
			out[at] = out[at - distance];
	}
	return at == out_len;
}
