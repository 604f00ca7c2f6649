#include "unit/recon_pair.h"

#include "recon/message.h"

#include <gtest/gtest.h>

using namespace recon_pair;

namespace
{

class ReconSession : public testing::Test
{
      protected:
	Node a{0}, b{1};

	/* Time goes on until what was written can be compared. */
	void wait_ms(uint64_t ms = 20000)
	{
		for (Node *n : {&a, &b}) {
			n->now.wall_ms += ms;
			n->now.mono_ms += ms;
		}
	}
	void both_write(const std::string &key, const char *value)
	{
		const uint64_t stamp = a.draw();

		EXPECT_EQ(a.write(key, stamp, value), RECON_CARRY_OUT);
		EXPECT_EQ(b.write(key, stamp, value), RECON_CARRY_OUT);
	}
	void expect_equal_after_session()
	{
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done()) << recon_session_reason(p.at_a.get()) << ", "
				      << recon_session_reason(p.at_b.get());
		EXPECT_EQ(a.data, b.data);
	}
	void forget()
	{
		recon_core_forget(a.core.get(), a.now);
		recon_core_forget(b.core.get(), b.now);
	}
};

TEST_F(ReconSession, ReadsNothingWhereTheSameWasWritten)
{
	for (int i = 0; i < 50; i++)
		both_write("key:" + std::to_string(i), "value");
	wait_ms();
	{
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done());
		EXPECT_EQ(p.counts().keys, 0u);
	}
	Pair p(b, a);
	p.run();
	EXPECT_TRUE(p.done());
	EXPECT_LT(p.sent_by_a.size() + p.sent_by_b.size(), 300u) << "all is settled";
	EXPECT_EQ(a.n_reads + b.n_reads, 0u);
}

TEST_F(ReconSession, BringsAMissedWrite)
{
	both_write("k", "old");
	a.write("k", a.draw(), "new");
	b.write("only b", b.draw(), "there");
	wait_ms();
	expect_equal_after_session();
	EXPECT_EQ(b.data["k"], "new");
	EXPECT_EQ(a.data["only b"], "there");
	EXPECT_EQ(a.n_applied + b.n_applied, 2u) << "what differed, and nothing else";
}

TEST_F(ReconSession, LetsADeleteStayDeleted)
{
	both_write("k", "old");
	b.write("k", b.draw(), nullptr);
	wait_ms();
	expect_equal_after_session();
	EXPECT_EQ(a.data.count("k"), 0u);
}

TEST_F(ReconSession, LetsTheNewestOfTwoWritesWin)
{
	const uint64_t first = a.draw();

	a.write("k", first, "first");
	b.now.wall_ms += 5;
	b.write("k", b.draw(), "second");
	wait_ms();
	expect_equal_after_session();
	EXPECT_EQ(a.data["k"], "second");
}

TEST_F(ReconSession, ForgetsOnceBothHaveSaidThatTheySettled)
{
	a.write("k", a.draw(), "new");
	wait_ms();
	expect_equal_after_session();
	forget();
	EXPECT_EQ(a.n_entries() + b.n_entries(), 2u) << "none has said anything yet";
	for (int i = 0; i < 3; i++) {
		wait_ms();
		expect_equal_after_session();
		forget();
	}
	EXPECT_EQ(a.n_entries() + b.n_entries(), 0u);
	EXPECT_EQ(b.data["k"], "new");
}

TEST_F(ReconSession, LeavesAKeyThatChangedMeanwhile)
{
	a.write("k", a.draw(), "new");
	wait_ms();
	b.holds_back = true;
	{
		Pair p(a, b);

		while (b.reads.empty() && p.step())
			;
		ASSERT_FALSE(b.reads.empty());
		b.answer_reads(); /* it was read, and is written now */
		b.write("k", b.draw(), "newer");
		b.holds_back = false;
		p.run();
		EXPECT_TRUE(p.done());
		EXPECT_EQ(p.counts().changed, 1u);
	}
	EXPECT_EQ(b.data["k"], "newer") << "no repair undoes a write";
	wait_ms();
	expect_equal_after_session();
	EXPECT_EQ(a.data["k"], "newer");
}

