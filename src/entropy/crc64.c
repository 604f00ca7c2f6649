#include "entropy/crc64.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

/* x^64 + ... + 1 as in 0xAD93D23594C935A9, bit-reversed. */
#define POLYNOMIAL UINT64_C(0x95AC9329AC4BC9B5)
#define SLICES     8

/* slices[k][b]: the checksum of byte b followed by k zero bytes. */
static uint64_t slices[SLICES][256];
static pthread_once_t slices_once = PTHREAD_ONCE_INIT;

static void fill_slices(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		slices[0][b] = crc;
	}
	for (unsigned b = 0; b < 256; b++)
		for (int k = 1; k < SLICES; k++) {
			uint64_t crc = slices[k - 1][b];

			slices[k][b] = slices[0][crc & 0xff] ^ crc >> 8;
		}
}

uint64_t crc64_update(uint64_t crc, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	pthread_once(&slices_once, fill_slices);
	for (; len >= SLICES; at += SLICES, len -= SLICES) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		crc ^= le64toh(word);
		crc = slices[7][crc & 0xff] ^ slices[6][crc >> 8 & 0xff] ^
		      slices[5][crc >> 16 & 0xff] ^ slices[4][crc >> 24 & 0xff] ^
		      slices[3][crc >> 32 & 0xff] ^ slices[2][crc >> 40 & 0xff] ^
		      slices[1][crc >> 48 & 0xff] ^ slices[0][crc >> 56];
	}
	for (; len > 0; at++, len--)
		crc = slices[0][(crc ^ *at) & 0xff] ^ crc >> 8;
	return crc;
}
