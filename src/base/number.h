/*
 * number - decimal numbers as bytes: read, wherever they stand, and written.
 *
 * Bytes need no NUL behind them.  Nothing is passed over: neither blanks nor a plus sign.  Any
 * thread.
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
	NUMBER_EMPTY,    /* there is no digit */
	NUMBER_GARBAGE,  /* there is something else than digits */
	NUMBER_OVERFLOW, /* digits alone, of a number beyond max */
};

/* The whole of bytes as a number of 0..max.  *value is set only with NUMBER_OK. */
enum number_status number_read(const void *bytes, size_t len, uint64_t max, uint64_t *value);

/* The same with an optional minus sign in front, of INT64_MIN..INT64_MAX. */
enum number_status number_read_signed(const void *bytes, size_t len, int64_t *value);

/*
 * The digits that bytes begin with, whatever stands behind them: *used is how many there are, set
 * in any case.  Never NUMBER_GARBAGE.
 */
enum number_status number_read_front(
	const void *bytes, size_t len, uint64_t max, uint64_t *value, size_t *used);

#define NUMBER_BAD SIZE_MAX

/*
 * The digits that bytes begin with, as short as the number can be written: returns how many they
 * are, or NUMBER_BAD for a leading zero or a number beyond max.  When it is len, more may follow.
 * For protocols whose bytes come in pieces; here, so that it costs no call.
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

/* Write n without a NUL; to has room for NUMBER_DIGITS_MAX.  Returns how many bytes. */
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
