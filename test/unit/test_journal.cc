#include "journal/journal.h"

#include "journal/stamp.h"
#include "support/owned.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using Owned = support::Owned<journal, journal_free>;

/* In epoch e, the n-th write. */
uint64_t at(uint64_t e, uint64_t n, uint32_t node = 1)
{
	return stamp_make((e << STAMP_EPOCH_MS_BITS) + n, node, 0);
}

class Journal : public testing::Test
{
      protected:
	Owned j{journal_new(1)};

	static journal_record of(journal_action action, const std::string &key, uint64_t stamp,
		journal_kind kind = JOURNAL_UPDATE)
	{
		journal_record r{};

		r.action = action;
		r.key = key.data();
		r.len = key.size();
		r.stamp = stamp;
		r.kind = kind;
		return r;
	}
	void act(journal_action action, const std::string &key, uint64_t stamp,
		journal_kind kind = JOURNAL_UPDATE, bool mixed = false)
	{
		journal_record r = of(action, key, stamp, kind);

		r.mixed = mixed;
		ASSERT_TRUE(journal_do(j.get(), &r));
	}
	void take(const std::string &key, uint64_t stamp, journal_kind kind = JOURNAL_UPDATE,
		bool mixed = false)
	{
		act(JOURNAL_SENT, key, stamp, kind, mixed);
		act(JOURNAL_TAKEN, key, stamp, kind);
	}
	void agree(journal_action action, uint32_t peer, uint32_t epoch, uint64_t sum)
	{
		journal_record r{};

		r.action = action;
		r.peer = peer;
		r.epoch = epoch;
		r.sum = sum;
		ASSERT_TRUE(journal_do(j.get(), &r));
	}
	journal_verdict arrival(
		const std::string &key, uint64_t stamp, journal_kind kind = JOURNAL_UPDATE)
	{
		return journal_arrival(j.get(), key.data(), key.size(), stamp, kind);
	}
	journal_chain look(const std::string &key)
	{
		return journal_look(j.get(), key.data(), key.size());
	}
	uint64_t sum(uint32_t epoch)
	{
		const journal_epoch *e = journal_find_epoch(j.get(), epoch);

		return e ? e->sum : 0;
	}
	void repair(const std::string &key, const std::vector<journal_entry> &entries)
	{
		journal_record r = of(JOURNAL_REPAIR, key, entries.empty() ? 0 : entries[0].newest);

		ASSERT_TRUE(journal_do(j.get(), &r));
		r.action = JOURNAL_REPAIRED;
		r.entries = entries.data();
		r.n_entries = entries.size();
		ASSERT_TRUE(journal_do(j.get(), &r));
	}
	std::vector<journal_entry> entries(const std::string &key)
	{
		const journal_chain c = look(key);

		return std::vector<journal_entry>(c.entries, c.entries + c.n);
	}
};

TEST_F(Journal, CountsWhatRedisTookAndNothingElse)
{
	take("a", at(5, 1));
	act(JOURNAL_SENT, "b", at(5, 2));
	EXPECT_EQ(look("a").n, 1u);
	EXPECT_EQ(look("b").n, 0u);
	EXPECT_EQ(look("b").under_way, 1u);
	act(JOURNAL_WITHDRAWN, "b", at(5, 2));
	EXPECT_EQ(look("b").under_way, 0u);
	EXPECT_EQ(journal_n_entries(j.get()), 1u);
}

TEST_F(Journal, HasEqualSumsForTheSameWritesInAnyOrder)
{

	Owned other(journal_new(1));

	take("a", at(5, 1));
	take("a", at(5, 2));
	take("b", at(5, 3));
	const uint64_t first = sum(5);
	j.swap(other);
	take("b", at(5, 3));
	take("a", at(5, 2));
	EXPECT_NE(sum(5), first);
	take("a", at(5, 1));
	EXPECT_EQ(sum(5), first);
}

TEST_F(Journal, TellsAMissedUpdateThatOthersFollowed)
{
	Owned other(journal_new(1));

	for (const uint64_t n : {UINT64_C(1), UINT64_C(2), UINT64_C(3)})
		take("a", at(5, n));
	const uint64_t whole = sum(5);
	j.swap(other);
	take("a", at(5, 1));
	take("a", at(5, 3));
	EXPECT_EQ(look("a").entries[0].newest, at(5, 3));
	EXPECT_NE(sum(5), whole);
}

TEST_F(Journal, SaysWhatToDoWithAnOlderWrite)
{
	take("a", at(5, 10), JOURNAL_OVERWRITE);
	take("a", at(5, 20), JOURNAL_UPDATE);
	EXPECT_EQ(arrival("a", at(5, 9), JOURNAL_UPDATE), JOURNAL_COUNT);
	EXPECT_EQ(arrival("a", at(5, 9), JOURNAL_DELETE), JOURNAL_COUNT);
	EXPECT_EQ(arrival("a", at(5, 15), JOURNAL_UPDATE), JOURNAL_CARRY_OUT_MIXED);
	EXPECT_EQ(arrival("a", at(5, 15), JOURNAL_DELETE), JOURNAL_COUNT_MIXED);
	EXPECT_EQ(arrival("a", at(5, 21), JOURNAL_DELETE), JOURNAL_CARRY_OUT);
	EXPECT_EQ(arrival("other", at(1, 1), JOURNAL_DELETE), JOURNAL_CARRY_OUT);
}

