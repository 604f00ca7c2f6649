#include "repair/reach.h"

#include <gtest/gtest.h>

#include <vector>

namespace
{

TEST(Reach, WithoutEntriesItReachesBackToNow)
{
	struct reach r;

	reach_begin(&r, 1000);
	EXPECT_EQ(r.since_ms, 1000);
	reach_look(&r, 0, 0, 2000);
	EXPECT_EQ(r.since_ms, 2000);
}

TEST(Reach, StaysUntilTheEpochsOfThatTimeAreForgotten)
{
	struct reach r;

	reach_begin(&r, 1000);
	reach_look(&r, 5, 5, 2000);
	EXPECT_EQ(r.since_ms, 1000) << "the entry was made after it began";
	reach_look(&r, 5, 5, 3000);
	reach_look(&r, 5, 7, 4000);
	EXPECT_EQ(r.since_ms, 1000);
	reach_look(&r, 6, 7, 5000);
	EXPECT_EQ(r.since_ms, 3000) << "until then there was nothing newer than what is forgotten";
	reach_look(&r, 7, 7, 6000);
	EXPECT_EQ(r.since_ms, 3000) << "an entry of epoch 7 may be as old as that";
	reach_look(&r, 8, 8, 7000);
	EXPECT_EQ(r.since_ms, 6000);
}

TEST(Reach, AnOlderEpochThatComesLaterIsNotPassed)
{
	struct reach r;

	reach_begin(&r, 1000);
	reach_look(&r, 9, 9, 2000);
	/* Of a node whose clock is behind. */
	reach_look(&r, 8, 9, 3000);
	reach_look(&r, 8, 9, 4000);
	EXPECT_EQ(r.since_ms, 1000);
	reach_look(&r, 10, 10, 5000);
	EXPECT_EQ(r.since_ms, 4000);
}

/* However many epochs there are, nothing that has an entry is older than what it says. */
TEST(Reach, NeverForgetsAnEntryThatIsThere)
{
	struct reach r;
	std::vector<int64_t> noted; /* of the entry of each epoch */
	uint32_t oldest = 1;

	reach_begin(&r, 0);
	for (uint32_t newest = 1; newest < 2000; newest++) {
		noted.push_back(newest * 1000);
		/* Nothing is forgotten for long, then nearly all at once, then most again. */
		if (newest == 1000)
			oldest = 900;
		if (newest > 1500)
			oldest = newest - 3;
		reach_look(&r, oldest, newest, newest * 1000 + 1);
		ASSERT_LE(r.since_ms, noted[oldest - 1]) << newest;
	}
	EXPECT_GE(r.since_ms, noted[oldest - 1] - 5000) << "it follows closely in the end";
}

} // namespace
