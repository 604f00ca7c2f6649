/*
 * Rings of real nodes and Redis servers, to which clients write while things happen to them: after
 * that all replicas are equal, and hold what can have come of what was acknowledged.
 *
 * DYN_CHECKER_SEEDS says which seeds ("1-20"); DYN_CHECKER_FAULTS, which faults ("cut,stall")
 * instead of those of the seed; DYN_CHECKER_LOGS, a directory for what is known of a failure.
 */
#include "checker/clients.h"
#include "checker/world.h"
#include "support/process.h"
#include "support/wait.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

namespace checker
{
namespace
{

using std::chrono::seconds;

constexpr auto kConverged = seconds(60);
constexpr size_t kClients = 6;
constexpr auto kQuiet = seconds(8);

std::string environment(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

std::string lines(const std::vector<std::string> &all)
{
	constexpr size_t kMost = 20;
	std::string text;

	for (size_t i = 0; i < all.size() && i < kMost; i++)
		text += "  " + all[i] + "\n";
	return text + "  " + std::to_string(all.size()) + " in all\n";
}

/* A run of a plan, up to the end of all writes. */
class Trial
{
      public:
	explicit Trial(const Plan &plan) : plan_(plan), world_(plan)
	{
		std::vector<std::unique_ptr<Client>> clients;

		for (size_t i = 0; i < kClients; i++)
			clients.push_back(
				std::make_unique<Client>(world_.ring(), i, plan.seed * 1000 + i));
		if (plan.faults.empty())
			std::this_thread::sleep_for(kQuiet);
		for (size_t i = 0; !plan.faults.empty() && i < plan.rounds; i++)
			world_.round();
		for (auto &c : clients) {
			c->stop();
			history_.operations.insert(history_.operations.end(),
				c->operations().begin(), c->operations().end());
		}
		history_.losses = world_.losses();
		history_.copies = plan.copies();
		history_.quiet = plan.faults.empty();
	}
	World &world()
	{
		return world_;
	}
	e2e::Ring &ring()
	{
		return world_.ring();
	}
	const History &history() const
	{
		return history_;
	}
	std::vector<std::string> unequal(std::chrono::milliseconds limit = kConverged)
	{
		return world_.wait_equal(limit);
	}
	std::vector<std::string> wrong(size_t i = 0)
	{
		const Dataset d = world_.dataset(i);

		return violations(history_, d, now_us());
	}
	size_t acknowledged() const
	{
		size_t n = 0;

		for (const Operation &o : history_.operations)
			n += o.answer == Answer::kAcknowledged;
		return n;
	}

	/* What is known of a failure, for who looks for its cause. */
	void save()
	{
		const std::string dir = environment("DYN_CHECKER_LOGS");
		std::set<std::string> keys;

		if (dir.empty())
			return;
		const std::string base = dir + "/seed-" + std::to_string(plan_.seed);
		std::ofstream out(base + ".history");
		out << plan_.text() << "\n" << world_.events();
		for (const Operation &o : history_.operations)
			keys.insert(o.key);
		for (const std::string &key : keys)
			out << key << "\n" << story(history_, key);
		for (size_t i = 0; i < ring().size(); i++) {
			std::ofstream(base + ".node-" + std::to_string(i))
				<< ring()[i].node().log();
			std::ofstream held(base + ".dataset-" + std::to_string(i));
			for (const auto &k : world_.dataset(i)) {
				held << k.first << " " << k.second.deadline_ms;
				for (const std::string &e : k.second.elements)
					held << " " << e;
				held << "\n";
			}
		}
	}

      private:
	const Plan plan_;
	World world_;
	History history_;
};

/* "1-4,7" */
std::vector<uint64_t> seeds()
{
	std::string text = environment("DYN_CHECKER_SEEDS");
	std::vector<uint64_t> all;

	std::istringstream parts(text.empty() ? "1-3,5" : text);
	for (std::string part; std::getline(parts, part, ',');) {
		const size_t dash = part.find('-');
		const uint64_t first = std::stoull(part);
		const uint64_t last =
			dash == std::string::npos ? first : std::stoull(part.substr(dash + 1));

		for (uint64_t s = first; s <= last; s++)
			all.push_back(s);
	}
	return all;
}

Plan plan_of(uint64_t seed)
{
	Plan plan = Plan::of_seed(seed);
	const std::string wanted = environment("DYN_CHECKER_FAULTS");

	if (wanted.empty())
		return plan;
	plan.faults.clear();
	for (int i = 0; i < kFaults; i++)
		if (("," + wanted + ",").find(std::string(",") + fault_name(Fault(i)) + ",") !=
			std::string::npos)
			plan.faults.push_back(Fault(i));
	return plan;
}

class Checker : public testing::TestWithParam<uint64_t>
{
};

TEST_P(Checker, ReplicasAreEqualAndWhatWasAcknowledgedHolds)
{
	const Plan plan = plan_of(GetParam());

	std::cout << plan.text() << "\n" << std::flush;
	Trial run(plan);
	const auto begin = std::chrono::steady_clock::now();
	const std::vector<std::string> unequal = run.unequal(), wrong = run.wrong();
	const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

	std::cout << run.history().operations.size() << " writes, " << run.acknowledged()
		  << " acknowledged; equal after " << took.count() << " s\n"
		  << std::flush;
	EXPECT_GT(run.acknowledged(), 100u);
	EXPECT_TRUE(unequal.empty()) << plan.text() << "\n"
				     << run.world().events() << lines(unequal);
	EXPECT_TRUE(wrong.empty()) << plan.text() << "\n" << run.world().events() << lines(wrong);
	if (HasFailure())
		run.save();
}

/* ---- What must not pass ---- */

/* Rounds of version 1 come too late, and know nothing of deletes. */
TEST(CheckerMutant, ARingWithoutSessionsFails)
{
	Plan plan;

	plan.seed = 1;
	plan.faults = {Fault::kPeerDown};
	plan.rounds = 2;
	plan.protocol = "1";
	Trial run(plan);
	const std::vector<std::string> unequal = run.unequal(seconds(25)), wrong = run.wrong();

	EXPECT_FALSE(unequal.empty() && wrong.empty());
}

/* The first key of a kind that is held, or is not. */
std::string some_key(const Dataset &d, const History &h, Kind kind, bool is_held)
{
	for (const Operation &o : h.operations)
		if (kind_of(o.key) == kind && (d.count(o.key) > 0) == is_held)
			return o.key;
	throw std::runtime_error(std::string("no such key: ") + kind_name(kind));
}

/* A value that the key had before it was overwritten or deleted. */
std::string older_value(const History &h, const std::string &key, const std::string &value)
{
	for (const Operation &o : h.operations)
		if (o.key == key && o.action == Action::kPut && o.value != value)
			return o.value;
	throw std::runtime_error("the key was written once: " + key);
}

class Tampered : public Trial
{
      public:
	Tampered() : Trial(plan())
	{
		EXPECT_TRUE(unequal().empty());
		EXPECT_TRUE(wrong().empty());
	}
	/* Do this to the first n Redis servers, past their nodes. */
	void on(size_t n, const support::RedisClient::Args &command)
	{
		for (size_t i = 0; i < n; i++)
			ring()[i].store().call(command);
	}
	std::string key(Kind kind, bool is_held = true)
	{
		return some_key(world().dataset(0), history(), kind, is_held);
	}

      private:
	static Plan plan()
	{
		Plan p;

		p.seed = 2;
		return p;
	}
};

TEST(CheckerMutant, ARedisThatWasChangedBehindTheNodesFails)
{
	constexpr size_t kAll = 2;
	Tampered run;
	const std::string over = run.key(Kind::kRegister), gone = run.key(Kind::kOnce, false);
	const std::string value = run.ring()[0].store().get(over);

	run.on(1, {"SET", over, older_value(run.history(), over, value)});
	EXPECT_EQ(differences(run.world().dataset(0), run.world().dataset(1)).size(), 1u);
	EXPECT_EQ(run.wrong(0).size(), 1u);
	run.on(1, {"SET", over, value});
	EXPECT_EQ(run.wrong(0).size(), 0u);
	run.on(kAll, {"SET", gone, older_value(run.history(), gone, "")});
	EXPECT_EQ(run.wrong(1).size(), 1u);
	run.on(kAll, {"RPOP", run.key(Kind::kList)});
	EXPECT_EQ(run.wrong(1).size(), 2u);
	run.on(kAll, {"INCR", run.key(Kind::kCounter)});
	EXPECT_EQ(run.wrong(1).size(), 3u);
	run.on(kAll, {"SADD", run.key(Kind::kSet), "never added"});
	EXPECT_EQ(run.wrong(1).size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(
	Seeds, Checker, testing::ValuesIn(seeds()), testing::PrintToStringParamName());

} // namespace
} // namespace checker
