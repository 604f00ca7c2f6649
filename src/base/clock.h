/*
 * clock - the two clocks of the program.
 *
 * Deadlines and durations use the monotonic clock; only what leaves the process (log lines, expiry
 * times of keys) uses the wall clock.  Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Microseconds and milliseconds on the monotonic clock, from an arbitrary origin. */
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ms(void);

/* Milliseconds since the Unix epoch. */
int64_t clock_wall_ms(void);

/* The same at a fraction of the price, up to 10 ms late. */
int64_t clock_monotonic_coarse_ms(void);
int64_t clock_wall_coarse_ms(void);

/* A point in time on the monotonic clock, in milliseconds. */
#define CLOCK_NEVER INT64_MAX

/* The point timeout_ms from now. */
int64_t clock_deadline_ms(int64_t timeout_ms);

/* The time left until deadline_ms as a poll(2) timeout: 0 once it has passed, -1 for CLOCK_NEVER.
 */
int clock_poll_timeout(int64_t deadline_ms);

#ifdef __cplusplus
}
#endif

#endif
