#include "base/clock.h"
#include "heal/ledger.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

class Ledger : public testing::Test
{
      protected:
	void SetUp() override
	{
		ledger_ = heal_ledger_new(endpoints_, 2);
		ASSERT_NE(ledger_, nullptr);
	}
	void TearDown() override
	{
		heal_ledger_free(ledger_);
	}

	void pushed(size_t target, enum dyn_entropy_status status, uint64_t keys)
	{
		/* Of another place in memory than the name we gave. */
		const std::string copy = endpoints_[target];
		struct dyn_entropy_target_report r = {};

		r.target = target;
		r.endpoint = copy.c_str();
		r.status = status;
		r.last.keys = keys;
		r.last.bytes = keys * 10;
		r.last.snapshots = 1;
		if (status != DYN_ENTROPY_OK)
			strcpy(r.message, "why");
		heal_ledger_pushed(ledger_, &r);
	}

	void received(const std::string &from, enum dyn_entropy_status status, uint64_t applied = 0,
		bool turned_away = false)
	{
		struct dyn_entropy_receive_result r = {};
		struct dyn_entropy_error err = {};

		strcpy(r.peer, from.c_str());
		r.bytes = 100;
		r.seconds = 1.5;
		r.turned_away = turned_away;
		r.applied.commands = applied + 2;
		r.applied.applied = applied;
		r.applied.kept = 1;
		r.applied.failed = 1;
		r.applied.left_alone = 2;
		err.status = status;
		strcpy(err.message, "why");
		heal_ledger_received(ledger_, status, &r, &err);
	}

	size_t senders()
	{
		struct heal_ledger_sender s;
		size_t n = 0;

		while (heal_ledger_copy_sender(ledger_, n, &s))
			n++;
		return n;
	}

	bool has_page(const std::string &address)
	{
		struct heal_ledger_sender s;

		for (size_t i = 0; heal_ledger_copy_sender(ledger_, i, &s); i++)
			if (address == s.address)
				return true;
		return false;
	}

	const char *const endpoints_[2] = {"a:1", "b:2"};
	struct heal_ledger *ledger_ = nullptr;
};

TEST_F(Ledger, SumsWhatEachPeerGot)
{
	struct heal_ledger_target p;
	const double before = double(clock_wall_ms()) / 1e3;

	pushed(1, DYN_ENTROPY_OK, 5);
	pushed(1, DYN_ENTROPY_ERR_IO, 2);
	ASSERT_TRUE(heal_ledger_copy_target(ledger_, 0, &p));
	EXPECT_STREQ(p.endpoint, "a:1");
	EXPECT_EQ(p.figures.rounds, 0u);
	EXPECT_TRUE(std::isnan(p.figures.last_round));
	EXPECT_TRUE(std::isnan(p.figures.last_seconds));
	ASSERT_TRUE(heal_ledger_copy_target(ledger_, 1, &p));
	EXPECT_EQ(p.endpoint, endpoints_[1]) << "the name that we gave, which lives on";
	EXPECT_EQ(p.figures.rounds, 2u);
	EXPECT_EQ(p.figures.rounds_failed, 1u);
	EXPECT_EQ(p.figures.keys_sent, 7u);
	EXPECT_EQ(p.figures.bytes_sent, 70u);
	EXPECT_EQ(p.figures.snapshots_sent, 2u);
	EXPECT_FALSE(p.figures.last_ok);
	EXPECT_EQ(p.figures.last_keys, 2u);
	EXPECT_EQ(p.figures.last_bytes, 20u);
	EXPECT_STREQ(p.message, "why");
	EXPECT_GE(p.figures.last_round, before);
	EXPECT_FALSE(heal_ledger_copy_target(ledger_, 2, &p));
}

TEST_F(Ledger, SumsWhatCameFromEachAddress)
{
	struct heal_ledger_sender s;

	received("10.0.0.1:4000", DYN_ENTROPY_OK, 3);
	received("10.0.0.1:4001", DYN_ENTROPY_ERR_CRYPTO, 0);
	received("[::1]:4001", DYN_ENTROPY_OK, 4);
	received("10.0.0.1:4002", DYN_ENTROPY_OK, 5);
	ASSERT_EQ(senders(), 2u);
	ASSERT_TRUE(heal_ledger_copy_sender(ledger_, 0, &s));
	EXPECT_STREQ(s.address, "10.0.0.1") << "whatever port it came from";
	EXPECT_EQ(s.figures.snapshots_committed, 2u);
	EXPECT_EQ(s.figures.connections_failed, 1u);
	EXPECT_EQ(s.figures.bytes_received, 200u) << "of what was applied whole";
	EXPECT_EQ(s.figures.commands, 14u);
	EXPECT_EQ(s.figures.applied, 8u);
	EXPECT_EQ(s.figures.kept, 3u);
	EXPECT_EQ(s.figures.failed, 3u);
	EXPECT_EQ(s.figures.left_alone, 6u);
	EXPECT_TRUE(s.last_ok);
	EXPECT_STREQ(s.message, "") << "of the last one, which went well";
	EXPECT_EQ(s.figures.last_seconds, 1.5);
	ASSERT_TRUE(heal_ledger_copy_sender(ledger_, 1, &s));
	EXPECT_STREQ(s.address, "::1");
	received("[::1]:4001", DYN_ENTROPY_ERR_SINK);
	ASSERT_TRUE(heal_ledger_copy_sender(ledger_, 1, &s));
	EXPECT_STREQ(s.message, "why");
}

