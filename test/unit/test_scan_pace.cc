#include "entropy/scan_pace.h"

#include <gtest/gtest.h>

namespace
{

constexpr int64_t kRtt = 50;

/* A Redis that needs so long for a key; the batch that was asked for comes back. */
struct Redis {
	scan_pace pace;
	int64_t now = 1000;

	explicit Redis(uint64_t max_rate)
	{
		scan_pace_init(&pace, max_rate, kRtt);
	}

	/* Returns how long Redis was busy with it. */
	int64_t batch(int64_t us_per_key, uint64_t bytes_per_key = 100)
	{
		scan_pace_batch b = {};

		if (now < pace.next_us)
			now = pace.next_us;
		b.keys = pace.batch;
		b.bytes = b.keys * bytes_per_key;
		b.largest_bytes = bytes_per_key;
		b.begin_us = now;
		now += kRtt + us_per_key * b.keys;
		b.end_us = now;
		scan_pace_done(&pace, &b);
		return b.end_us - b.begin_us;
	}
};

TEST(ScanPace, GrowsToItsLimitAndNoFurther)
{
	for (uint64_t rate : {UINT64_C(0), UINT64_C(1000000000)}) {
		Redis r(rate);

		EXPECT_EQ(r.pace.batch, 1u) << "the first may be large";
		for (int i = 0; i < 200; i++) {
			r.batch(5);
			ASSERT_GE(r.pace.batch, 1u);
			ASSERT_LE(r.pace.batch, r.pace.batch_max);
		}
		EXPECT_EQ(r.pace.batch_max, r.pace.batch);
		EXPECT_EQ(rate ? true : false, r.pace.batch_max <= 20);
	}
}

TEST(ScanPace, OccupiesRedisAtMostAFifthOfTheTime)
{
	Redis r(UINT64_C(1) << 40);
	int64_t busy = 0, begin = r.now;

	for (int i = 0; i < 1000; i++)
		busy += r.batch(i % 7 + 1);
	r.now = r.pace.next_us;
	EXPECT_LE(busy * 5, r.now - begin);
	EXPECT_GE(busy * 6, r.now - begin);
}

TEST(ScanPace, StaysUnderTheRate)
{
	constexpr uint64_t kRate = 1000000;
	Redis r(kRate);
	uint64_t bytes = 0;
	int64_t begin = r.now;

	for (int i = 0; i < 500; i++) {
		bytes += r.pace.batch * UINT64_C(10000);
		r.batch(1, 10000);
	}
	r.now = r.pace.next_us;
	const double seconds = static_cast<double>(r.now - begin) / 1e6;
	EXPECT_LE(static_cast<double>(bytes) / seconds, kRate * 1.01);
	EXPECT_GE(static_cast<double>(bytes) / seconds, kRate * 0.9);
}

TEST(ScanPace, DoesNotRestWithoutARate)
{
	Redis r(0);

	for (int i = 0; i < 100; i++) {
		r.batch(1000);
		ASSERT_LE(r.pace.next_us, r.now);
	}
}

TEST(ScanPace, ShrinksWhenRedisGetsSlowAndGrowsBack)
{
	Redis r(UINT64_C(1) << 40);

	for (int i = 0; i < 100; i++)
		r.batch(5);
	const uint32_t usual = r.pace.batch;
	r.batch(200);
	EXPECT_EQ(usual / 2, r.pace.batch);
	r.batch(200);
	EXPECT_EQ(usual / 4, r.pace.batch);
	for (int i = 0; i < 100; i++)
		r.batch(5);
	EXPECT_EQ(usual, r.pace.batch);
}

TEST(ScanPace, LargeValuesMakeItSmallUntilTheyAreForgotten)
{
	Redis r(0);

	for (int i = 0; i < 100; i++)
		r.batch(5);
	r.batch(5, 100 * 1024 * 1024);
	EXPECT_EQ(1u, r.pace.batch);
	r.batch(5);
	EXPECT_EQ(1u, r.pace.batch);
	for (int i = 0; i < 1000; i++)
		r.batch(5);
	EXPECT_EQ(r.pace.batch_max, r.pace.batch);
	r.batch(5, 1024 * 1024);
	EXPECT_EQ(4u, r.pace.batch);
}

TEST(ScanPace, AnEmptyBatchTeachesNothing)
{
	Redis r(UINT64_C(1) << 40);
	scan_pace_batch b = {};

	b.begin_us = 5;
	b.end_us = 105;
	scan_pace_done(&r.pace, &b);
	EXPECT_EQ(1u, r.pace.batch);
	EXPECT_EQ(505, r.pace.next_us);
}

} // namespace
