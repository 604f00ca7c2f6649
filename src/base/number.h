/*
 * number - parses and writes decimal numbers.
 *
 * Input needs no terminating NUL.  Blanks and plus signs are not accepted.  Any thread.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NUMBER_DIGITS_MAX 20 /* of a number below 2^64; of a negative one with its sign */

enum number_status {
	NUMBER_OK = 0,
	NUMBER_EMPTY,    /* no digit */
	NUMBER_GARBAGE,  /* other characters than digits */
	NUMBER_OVERFLOW, /* only digits, but the number is above max */
};

/* Parse all of bytes as a number of 0..max.  *value is set only with NUMBER_OK. */
enum number_status number_read(const void *bytes, size_t len, uint64_t max, uint64_t *value);

/* The same with an optional minus sign in front, of INT64_MIN..INT64_MAX. */
enum number_status number_read_signed(const void *bytes, size_t len, int64_t *value);

/*
 * Parse the digits at the start of bytes; anything may follow.  *used is their number, set in any
 * case.  Never NUMBER_GARBAGE.
 */
enum number_status number_read_front(
	const void *bytes, size_t len, uint64_t max, uint64_t *value, size_t *used);

#define NUMBER_BAD SIZE_MAX

/*
 * Parse the digits at the start of bytes, which must have no leading zero.  Returns their number,
 * or NUMBER_BAD for a leading zero or a number above max.  If that is len, more digits may follow.
 * For protocols whose bytes arrive in pieces; inline for speed.
 */
static inline size_t number_read_shortest(
	const uint8_t *bytes, size_t len, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;
	size_t at;

	if (len > 1 && bytes[0] == '0' && (unsigned)bytes[1] - '0' <= 9)
		return NUMBER_BAD;
	for (at = 0; at < len; at++) {
		unsigned digit = (unsigned)bytes[at] - '0';

		if (digit > 9)
			break;
		if (__builtin_mul_overflow(n, 10U, &n) || __builtin_add_overflow(n, digit, &n) ||
			n > max)
			return NUMBER_BAD;
	}
	*value = n;
	return at;
}

/* Write n without a NUL; to has room for NUMBER_DIGITS_MAX.  Returns the number of bytes. */
size_t number_write_long(uint8_t *to, uint64_t n);

static inline size_t number_write(void *to, uint64_t n)
{
	if (n > 9)
		return number_write_long((uint8_t *)to, n);
	*(uint8_t *)to = (uint8_t)('0' + n);
	return 1;
}

#ifdef __cplusplus
}
#endif

#endif