TEST_F(ReconSession, ListsWhatRedisRefusesAndSettlesIt)
{
	a.write("module", a.draw(), "odd");
	b.refuses = "module";
	wait_ms();
	{
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done());
		EXPECT_EQ(p.counts().unsettled, 1u);
	}
	ASSERT_EQ(b.unsettled.size(), 1u);
	EXPECT_EQ(b.unsettled[0].second, RECON_REFUSED);
	for (int i = 0; i < 3; i++) {
		wait_ms();
		Pair p(a, b);

		p.run();
		forget();
	}
	EXPECT_EQ(a.n_entries() + b.n_entries(), 0u) << "it does not hold up its epoch";
}

TEST_F(ReconSession, CarriesValuesOfAllSizesWithinTheWindow)
{
	recon_session_options o{};

	for (int i = 0; i < 200; i++)
		a.write("key:" + std::to_string(i), a.draw(),
			std::string(static_cast<size_t>(i) * 1000, 'x').c_str());
	for (int i = 200; i < 300; i++)
		b.write("key:" + std::to_string(i), b.draw(),
			std::string(static_cast<size_t>(i) * 1000, 'y').c_str());
	wait_ms();
	o.window = 3;
	o.held_bytes = 1000;
	Pair p(a, b, o);
	while (p.step(100000))
		;
	EXPECT_TRUE(p.done());
	EXPECT_EQ(a.data, b.data);
	EXPECT_EQ(p.counts().keys, 300u);
	EXPECT_EQ(p.counts().repaired, 100u);
	EXPECT_EQ(p.counts().given, 200u);
}

TEST_F(ReconSession, SendsNoMoreValuesAtATimeThanItMayHold)
{
	recon_session_options o{};
	size_t most = 0;

	for (int i = 0; i < 50; i++)
		a.write("key:" + std::to_string(i), a.draw(), std::string(10000, 'x').c_str());
	wait_ms();
	o.held_bytes = 15000;
	Pair p(a, b, o);
	do {
		size_t queued = 0;

		for (const std::string &bytes : p.to_b)
			queued += bytes.size();
		most = std::max(most, queued);
	} while (p.step(100000));
	EXPECT_TRUE(p.done());
	EXPECT_EQ(a.data, b.data);
	EXPECT_LT(most, 30000u);
}

TEST_F(ReconSession, LeavesLargerValuesThanItMaySend)
{
	recon_session_options o{};

	a.write("large", a.draw(), "12345678");
	wait_ms();
	o.value_bytes = 7;
	Pair p(a, b, o);
	p.run();
	EXPECT_TRUE(p.done());
	EXPECT_EQ(b.data.count("large"), 0u);
	ASSERT_EQ(a.unsettled.size(), 1u);
	EXPECT_EQ(a.unsettled[0].second, RECON_TOO_LARGE);
}

/* ---- Every key ---- */

TEST(ReconFull, GivesAnEmptyNodeEverything)
{
	Node a(0), b(1, RECON_BEHIND);

	for (int i = 0; i < 3000; i++)
		a.data["key:" + std::to_string(i)] = "value " + std::to_string(i);
	Pair p(b, a);
	p.run();
	EXPECT_TRUE(p.done());
	EXPECT_TRUE(p.counts().was_full);
	EXPECT_EQ(a.data, b.data);
	EXPECT_EQ(recon_core_standing(b.core.get()), RECON_INTACT) << "it has caught up";
}

TEST(ReconFull, DeletesWhatANodeThatIsBehindHasTooMuch)
{
	Node a(0), b(1, RECON_BEHIND);

	b.data["deleted long ago"] = "value";
	Pair p(a, b);
	p.run();
	EXPECT_TRUE(p.done());
	EXPECT_EQ(b.data.count("deleted long ago"), 0u);
}

