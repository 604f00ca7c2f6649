#include "journal/stamp.h"

#include <gtest/gtest.h>

TEST(Stamp, HoldsItsParts)
{
	const uint64_t s = stamp_make(123456789, 1023, 4095);

	EXPECT_EQ(stamp_ms(s), 123456789u);
	EXPECT_EQ(stamp_node(s), 1023u);
	EXPECT_EQ(s & STAMP_COUNTER_MAX, 4095u);
	EXPECT_EQ(stamp_epoch(s), 123456789u >> STAMP_EPOCH_MS_BITS);
	EXPECT_LT(s, stamp_make(123456790, 0, 0));
}

TEST(Stamp, GrowsWithinAMillisecondAndWhenTheClockStepsBack)
{
	stamp_clock c = {0, 7};
	uint64_t last = stamp_draw(&c, 1000);

	EXPECT_EQ(last, stamp_make(1000, 7, 0));
	for (int i = 0; i < 10000; i++) {
		const uint64_t now = i < 5000 ? 1000 : 10;
		const uint64_t s = stamp_draw(&c, now);

		ASSERT_GT(s, last);
		ASSERT_EQ(stamp_node(s), 7u);
		last = s;
	}
	/* 4096 of a millisecond, then the next. */
	EXPECT_EQ(stamp_ms(last), 1000u + 10000 / 4096);
}

TEST(Stamp, IsGreaterThanAnySeen)
{
	stamp_clock c = {0, 7};

	for (uint32_t node : {3u, 7u, 9u}) {
		const uint64_t seen = stamp_make(5000, node, 4095);

		ASSERT_TRUE(stamp_see(&c, seen, 1000));
		const uint64_t s = stamp_draw(&c, 1000);
		EXPECT_GT(s, seen);
		EXPECT_EQ(stamp_node(s), 7u);
	}
}

TEST(Stamp, DoesNotFollowAClockFarAhead)
{
	stamp_clock c = {0, 7};
	const uint64_t edge = stamp_make(1000 + STAMP_AHEAD_MAX_MS, 3, 0);

	EXPECT_TRUE(stamp_see(&c, edge, 1000));
	EXPECT_FALSE(stamp_see(&c, stamp_make(1001 + STAMP_AHEAD_MAX_MS, 3, 0), 1000));
	EXPECT_EQ(c.last, edge);
}
