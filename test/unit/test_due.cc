#include "heal/due.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace
{

constexpr int64_t kInterval = 300000, kSettle = 16000;

class Due : public testing::Test
{
      protected:
	void SetUp() override
	{
		due_.reset(heal_due_new(1, kInterval, kSettle, 7));
		ASSERT_NE(due_, nullptr);
	}

	/* The time of the first push at or after now, which then begins and ends so. */
	int64_t push(enum heal_due_end end, int64_t takes = 0)
	{
		const int64_t at = heal_due_next_ms(due_.get());

		EXPECT_TRUE(heal_due_is(due_.get(), 0, at));
		EXPECT_FALSE(heal_due_is(due_.get(), 0, at - 1)) << "it was due before";
		heal_due_began(due_.get(), 0, at);
		heal_due_ended(due_.get(), 0, end, at + takes);
		return at;
	}
	/* It comes and goes: how many pushes begin until then. */
	int flap(int64_t period, int64_t until)
	{
		int pushes = 0;

		for (int64_t now = 0; now < until; now += 100) {
			if (now % period == 0)
				heal_due_back(due_.get(), 0, now);
			if (!heal_due_is(due_.get(), 0, now))
				continue;
			heal_due_began(due_.get(), 0, now);
			heal_due_ended(due_.get(), 0, HEAL_DUE_COMPLETE, now);
			pushes++;
		}
		return pushes;
	}
	struct Free {
		void operator()(struct heal_due *d) const
		{
			free(d);
		}
	};
	std::unique_ptr<struct heal_due, Free> due_;
};

TEST_F(Due, NothingIsDueAtFirstAndAllIsAtTheInterval)
{
	due_.reset(heal_due_new(2, kInterval, kSettle, 7));
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
	EXPECT_FALSE(heal_due_is(due_.get(), 0, kInterval));
	heal_due_all(due_.get(), 5);
	for (const size_t i : {0u, 1u}) {
		EXPECT_FALSE(heal_due_is(due_.get(), i, 4));
		EXPECT_TRUE(heal_due_is(due_.get(), i, 5));
	}
}

TEST_F(Due, OneThatIsBusyIsNotPushedToBesides)
{
	due_.reset(heal_due_new(2, kInterval, kSettle, 7));
	heal_due_all(due_.get(), 5);
	heal_due_began(due_.get(), 0, 5);
	EXPECT_FALSE(heal_due_is(due_.get(), 0, 6));
	EXPECT_TRUE(heal_due_is(due_.get(), 1, 6));
	heal_due_all(due_.get(), 7);
	heal_due_ended(due_.get(), 0, HEAL_DUE_COMPLETE, 8);
	EXPECT_FALSE(heal_due_is(due_.get(), 0, 9)) << "the round that passed it by is made up for";
	/* But what it missed meanwhile, the push under way may have passed. */
	heal_due_began(due_.get(), 0, 10);
	heal_due_back(due_.get(), 0, 11);
	EXPECT_FALSE(heal_due_is(due_.get(), 0, 11 + HEAL_DUE_FIRST_MS));
	heal_due_ended(due_.get(), 0, HEAL_DUE_COMPLETE, 20);
	EXPECT_TRUE(heal_due_is(due_.get(), 0, 11 + HEAL_DUE_FIRST_MS));
}

TEST_F(Due, AFailureIsTriedAgainLaterAndLater)
{
	int64_t last, wait = HEAL_DUE_FIRST_MS;

	heal_due_all(due_.get(), 0);
	last = push(HEAL_DUE_FAILED, 50) + 50;
	for (int i = 0; i < 12; i++) {
		const int64_t at = push(HEAL_DUE_FAILED);

		EXPECT_LE(at - last, wait) << i;
		EXPECT_GE(at - last, wait * 3 / 4) << i;
		last = at;
		wait = std::min(2 * wait, kInterval);
	}
	EXPECT_EQ(wait, kInterval);
	/* After a success it begins with the first wait again. */
	push(HEAL_DUE_COMPLETE);
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
	heal_due_all(due_.get(), last + kInterval);
	last = push(HEAL_DUE_FAILED);
	EXPECT_LE(push(HEAL_DUE_FAILED) - last, HEAL_DUE_FIRST_MS);
}

TEST_F(Due, NodesThatFailedTogetherDoNotComeTogether)
{
	std::vector<int64_t> at;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		due_.reset(heal_due_new(1, kInterval, 0, seed * 1000003));
		heal_due_all(due_.get(), 0);
		push(HEAL_DUE_FAILED);
		at.push_back(push(HEAL_DUE_FAILED));
	}
	std::sort(at.begin(), at.end());
	EXPECT_GT(at.back() - at.front(), HEAL_DUE_FIRST_MS / 10);
}

TEST_F(Due, WhatATargetRefusesIsNotSentAgainBeforeTheInterval)
{
	heal_due_all(due_.get(), 0);
	push(HEAL_DUE_FAILED);
	push(HEAL_DUE_REFUSED);
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
}

TEST_F(Due, ANodeThatIsBackIsPushedToSoonAndOnceMoreWhenItsGuardIsOver)
{
	heal_due_back(due_.get(), 0, 100);
	EXPECT_EQ(push(HEAL_DUE_COMPLETE), 100 + HEAL_DUE_FIRST_MS);
	EXPECT_EQ(push(HEAL_DUE_COMPLETE), 100 + HEAL_DUE_FIRST_MS + kSettle);
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
}

TEST_F(Due, APushThatBeganAfterItWasBackServesIt)
{
	heal_due_back(due_.get(), 0, 100);
	heal_due_all(due_.get(), 200);
	EXPECT_EQ(push(HEAL_DUE_COMPLETE), 200);
	/* The repetition is left, and any push that begins late enough is one. */
	EXPECT_EQ(heal_due_next_ms(due_.get()), 100 + HEAL_DUE_FIRST_MS + kSettle);
	heal_due_all(due_.get(), 100 + kSettle);
	EXPECT_EQ(push(HEAL_DUE_COMPLETE), 100 + kSettle);
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
}

TEST_F(Due, ATargetThatIsHeldStaysDue)
{
	heal_due_hold(due_.get(), 0, true);
	heal_due_all(due_.get(), 100);
	heal_due_back(due_.get(), 0, 100);
	EXPECT_FALSE(heal_due_is(due_.get(), 0, 1000000));
	EXPECT_EQ(heal_due_next_ms(due_.get()), HEAL_DUE_NEVER);
	heal_due_hold(due_.get(), 0, false);
	EXPECT_EQ(push(HEAL_DUE_COMPLETE), 100);
}

TEST_F(Due, ANodeThatComesAndGoesIsNotSentTheSameAgainAndAgain)
{
	const int pushes = flap(3000, 120000);

	EXPECT_GE(pushes, 3);
	EXPECT_LE(pushes, 9) << "it was back 40 times";
	/* When it has stayed up for an interval, it is served at once again. */
	heal_due_all(due_.get(), 1000000);
	push(HEAL_DUE_COMPLETE);
	heal_due_back(due_.get(), 0, 2000000);
	EXPECT_EQ(heal_due_next_ms(due_.get()), 2000000 + HEAL_DUE_FIRST_MS);
}

} // namespace
