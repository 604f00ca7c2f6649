#include "base/number.h"

#include <string.h>

enum number_status number_read_front(
	const void *bytes, size_t len, uint64_t max, uint64_t *value, size_t *used)
{
	const uint8_t *digits = bytes;
	enum number_status status = NUMBER_OK;
	uint64_t n = 0;
	size_t at;

	for (at = 0; at < len; at++) {
		unsigned digit = (unsigned)digits[at] - '0';

		if (digit > 9)
			break;
		if (status != NUMBER_OK || __builtin_mul_overflow(n, 10U, &n) ||
			__builtin_add_overflow(n, digit, &n) || n > max)
			status = NUMBER_OVERFLOW;
	}
	*used = at;
	if (at == 0)
		return NUMBER_EMPTY;
	if (status == NUMBER_OK)
		*value = n;
	return status;
}

enum number_status number_read(const void *bytes, size_t len, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;
	size_t used;
	enum number_status status = number_read_front(bytes, len, max, &n, &used);

	if (used < len)
		return NUMBER_GARBAGE;
	if (status == NUMBER_OK)
		*value = n;
	return status;
}

enum number_status number_read_signed(const void *bytes, size_t len, int64_t *value)
{
	const uint8_t *digits = bytes;
	unsigned minus = len > 0 && digits[0] == '-';
	uint64_t n = 0;
	enum number_status status =
		number_read(digits + minus, len - minus, (uint64_t)INT64_MAX + minus, &n);

	if (status == NUMBER_OK)
		*value = (int64_t)(minus ? 0 - n : n);
	return status;
}

size_t number_write_long(uint8_t *to, uint64_t n)
{
	uint8_t digits[NUMBER_DIGITS_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}