TEST(ReconFull, OnlyFillsInAnUnknownDataset)
{
	Node a(0), b(1, RECON_UNKNOWN);

	a.data["both"] = "a's";
	b.data["both"] = "b's";
	b.data["only b"] = "b's";
	a.data["only a"] = "a's";
	a.now.wall_ms -= 60000;
	a.write("deleted", a.draw(), "x");
	a.write("deleted", a.draw(), nullptr);
	a.now.wall_ms += 60000;
	b.data["deleted"] = "b's";
	for (Node *n : {&a, &b})
		n->now.wall_ms += 20000;
	{
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done());
		EXPECT_TRUE(p.counts().was_full);
	}
	EXPECT_EQ(a.data["only b"], "b's");
	EXPECT_EQ(b.data["only a"], "a's");
	EXPECT_EQ(a.data["both"], "a's");
	EXPECT_EQ(b.data["both"], "b's");
	EXPECT_EQ(b.data["deleted"], "b's");
	EXPECT_EQ(a.unsettled.size(), 2u) << "both conflicts are listed";
	Pair again(a, b);
	again.run();
	EXPECT_FALSE(again.counts().was_full) << "once is enough";
}

TEST(ReconFull, AnUnknownNodeBecomesIntactAndSettlesWhatItLacked)
{
	Node a(0), b(1, RECON_UNKNOWN);

	a.write("k", a.draw(), "a's"); /* before b's journal began, for all that b knows */
	b.data["k"] = "b's";
	for (int i = 0; i < 6; i++) {
		for (Node *n : {&a, &b}) {
			n->now.wall_ms += 20000;
			n->now.mono_ms += 20000;
		}
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done());
		recon_core_forget(a.core.get(), a.now);
	}
	EXPECT_EQ(a.n_entries(), 0u);
	EXPECT_EQ(recon_core_standing(b.core.get()), RECON_INTACT);
	EXPECT_EQ(b.data["k"], "b's");
	EXPECT_EQ(a.data["k"], "a's");
}

/* ---- Ends ---- */

TEST_F(ReconSession, EndsWhenTheOtherSaysNothing)
{
	Pair p(a, b);

	a.now.mono_ms = recon_session_deadline(p.at_a.get());
	recon_session_tick(p.at_a.get(), a.now);
	EXPECT_EQ(recon_session_state(p.at_a.get()), RECON_SESSION_RUNNING)
		<< "it says that it waits";
	a.now.mono_ms += 3000;
	recon_session_tick(p.at_a.get(), a.now);
	EXPECT_EQ(recon_session_state(p.at_a.get()), RECON_SESSION_FAILED);
	EXPECT_STREQ(
		recon_session_reason(p.at_a.get()), "the other node said nothing for too long");
}

TEST_F(ReconSession, RefusesAnotherShare)
{
	Node other(1, RECON_INTACT, 2);
	Pair p(a, other);

	p.run();
	EXPECT_EQ(recon_session_state(p.at_a.get()), RECON_SESSION_FAILED);
	EXPECT_EQ(recon_session_state(p.at_b.get()), RECON_SESSION_FAILED);
}

TEST_F(ReconSession, RefusesAMessageOutOfPlace)
{
	for (unsigned type = 0; type < 256; type++) {
		Pair p(a, b);
		const uint8_t bytes[] = {0, 0, 0, 0, static_cast<uint8_t>(type)};

		recon_session_take(p.at_b.get(), bytes, sizeof(bytes), b.now);
		EXPECT_EQ(recon_session_state(p.at_b.get()) == RECON_SESSION_RUNNING,
			type == RECON_WAITING)
			<< type;
	}
}

TEST_F(ReconSession, HasOneSessionOfEachRoleWithAPeer)
{
	recon_session_options o{};

	o.peer = 1;
	o.is_dialer = true;
	Session first(recon_session_new(a.core.get(), &o, a.now));
	EXPECT_NE(first, nullptr);
	EXPECT_EQ(recon_session_new(a.core.get(), &o, a.now), nullptr);
	o.is_dialer = false;
	Session second(recon_session_new(a.core.get(), &o, a.now));
	EXPECT_NE(second, nullptr);
	first.reset();
	o.is_dialer = true;
	first.reset(recon_session_new(a.core.get(), &o, a.now));
	EXPECT_NE(first, nullptr);
}

