#include "cluster/ring.h"

#define MULTIPLIER UINT32_C(0x5bd1e995)
#define SEED       UINT32_C(0xdeadbeef) /* times the length */

uint32_t ring_murmur(const void *key, size_t len)
{
	const uint8_t *at = key, *end = at + len / 4 * 4;
	uint32_t hash = SEED * (uint32_t)len ^ (uint32_t)len;

	for (; at < end; at += 4) {
		uint32_t word = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
				(uint32_t)at[3] << 24;

		word *= MULTIPLIER;
		word ^= word >> 24;
		hash = hash * MULTIPLIER ^ word * MULTIPLIER;
	}
	if (len % 4) {
		for (size_t i = 0; i < len % 4; i++)
			hash ^= (uint32_t)at[i] << 8 * i;
		hash *= MULTIPLIER;
	}
	hash ^= hash >> 13;
	hash *= MULTIPLIER;
	return hash ^ hash >> 15;
}
