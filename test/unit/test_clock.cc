#include "base/clock.h"

#include <climits>
#include <ctime>
#include <gtest/gtest.h>

TEST(Clock, Agrees)
{
	const int64_t us = clock_monotonic_us(), ms = clock_monotonic_ms();

	EXPECT_GE(ms, us / 1000);
	EXPECT_LT(ms - us / 1000, 5000);
	EXPECT_NEAR(static_cast<double>(clock_wall_ms()) / 1e3, static_cast<double>(time(nullptr)),
		5.0);
}

TEST(Clock, TheCoarseOnesAreNeverAheadAndHardlyLate)
{
	const int64_t before = clock_monotonic_ms(), before_wall = clock_wall_ms();
	const int64_t coarse = clock_monotonic_coarse_ms(), wall = clock_wall_coarse_ms();

	EXPECT_LE(coarse, clock_monotonic_ms());
	EXPECT_GE(coarse, before - 20);
	EXPECT_NEAR((double)wall, (double)before_wall, 5000);
	EXPECT_GE(wall, before_wall - 20);
}

TEST(Clock, Deadlines)
{
	const int64_t now = clock_monotonic_ms();

	EXPECT_GE(clock_deadline_ms(1000), now + 1000);
	EXPECT_LT(clock_deadline_ms(1000), now + 6000);
	for (int64_t far : {CLOCK_NEVER, CLOCK_NEVER - 1, CLOCK_NEVER - now})
		EXPECT_EQ(clock_deadline_ms(far), CLOCK_NEVER);
}

TEST(Clock, PollTimeouts)
{
	EXPECT_EQ(clock_poll_timeout(CLOCK_NEVER), -1);
	EXPECT_EQ(clock_poll_timeout(0), 0);
	EXPECT_EQ(clock_poll_timeout(clock_monotonic_ms()), 0);
	EXPECT_EQ(clock_poll_timeout(CLOCK_NEVER - 1), INT_MAX);
	const int left = clock_poll_timeout(clock_deadline_ms(60000));
	EXPECT_GT(left, 50000);
	EXPECT_LE(left, 60000);
}
