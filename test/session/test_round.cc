/* Rounds over several peers, and everything that happens in more than one thread. */
#include "base/clock.h"
#include "session/channel.h"
#include "support/joining_thread.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace
{

using session::Gate;
using session::Listener;
using session::Node;
using session::Source;
using support::Error;
using support::fails;
using support::noise;
using support::succeeds;

/* ---- The driver ---- */

/* A driver whose targets all get the same snapshots. */
class Round : public ::testing::Test
{
      protected:
	struct Report {
		size_t target;
		std::string endpoint, message;
		enum dyn_entropy_status status;
		enum dyn_entropy_outcome outcome;
		uint64_t rounds, snapshots, closed;
	};

	std::vector<std::string> snapshots_ = {"one", "", noise(100000)};
	uint64_t keys_each_ = 5;
	bool knock_ = false;
	std::string left_out_;      /* an endpoint */
	std::string no_source_for_; /* an endpoint */
	std::vector<std::string> targets_;
	std::vector<Report> reports_;
	std::map<size_t, struct dyn_entropy_target_report> last_; /* of each target */
	dyn_entropy_cancel *cancel_ = dyn_entropy_cancel_new();
	struct dyn_entropy_config config_;
	dyn_entropy_driver *driver_ = nullptr;
	std::vector<std::unique_ptr<Source>> sources_;
	Error err_;

	void TearDown() override
	{
		dyn_entropy_driver_free(driver_);
		dyn_entropy_cancel_free(cancel_);
	}
	enum dyn_entropy_status make(const std::vector<std::string> &peers)
	{
		struct dyn_entropy_driver_options options = {};
		std::vector<const char *> texts;

		for (const auto &p : peers)
			texts.push_back(p.c_str());
		dyn_entropy_config_init(&config_);
		config_.max_rate = 0;
		config_.timeout_ms = 20000;
		targets_ = peers;
		options.targets = texts.data();
		options.n_targets = texts.size();
		options.open_source = open_source;
		options.target_done = target_done;
		options.open_source_arg = options.target_done_arg = this;
		options.cancel = cancel_;
		options.knock = knock_;
		options.takes_part = [](void *arg, size_t target) {
			auto *self = static_cast<Round *>(arg);

			return self->left_out_ != self->targets_.at(target);
		};
		options.takes_part_arg = this;
		return dyn_entropy_driver_new(
			&config_, session::sample_material(), &options, &driver_, err_);
	}
	uint64_t bytes_each() const
	{
		uint64_t n = 0;

		for (const auto &s : snapshots_)
			n += s.size();
		return n;
	}

      private:
	static enum dyn_entropy_status open_source(void *arg, size_t target,
		struct dyn_entropy_source *out, struct dyn_entropy_error *err)
	{
		auto *self = static_cast<Round *>(arg);

		if (self->no_source_for_ == self->targets_.at(target)) {
			err->status = DYN_ENTROPY_ERR_SOURCE;
			snprintf(err->message, sizeof(err->message), "no source for this one");
			return DYN_ENTROPY_ERR_SOURCE;
		}
		self->sources_.push_back(std::make_unique<Source>(self->snapshots_));
		self->sources_.back()->keys_each = self->keys_each_;
		*out = *self->sources_.back()->get();
		return DYN_ENTROPY_OK;
	}
	static void target_done(void *arg, const struct dyn_entropy_target_report *r)
	{
		static_cast<Round *>(arg)->last_[r->target] = *r;
		static_cast<Round *>(arg)->reports_.push_back({r->target, r->endpoint, r->message,
			r->status, r->last.outcome, r->rounds, r->last.snapshots, r->last.closed});
	}
};

TEST_F(Round, CountsExactlyWithOnePeerDeadOneRefusingAndOneWithoutASource)
{
	Listener dead;
	const std::string dead_address = dead.address();
	struct dyn_entropy_round round;
	Node good, refusing, also_good, unserved;

	dead.close();
	no_source_for_ = unserved.address();
	refusing.sink.on_apply = [](const std::string &bytes, struct dyn_entropy_error *) {
		return bytes == "one" ? DYN_ENTROPY_ERR_SINK : DYN_ENTROPY_OK;
	};
	const std::vector<std::string> peers = {good.address(), dead_address, refusing.address(),
		no_source_for_, also_good.address()};
	ASSERT_TRUE(succeeds(make(peers), err_));

	for (uint64_t n = 1; n <= 2; n++) {
		reports_.clear();
		ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
		EXPECT_EQ(round.attempted, 5u);
		EXPECT_EQ(round.exchanged, 2u);
		EXPECT_EQ(round.failed, 3u);
		/* The snapshots behind the one that was refused are sent as well. */
		EXPECT_EQ(round.snapshots, 3 + 3 + 3u);
		EXPECT_EQ(round.keys, 9 * 5u);
		EXPECT_EQ(round.bytes, 3 * bytes_each());
		EXPECT_GT(round.seconds, 0);

		const struct {
			enum dyn_entropy_status status;
			enum dyn_entropy_outcome outcome;
			const char *words;
		} want[] = {
			{DYN_ENTROPY_OK, DYN_ENTROPY_OUTCOME_CLOSED, ""},
			{DYN_ENTROPY_ERR_IO, DYN_ENTROPY_OUTCOME_UNREACHED, "Connection refused"},
			{DYN_ENTROPY_ERR_SINK, DYN_ENTROPY_OUTCOME_REFUSED,
				"refused 1 of 3 snapshots, at least in part, from snapshot 1 on"},
			{DYN_ENTROPY_ERR_SOURCE, DYN_ENTROPY_OUTCOME_FAILED, "no source"},
			{DYN_ENTROPY_OK, DYN_ENTROPY_OUTCOME_CLOSED, ""},
		};
		ASSERT_EQ(reports_.size(), peers.size());
		for (size_t i = 0; i < peers.size(); i++) {
			const struct dyn_entropy_target_report &r = last_[i];

			EXPECT_EQ(r.target, i);
			EXPECT_EQ(r.endpoint, peers[i]);
			EXPECT_EQ(r.status, want[i].status) << r.message;
			EXPECT_EQ(r.last.outcome, want[i].outcome) << r.message;
			EXPECT_EQ(r.rounds, n);
			EXPECT_EQ(reports_[i].target, i);
			EXPECT_EQ(reports_[i].endpoint, peers[i]);
			EXPECT_EQ(reports_[i].status, r.status);
			EXPECT_EQ(reports_[i].rounds, n);
			EXPECT_EQ(reports_[i].message, r.message);
			EXPECT_NE(std::string(r.message).find(want[i].words), std::string::npos);
			EXPECT_EQ(r.message[0] == '\0', r.status == DYN_ENTROPY_OK);
		}
	}
	EXPECT_EQ(good.counters().committed, 6u);
	EXPECT_EQ(also_good.counters().committed, 6u);
	EXPECT_EQ(unserved.counters().connections, 0u);
}

TEST_F(Round, APeerThatRecoversHasNoMessageAnyMore)
{
	std::atomic<bool> failing{true};
	struct dyn_entropy_round round;
	struct dyn_entropy_target_report r;
	Node node;

	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		return failing ? DYN_ENTROPY_ERR_SINK : DYN_ENTROPY_OK;
	};
	ASSERT_TRUE(succeeds(make({node.address()}), err_));
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	r = last_[0];
	EXPECT_STRNE(r.message, "");
	failing = false;
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	r = last_[0];
	EXPECT_STREQ(r.message, "");
	EXPECT_EQ(r.status, DYN_ENTROPY_OK);
	EXPECT_EQ(round.exchanged, 1u);
}

