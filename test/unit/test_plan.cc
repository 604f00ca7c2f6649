#include "conf/conf_load.h"
#include "node/setup.h"
#include "proxy/plan.h"
#include "support/owned.h"
#include "support/request.h"
#include "support/resp.h"
#include "support/tempdir.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

using Ring = support::Owned<ring, ring_free>;
using Conf = support::Owned<conf, conf_free>;

/* Three racks in two datacenters: of one node, of three, of two. */
Ring make_ring()
{
	const support::TempDir dir;
	conf_report report = {};
	const Conf c(conf_load(
		dir.write("t.yml", "x:\n  dyn_listen: 10.0.0.1:1\n  datacenter: dc\n  rack: r1\n"
				   "  tokens: '7,99'\n  hash_tag: '{}'\n  dyn_seeds:\n"
				   "  - 10.0.1.1:1:r2:dc:1000000000\n"
				   "  - 10.0.1.2:1:r2:dc:2000000000,3000000000\n"
				   "  - 10.0.1.3:1:r2:dc:4000000000\n"
				   "  - 10.0.2.1:1:r1:other:2147483647\n"
				   "  - 10.0.2.2:1:r1:other:4294967295\n")
			.c_str(),
		&report));
	Ring r(setup_ring(c.get(), &report));

	EXPECT_NE(r, nullptr);
	conf_report_fini(&report);
	return r;
}

/* A request and the plan for it. */
class Planned
{
      public:
	Planned(const ring *r, const support::Args &args) : request_(args)
	{
		EXPECT_EQ(request_->fault, REQUEST_FAULT_NONE);
		plan_init(&plan);
		plan.ring = r;
		plan.request = request_;
	}
	~Planned()
	{
		plan_fini(&plan);
	}
	Planned(const Planned &) = delete;

	bool make()
	{
		return plan_make(&plan);
	}
	std::string key(uint32_t i) const
	{
		return request_.key(i);
	}
	std::string arg(uint32_t i) const
	{
		return request_.arg(i);
	}
	std::vector<uint32_t> owners(uint32_t group) const
	{
		const uint32_t *o = plan_owners(&plan, group);

		return std::vector<uint32_t>(o, o + plan.ring->n_racks);
	}

	struct plan plan;

      private:
	support::Request request_;
};

std::vector<uint32_t> owners_of(const ring *r, const std::string &key)
{
	std::vector<uint32_t> all;

	for (size_t rack = 0; rack < r->n_racks; rack++)
		all.push_back(static_cast<uint32_t>(
			ring_owner(r, rack, ring_token(r, key.data(), key.size()))));
	return all;
}

TEST(Plan, AKeyHasItsOwnersInEveryRackThatIsAsked)
{
	const auto r = make_ring();

	for (int i = 0; i < 50; i++) {
		const std::string key = "k" + std::to_string(i);
		const std::vector<uint32_t> all = owners_of(r.get(), key);
		Planned set(r.get(), {"SET", key, "v"}), get(r.get(), {"GET", key});

		ASSERT_TRUE(set.make());
		EXPECT_EQ(set.plan.n_groups, 1u);
		EXPECT_EQ(set.owners(0), all);
		EXPECT_FALSE(set.plan.lanes[0].several);
		EXPECT_EQ(set.plan.lanes[0].token, ring_token(r.get(), key.data(), key.size()));
		ASSERT_TRUE(get.make());
		EXPECT_EQ(get.owners(0), (std::vector<uint32_t>{all[0], 0, 0}))
			<< "a read is for the local rack";
		get.plan.level = CONSISTENCY_DC_QUORUM;
		EXPECT_TRUE(plan_is_asked(&get.plan, 1));
		EXPECT_FALSE(plan_is_asked(&get.plan, 2));
		get.plan.level = CONSISTENCY_DC_EACH_SAFE_QUORUM;
		EXPECT_TRUE(plan_is_asked(&get.plan, 2));
	}
}