TEST_F(Journal, LetsAnOlderWriteWaitForWhatIsUnderWay)
{
	act(JOURNAL_SENT, "a", at(5, 10));
	EXPECT_EQ(arrival("a", at(5, 9)), JOURNAL_WAIT);
	EXPECT_EQ(arrival("a", at(5, 11)), JOURNAL_CARRY_OUT);
	act(JOURNAL_TAKEN, "a", at(5, 10));
	EXPECT_EQ(arrival("a", at(5, 9)), JOURNAL_CARRY_OUT_MIXED);
	act(JOURNAL_REPAIR, "a", at(5, 10));
	EXPECT_EQ(arrival("a", at(5, 11)), JOURNAL_WAIT);
}

TEST_F(Journal, LeavesWhatARepairHasBrought)
{
	take("other", at(5, 10), JOURNAL_OVERWRITE);
	take("other", at(5, 12));
	repair("a", entries("other"));
	EXPECT_EQ(arrival("a", at(5, 12)), JOURNAL_LEAVE);
	EXPECT_EQ(arrival("a", at(5, 11)), JOURNAL_LEAVE_MIXED);
	EXPECT_EQ(arrival("a", at(5, 9)), JOURNAL_LEAVE);
	EXPECT_EQ(arrival("a", at(5, 13)), JOURNAL_CARRY_OUT);
	act(JOURNAL_LEFT, "a", at(5, 11));
	EXPECT_TRUE(look("a").entries[0].mixed);
	/* Newer writes since do not make it new: it must not be carried out twice. */
	take("a", at(5, 20));
	EXPECT_EQ(arrival("a", at(5, 12)), JOURNAL_LEAVE);
}

TEST_F(Journal, ClearsDoubtByANewerOverwrite)
{
	take("a", at(5, 10), JOURNAL_UPDATE, true);
	take("a", at(6, 10));
	EXPECT_TRUE(look("a").entries[1].mixed);
	take("a", at(6, 9), JOURNAL_OVERWRITE);
	EXPECT_TRUE(look("a").entries[1].mixed) << "it was not the newest";
	take("a", at(6, 11), JOURNAL_OVERWRITE);
	EXPECT_FALSE(look("a").entries[0].mixed);
	EXPECT_FALSE(look("a").entries[1].mixed);
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->n_mixed, 0u);
}

TEST_F(Journal, SettlesASumAndNothingElse)
{
	take("a", at(5, 10));
	agree(JOURNAL_SETTLED, 3, 5, sum(5) + 1);
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->settled, 0u);
	agree(JOURNAL_SETTLED, 3, 5, sum(5));
	agree(JOURNAL_SAID, 4, 5, sum(5));
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->settled, 1u << 3);
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->said, 1u << 4);
	take("b", at(5, 11)); /* another sum */
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->settled, 0u);
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->said, 0u);
}

TEST_F(Journal, ReopensAnEpochWhoseContentARepairReplaced)
{
	take("a", at(5, 10), JOURNAL_UPDATE, true);
	agree(JOURNAL_SETTLED, 3, 5, sum(5));
	const uint64_t before = sum(5);
	repair("a", entries("a")); /* the same chain, another content */
	EXPECT_EQ(sum(5), before);
	EXPECT_EQ(journal_find_epoch(j.get(), 5)->settled, 0u);
	EXPECT_NE(journal_find_epoch(j.get(), 5)->repairs, 0u);
}

TEST_F(Journal, ForgetsWithoutATrace)
{
	take("a", at(5, 10));
	take("a", at(6, 10));
	take("b", at(5, 11));
	journal_record r{};
	r.action = JOURNAL_FORGOT;
	r.epoch = 5;
	ASSERT_TRUE(journal_do(j.get(), &r));
	EXPECT_EQ(look("a").n, 1u);
	EXPECT_EQ(look("b").n, 0u);
	EXPECT_EQ(journal_find_epoch(j.get(), 5), nullptr);
	EXPECT_EQ(journal_forgotten(j.get()), 5u);
	/* And takes nothing of it back. */
	take("a", at(5, 12));
	repair("b", {journal_entry{at(5, 1), 0, 1, 5, 1, false}});
	EXPECT_EQ(journal_n_entries(j.get()), 1u);
}

TEST_F(Journal, HoldsManyKeys)
{
	for (int i = 0; i < 20000; i++)
		take("key:" + std::to_string(i), at(5 + static_cast<uint64_t>(i) % 3, 1));
	EXPECT_EQ(journal_n_entries(j.get()), 20000u);
	for (int i = 0; i < 20000; i += 997)
		EXPECT_EQ(look("key:" + std::to_string(i)).n, 1u);
	size_t n = 0;
	journal_each(
		j.get(),
		[](void *arg, const void *, size_t, const journal_chain *) {
			++*static_cast<size_t *>(arg);
		},
		&n);
	EXPECT_EQ(n, 20000u);
}