TEST_F(Round, PassesByWhoDoesNotTakePart)
{
	struct dyn_entropy_round round;
	Node first, second;

	left_out_ = first.address();
	ASSERT_TRUE(succeeds(make({first.address(), second.address()}), err_));
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	EXPECT_EQ(round.attempted, 1u);
	EXPECT_EQ(round.exchanged, 1u);
	EXPECT_EQ(reports_.size(), 1u);
	EXPECT_EQ(first.counters().connections, 0u);
	EXPECT_EQ(last_.count(0), 0u);
	left_out_ = "";
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	EXPECT_EQ(round.attempted, 2u);
	EXPECT_EQ(first.counters().committed, 3u);
}

/* A source is opened for those alone who take what comes of it. */
TEST_F(Round, KnocksBeforeItOpensASource)
{
	Listener dead;
	const std::string dead_address = dead.address();
	struct dyn_entropy_round round;
	Node good, refusing;

	dead.close();
	knock_ = true;
	refusing.sink.on_apply = [](const std::string &, struct dyn_entropy_error *) {
		return DYN_ENTROPY_ERR_SINK;
	};
	ASSERT_TRUE(succeeds(make({dead_address, refusing.address(), good.address()}), err_));
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	EXPECT_EQ(sources_.size(), 1u);
	ASSERT_EQ(reports_.size(), 3u);
	EXPECT_EQ(reports_[0].outcome, DYN_ENTROPY_OUTCOME_UNREACHED);
	EXPECT_EQ(reports_[1].outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_EQ(reports_[2].outcome, DYN_ENTROPY_OUTCOME_CLOSED);
	EXPECT_EQ(round.failed, 2u);
	EXPECT_EQ(round.exchanged, 1u);
	/* The empty one is in no figure of the sender's. */
	EXPECT_EQ(round.snapshots, 3u);
	EXPECT_EQ(reports_[1].snapshots, 0u);
	EXPECT_EQ(reports_[2].snapshots, 3u);
	EXPECT_EQ(reports_[2].closed, 3u);
	EXPECT_EQ(refusing.counters().connections, 1u);
	const std::vector<std::string> applied = good.sink.applied();
	ASSERT_EQ(applied.size(), 4u);
	EXPECT_EQ(applied[0], "");
	/* Two are under way at a time, so each may come before the one it follows. */
	EXPECT_TRUE(std::is_permutation(
		snapshots_.begin(), snapshots_.end(), applied.begin() + 1, applied.end()));
}

TEST_F(Round, WithoutPeersIsOverAtOnce)
{
	struct dyn_entropy_round round;

	ASSERT_TRUE(succeeds(make({}), err_));
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	EXPECT_EQ(round.attempted + round.exchanged + round.failed, 0u);
}

TEST_F(Round, RefusesPeersThatCannotBe)
{
	for (const char *peer : {"", "host", "host:0", "host:99999"}) {
		EXPECT_TRUE(fails(make({"127.0.0.1:1", peer}), err_, DYN_ENTROPY_ERR_CONFIG,
			"target '" + std::string(peer) + "'"));
		EXPECT_EQ(driver_, nullptr);
	}
	dyn_entropy_driver_free(nullptr);
}

TEST_F(Round, RefusesWhatCouldSendNothing)
{
	struct dyn_entropy_driver_options options = {};
	const char *peer = "127.0.0.1:1";

	dyn_entropy_config_init(&config_);
	options.targets = &peer;
	options.n_targets = 1;
	EXPECT_TRUE(fails(dyn_entropy_driver_new(
				  &config_, session::sample_material(), &options, &driver_, err_),
		err_, DYN_ENTROPY_ERR_CONFIG, "no open_source"));
	options.open_source = [](void *, size_t, struct dyn_entropy_source *out,
				      struct dyn_entropy_error *err) {
		return dyn_entropy_source_static("content", 7, out, err);
	};
	EXPECT_TRUE(fails(dyn_entropy_driver_new(&config_, nullptr, &options, &driver_, err_), err_,
		DYN_ENTROPY_ERR_CONFIG, "no key material"));
	EXPECT_EQ(driver_, nullptr);
	config_.encrypt = false;
	EXPECT_TRUE(succeeds(
		dyn_entropy_driver_new(&config_, nullptr, &options, &driver_, err_), err_));
}

TEST_F(Round, CancelledInTheMiddleLeavesTheOthersAlone)
{
	struct dyn_entropy_round round;
	Gate gate;
	Node first, second;

	first.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		gate.wait();
		return DYN_ENTROPY_OK;
	};
	snapshots_ = {"one"};
	ASSERT_TRUE(succeeds(make({first.address(), second.address()}), err_));
	int64_t begin = 0;
	support::JoiningThread stopper([&] {
		EXPECT_TRUE(gate.wait_for_visitors(1));
		begin = clock_monotonic_ms();
		dyn_entropy_cancel_set(cancel_);
	});
	EXPECT_TRUE(fails(
		dyn_entropy_driver_round(driver_, &round, err_), err_, DYN_ENTROPY_ERR_CANCELLED));
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000));
	stopper.join();
	gate.open();
	EXPECT_EQ(round.attempted, 1u);
	EXPECT_EQ(round.failed, 1u);
	EXPECT_EQ(second.counters().connections, 0u);
	EXPECT_TRUE(fails(
		dyn_entropy_driver_round(driver_, &round, err_), err_, DYN_ENTROPY_ERR_CANCELLED));
	EXPECT_EQ(round.attempted, 0u);
}

TEST_F(Round, MayBeWatchedAtTheReceiverFromAnotherThread)
{
	std::atomic<bool> over{false};
	uint64_t last = 0;
	Node node;

	ASSERT_TRUE(succeeds(make({node.address(), node.address()}), err_));
	support::JoiningThread watcher(
		[&] {
			while (!over) {
				const uint64_t committed = node.counters().committed;

				EXPECT_GE(committed, last);
				last = committed;
			}
		},
		[&] { over = true; });
	for (int i = 0; i < 10; i++) {
		struct dyn_entropy_round round;

		EXPECT_TRUE(succeeds(dyn_entropy_driver_round(driver_, &round, err_), err_));
	}
	over = true;
	watcher.join();
	EXPECT_EQ(node.counters().committed, 60u);
}

} // namespace
