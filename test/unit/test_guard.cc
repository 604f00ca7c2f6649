#include "heal/guard.h"
#include "support/owned.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

constexpr int64_t kNow = 5000000;

class HealGuard : public testing::Test
{
      protected:
	support::Owned<recent, recent_free> recent_{recent_new(1000)};
	struct heal_guard guard_ = {recent_.get(), 1000, 0};

	bool may_restore(const std::string &key)
	{
		return heal_guard_may_restore(&guard_, key.data(), key.size(), kNow);
	}
	void note(const std::string &key, int64_t at_ms)
	{
		recent_note(recent_.get(), key.data(), key.size(), at_ms);
	}
};

TEST_F(HealGuard, LeavesAloneWhatIsNewerThanTheSnapshot)
{
	note("old", kNow - heal_guard_age_ms(&guard_) - 1000);
	note("new", kNow - heal_guard_age_ms(&guard_) + 1000);
	EXPECT_TRUE(may_restore("old"));
	EXPECT_FALSE(may_restore("new"));
	EXPECT_TRUE(may_restore("never"));
}

TEST_F(HealGuard, LeavesAloneWhatTheJournalKnowsHoweverOld)
{
	note("forgotten", 1000000);
	note("known", 2000000);
	recent_hold(recent_.get(), 1500000);
	EXPECT_TRUE(may_restore("forgotten"));
	EXPECT_FALSE(may_restore("known"));
	EXPECT_TRUE(may_restore("never"));
	/* All is forgotten; what is newer than the snapshot still counts. */
	note("new", kNow - 1000);
	recent_hold(recent_.get(), kNow);
	EXPECT_TRUE(may_restore("known"));
	EXPECT_FALSE(may_restore("new"));
}

TEST_F(HealGuard, LeavesAllAloneUntilTheJournalIsThere)
{
	recent_hold(recent_.get(), RECENT_HELD_ALL);
	EXPECT_FALSE(may_restore("never"));
	recent_hold(recent_.get(), RECENT_HELD_NONE);
	EXPECT_TRUE(may_restore("never"));
}

} // namespace