TEST_F(Ledger, TotalsCountEachEventOnce)
{
	struct heal_figures f;

	pushed(0, DYN_ENTROPY_OK, 5);
	pushed(1, DYN_ENTROPY_ERR_IO, 2);
	EXPECT_EQ(heal_ledger_round_ended(ledger_), 1u);
	EXPECT_EQ(heal_ledger_round_skipped(ledger_), 1u);
	EXPECT_EQ(heal_ledger_round_skipped(ledger_), 2u);
	received("10.0.0.1:1", DYN_ENTROPY_OK, 3);
	received("10.0.0.2:1", DYN_ENTROPY_ERR_SINK, 4);
	received("10.0.0.2:2", DYN_ENTROPY_ERR_CANCELLED, 1);
	received("10.0.0.9:1", DYN_ENTROPY_ERR_IO, 0, true);
	heal_ledger_totals(ledger_, &f);
	EXPECT_EQ(f.rounds, 1u);
	EXPECT_EQ(f.rounds_skipped, 2u);
	EXPECT_EQ(f.peers_attempted, 2u);
	EXPECT_EQ(f.peers_exchanged, 1u);
	EXPECT_EQ(f.peers_failed, 1u);
	EXPECT_EQ(f.snapshots_sent, 2u);
	EXPECT_EQ(f.keys_sent, 7u);
	EXPECT_EQ(f.bytes_sent, 70u);
	EXPECT_EQ(f.connections, 3u);
	EXPECT_EQ(f.snapshots_committed, 1u);
	EXPECT_EQ(f.connections_failed, 2u) << "one that is given up was not applied whole";
	EXPECT_EQ(f.connections_turned_away, 1u);
	EXPECT_EQ(f.bytes_received, 100u) << "of what was applied whole";
	EXPECT_EQ(f.commands, 14u);
	EXPECT_EQ(f.keys_applied, 8u);
	EXPECT_EQ(f.keys_kept, 3u);
	EXPECT_EQ(f.keys_left_alone, 6u);
}

TEST_F(Ledger, WhoOnlyConnectsGetsNoPage)
{
	struct heal_ledger_sender s;

	received("10.0.0.1:1", DYN_ENTROPY_ERR_IO);
	received("10.0.0.1:1", DYN_ENTROPY_ERR_CANCELLED);
	received("no address", DYN_ENTROPY_OK);
	EXPECT_EQ(senders(), 0u);
	received("10.0.0.1:1", DYN_ENTROPY_OK);
	received("10.0.0.1:1", DYN_ENTROPY_ERR_IO);
	ASSERT_TRUE(heal_ledger_copy_sender(ledger_, 0, &s));
	EXPECT_EQ(s.figures.connections_failed, 1u) << "of one that is known it counts";
}

TEST_F(Ledger, StrangersNeitherFillNorGrowIt)
{
	received("good:1", DYN_ENTROPY_OK);
	for (size_t i = 0; i < HEAL_LEDGER_SENDERS_MAX * 3; i++)
		received("stranger" + std::to_string(i) + ":1", DYN_ENTROPY_ERR_PROTOCOL);
	EXPECT_EQ(senders(), size_t(HEAL_LEDGER_SENDERS_MAX));
	EXPECT_TRUE(has_page("good"));
	received("late:1", DYN_ENTROPY_OK);
	EXPECT_TRUE(has_page("late"));

	/* When all have a success, who comes next is not written down. */
	for (size_t i = 0; i < HEAL_LEDGER_SENDERS_MAX; i++)
		received("friend" + std::to_string(i) + ":1", DYN_ENTROPY_OK);
	EXPECT_EQ(senders(), size_t(HEAL_LEDGER_SENDERS_MAX));
	EXPECT_TRUE(has_page("good"));
	received("toolate:1", DYN_ENTROPY_OK);
	EXPECT_FALSE(has_page("toolate"));
}

TEST_F(Ledger, EveryOutcomeHasAWord)
{
	EXPECT_STREQ(heal_ledger_outcome_word(DYN_ENTROPY_OUTCOME_CLOSED), "closed");
	for (int i = DYN_ENTROPY_OUTCOME_NONE; i <= DYN_ENTROPY_OUTCOME_FAILED; i++)
		EXPECT_STRNE(heal_ledger_outcome_word(static_cast<enum dyn_entropy_outcome>(i)),
			"unknown");
}

} // namespace