TEST_F(ReconSession, RecordsARepairThatOutlivesItsSession)
{
	a.write("k", a.draw(), "new");
	wait_ms();
	{
		Pair p(b, a);

		while (b.n_applied == 0 && p.step())
			;
		EXPECT_EQ(b.n_applied, 1u);
	}
	const journal_chain c = journal_look(recon_core_journal(b.core.get()), "k", 1);
	EXPECT_EQ(c.n, 1u);
	EXPECT_EQ(c.under_way, 0u);
}

/* ---- The write path ---- */

TEST_F(ReconSession, RefusesWritesTooLateAndTooFarAhead)
{
	const uint64_t now = a.now.wall_ms;

	EXPECT_EQ(a.write("k", stamp_make(now - max_delay_ms - 1, 1, 0), "v"), RECON_TOO_LATE);
	EXPECT_EQ(a.write("k", stamp_make(now + STAMP_AHEAD_MAX_MS + 1, 1, 0), "v"), RECON_TOO_FAR);
	EXPECT_EQ(a.write("k", stamp_make(now, 1, 0), "v"), RECON_CARRY_OUT);
	EXPECT_EQ(a.write("k", stamp_make(now - 5, 1, 0), "v"), RECON_DO_NOTHING);
	EXPECT_EQ(a.data["k"], "v");
}

TEST_F(ReconSession, LeavesDoubtWhereRedisDidNotAnswer)
{
	both_write("k", "old");
	const recon_write second{"k", 1, a.draw(), JOURNAL_UPDATE, false, 0};
	ASSERT_EQ(recon_core_write(a.core.get(), &second, a.now), RECON_CARRY_OUT);
	recon_core_answered(a.core.get(), &second, RECON_UNSURE);
	const journal_chain c = journal_look(recon_core_journal(a.core.get()), "k", 1);
	ASSERT_EQ(c.n, 1u);
	EXPECT_LT(c.entries[0].newest, second.stamp) << "nobody may take it for granted";
	EXPECT_TRUE(c.entries[0].mixed);
	EXPECT_EQ(c.under_way, 0u);
}

/* ---- What the node shows and is asked ---- */

TEST_F(ReconSession, SaysUpToWhenAllIsSettled)
{
	const uint64_t epoch_ms = UINT64_C(1) << STAMP_EPOCH_MS_BITS;
	const auto until = [&] { return recon_core_settled_until(a.core.get(), b.bit, a.now); };
	const uint64_t written_ms = a.now.wall_ms;

	a.write("missed", a.draw(), "value");
	wait_ms();
	EXPECT_LE(until(), written_ms) << "the write is not settled";
	EXPECT_GT(until() + epoch_ms, written_ms) << "what is older is";
	expect_equal_after_session();
	EXPECT_LE(until(), a.now.wall_ms - close_ms);
	EXPECT_GT(until() + epoch_ms, a.now.wall_ms - close_ms) << "all but what is too recent";
	a.write("recent", a.draw(), "value");
	EXPECT_GT(until() + epoch_ms, a.now.wall_ms - close_ms)
		<< "a write of now does not make it older";
}

TEST_F(ReconSession, ComparesEveryKeyWhenItIsWanted)
{
	a.data["by hand"] = "value"; /* no journal knows of it */
	wait_ms();
	{
		Pair p(a, b);

		p.run();
		EXPECT_TRUE(p.done());
		EXPECT_EQ(b.data.count("by hand"), 0u);
	}
	EXPECT_FALSE(recon_core_needs_full(a.core.get(), b.bit));
	recon_core_want_full(a.core.get(), b.bit, true);
	EXPECT_TRUE(recon_core_needs_full(a.core.get(), b.bit));
	EXPECT_EQ(recon_core_settled_until(a.core.get(), b.bit, a.now), 0u);
	/* Whoever dials. */
	Pair p(b, a);
	p.run();
	EXPECT_TRUE(p.done());
	EXPECT_TRUE(p.counts().was_full);
	EXPECT_EQ(b.data, a.data);
	recon_core_want_full(a.core.get(), b.bit, false);
	EXPECT_FALSE(recon_core_needs_full(a.core.get(), b.bit));
	EXPECT_GT(recon_core_settled_until(a.core.get(), b.bit, a.now), 0u);
}

} // namespace