/* ---- Which of two is right ---- */

struct Side {
	std::vector<journal_entry> entries;
	journal_side side{};

	Side(std::vector<journal_entry> e, uint64_t digest, uint32_t rack = 0)
	    : entries(std::move(e))
	{
		side.chain = {entries.data(), entries.size(), 0, 0, 0};
		side.digest = digest;
		side.is_home = !entries.empty() && stamp_node(entries[0].newest) == rack;
	}
};

journal_winner decide(Side a, Side b)
{
	const journal_winner w = journal_decide(&a.side, &b.side);
	const journal_winner back = journal_decide(&b.side, &a.side);

	/* Both sides come to the same. */
	EXPECT_EQ(w == JOURNAL_CONFLICT, back == JOURNAL_CONFLICT);
	EXPECT_EQ(w == JOURNAL_FIRST, back == JOURNAL_SECOND);
	return w;
}

journal_entry entry(uint64_t newest, uint32_t count = 1, bool mixed = false)
{
	return {newest, 0, newest * 3 + count, stamp_epoch(newest), count, mixed};
}

TEST(JournalDecide, TheNewerWins)
{
	EXPECT_EQ(decide({{entry(at(5, 2))}, 1}, {{entry(at(5, 1), 9)}, 2}), JOURNAL_FIRST);
	EXPECT_EQ(decide({{entry(at(5, 2), 1, true)}, 1}, {{entry(at(5, 1))}, 2}), JOURNAL_FIRST);
	EXPECT_EQ(decide({{entry(at(5, 2))}, 0}, {{}, 2}), JOURNAL_FIRST) << "a delete too";
}

TEST(JournalDecide, OfEqualOnesTheOneWithoutDoubtThenTheFuller)
{
	EXPECT_EQ(decide({{entry(at(5, 2))}, 1}, {{entry(at(5, 2), 9, true)}, 2}), JOURNAL_FIRST);
	EXPECT_EQ(decide({{entry(at(5, 2), 3)}, 1}, {{entry(at(5, 2), 2)}, 2}), JOURNAL_FIRST);
	EXPECT_EQ(decide({{entry(at(5, 2, 7))}, 1, 7}, {{entry(at(5, 2, 7))}, 2, 3}), JOURNAL_FIRST)
		<< "the rack that it was written in";
	EXPECT_EQ(decide({{entry(at(5, 2))}, 2}, {{entry(at(5, 2))}, 1}), JOURNAL_FIRST);
}

TEST(JournalDecide, WhatTheOtherHasForgottenLoses)
{
	Side a({entry(at(5, 2))}, 1), b({}, 0), c({}, 0);

	b.side.forgotten = 5;
	EXPECT_EQ(decide(a, b), JOURNAL_SECOND);
	c.side.forgotten = 4;
	EXPECT_EQ(decide(a, c), JOURNAL_FIRST);
	b.side.behind = true; /* it forgot, and lost what it had */
	EXPECT_EQ(decide(a, b), JOURNAL_FIRST);
}

TEST(JournalDecide, WithoutEntriesTheOneThatLostNothing)
{
	Side a({}, 1), b({}, 2), none({}, 0);

	EXPECT_EQ(decide(a, b), JOURNAL_CONFLICT);
	EXPECT_EQ(decide(a, none), JOURNAL_FIRST) << "filled in";
	a.side.behind = true;
	EXPECT_EQ(decide(a, b), JOURNAL_SECOND);
	EXPECT_EQ(decide(a, none), JOURNAL_SECOND) << "also about what is gone";
}

TEST(JournalDecide, AnUnknownDatasetIsOnlyFilledIn)
{
	Side unknown({}, 1), empty({}, 0), other({}, 2), none({}, 0);
	Side old_value({entry(at(5, 2))}, 2), old_delete({entry(at(5, 2))}, 0),
		new_delete({entry(at(6, 2))}, 0);

	for (Side *side : {&unknown, &empty}) {
		side->side.behind = true;
		side->side.unknown = 5;
	}
	EXPECT_EQ(decide(unknown, other), JOURNAL_CONFLICT);
	EXPECT_EQ(decide(unknown, old_value), JOURNAL_CONFLICT);
	EXPECT_EQ(decide(unknown, old_delete), JOURNAL_CONFLICT) << "not deleted";
	EXPECT_EQ(decide(unknown, new_delete), JOURNAL_SECOND) << "its journal would have it";
	EXPECT_EQ(decide(unknown, none), JOURNAL_FIRST);
	EXPECT_EQ(decide(empty, other), JOURNAL_SECOND);
	EXPECT_EQ(decide(empty, old_value), JOURNAL_SECOND);
}

} // namespace