/* Every number of keys, so that groups are found by looking at each, and by the table. */
TEST(Plan, KeysWithTheSameOwnersAreAGroup)
{
	const auto r = make_ring();

	for (size_t n : {2u, 3u, 8u, 9u, 16u, 17u, 100u, 5000u}) {
		std::vector<std::string> args = {"MSET"};

		for (size_t i = 0; i < n; i++)
			args.insert(args.end(), {"k" + std::to_string(i * i), "v"});
		Planned p(r.get(), args);
		ASSERT_TRUE(p.make());
		ASSERT_EQ(p.plan.request->n_keys, n);
		std::vector<std::vector<uint32_t>> seen;
		for (uint32_t g = 0; g < p.plan.n_groups; g++) {
			for (const auto &other : seen)
				EXPECT_NE(p.owners(g), other);
			seen.push_back(p.owners(g));
		}
		std::vector<size_t> size(p.plan.n_groups);
		for (uint32_t i = 0; i < n; i++) {
			ASSERT_LT(p.plan.group_of[i], p.plan.n_groups);
			EXPECT_EQ(p.owners(p.plan.group_of[i]), owners_of(r.get(), p.key(i)));
			size[p.plan.group_of[i]]++;
		}
		for (uint32_t g = 0; g < p.plan.n_groups; g++)
			EXPECT_EQ(p.plan.lanes[g].several, size[g] > 1);
		std::vector<uint32_t> order(n), begin(p.plan.n_groups + 1);
		plan_sort(&p.plan, order.data(), begin.data());
		EXPECT_EQ(begin[0], 0u);
		EXPECT_EQ(begin[p.plan.n_groups], n);
		for (uint32_t g = 0; g < p.plan.n_groups; g++) {
			EXPECT_EQ(begin[g + 1] - begin[g], size[g]);
			for (uint32_t i = begin[g]; i < begin[g + 1]; i++) {
				EXPECT_EQ(owners_of(r.get(), p.arg(order[i])), p.owners(g));
				if (i > begin[g]) {
					EXPECT_LT(order[i - 1], order[i]);
				}
			}
		}
		if (n >= 100) {
			EXPECT_GE(p.plan.n_groups, 4u);
		}
	}
}

TEST(Plan, OneTagIsOneGroupAndOneLane)
{
	const auto r = make_ring();
	Planned p(r.get(), {"SUNIONSTORE", "a{t}", "b{t}", "c{t}"});

	ASSERT_TRUE(p.make());
	EXPECT_EQ(p.plan.n_groups, 1u);
	EXPECT_FALSE(p.plan.lanes[0].several);
}

TEST(Plan, WithoutKeysOneNodeOfEachRackIsAsked)
{
	const auto r = make_ring();
	Planned p(r.get(), {"EVAL", "return 1", "0"});

	ASSERT_TRUE(p.make());
	EXPECT_EQ(p.plan.request->n_keys, 0u);
	EXPECT_EQ(p.plan.n_groups, 1u);
	EXPECT_TRUE(p.plan.lanes[0].several);
	EXPECT_EQ(p.owners(0), (std::vector<uint32_t>{0, 1, 4}));
}

TEST(Plan, ForwardedIsWhatTheOtherRacksOfTheDatacenterHaveNot)
{
	const auto r = make_ring();
	Planned p(r.get(), {"SET", "k", "v"});

	p.plan.first_rack = 1;
	p.plan.only_local_dc = true;
	EXPECT_FALSE(plan_is_asked(&p.plan, 0));
	EXPECT_TRUE(plan_is_asked(&p.plan, 1));
	EXPECT_FALSE(plan_is_asked(&p.plan, 2));
}

TEST(Plan, KnowsWhereOneNodeHasAllKeys)
{
	const auto r = make_ring();
	Planned read(r.get(), {"SORT", "k"}), write(r.get(), {"SORT", "k", "STORE", "d"});

	EXPECT_TRUE(plan_is_undivided(&read.plan)) << "two tokens are one node";
	EXPECT_FALSE(plan_is_undivided(&write.plan));
	read.plan.level = CONSISTENCY_DC_QUORUM;
	EXPECT_FALSE(plan_is_undivided(&read.plan));
}

} // namespace
