#include "cluster/shares.h"
#include "support/owned.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace
{

using Ring = support::Owned<ring, ring_free>;

struct Place {
	std::string dc, rack, tokens;
};

/* A ring as the node at one of the places sees it. */
struct View {
	std::vector<Place> places;
	size_t self;
	Ring ring;
	shares s = {};

	View(const std::vector<Place> &all, size_t at) : places(all), self(at)
	{
		std::vector<std::string> names;
		std::vector<ring_seed> seeds;
		ring_options o = {};

		for (size_t i = 0; i < places.size(); i++) {
			ring_seed seed = {};

			names.push_back("127.0.0.1:" + std::to_string(8000 + i));
			if (i == self)
				continue;
			EXPECT_TRUE(addr_parse(&seed.addr, names.back().c_str()));
			seed.datacenter = places[i].dc.c_str();
			seed.rack = places[i].rack.c_str();
			seed.tokens = places[i].tokens.c_str();
			seeds.push_back(seed);
		}
		o.listen = names[self].c_str();
		o.datacenter = places[self].dc.c_str();
		o.rack = places[self].rack.c_str();
		o.tokens = places[self].tokens.c_str();
		o.seeds = seeds.data();
		o.n_seeds = seeds.size();
		ring.reset(ring_new(&o));
		EXPECT_TRUE(ring && shares_init(&s, ring.get()));
	}
	~View()
	{
		shares_fini(&s);
	}
	View(const View &) = delete;
	View &operator=(const View &) = delete;

	/* The place of a node, by its port. */
	size_t place(size_t node) const
	{
		return ring->nodes[node].addr.port - 8000u;
	}
};

/* Shares that places have in common, by digest: the places in order. */
using Common = std::map<uint64_t, std::set<size_t>>;

Common check(const std::vector<Place> &places)
{
	Common common;

	for (size_t i = 0; i < places.size(); i++) {
		const View v(places, i);

		for (size_t k = 0; k < v.s.n; k++) {
			std::set<size_t> members = {i};

			for (size_t p = 0; p < v.s.all[k].n_peers; p++) {
				members.insert(v.place(v.s.all[k].peers[p]));
				EXPECT_TRUE(p == 0 ||
					    ring_place(v.ring.get(), v.s.all[k].peers[p - 1]) <
						    ring_place(v.ring.get(), v.s.all[k].peers[p]));
			}
			EXPECT_TRUE(common.emplace(v.s.all[k].digest, members).first->second ==
				    members);
		}
		/* What it says of every token is what the ring says. */
		for (uint64_t t = 0; t <= UINT32_MAX; t += 65521) {
			const auto token = static_cast<uint32_t>(t);
			const size_t found = shares_find(&v.s, token);

			EXPECT_EQ(found != SIZE_MAX, ring_owner(v.ring.get(), 0, token) == 0);
			for (size_t p = 0; found != SIZE_MAX && p < v.s.all[found].n_peers; p++) {
				const uint32_t node = v.s.all[found].peers[p];

				EXPECT_EQ(ring_owner(v.ring.get(), v.ring->nodes[node].rack, token),
					node);
			}
		}
	}
	return common;
}

TEST(Shares, AreOneWhereRacksHaveTheSameTokens)
{
	const Common common = check({{"dc", "r1", "1"}, {"dc", "r1", "2147483648"},
		{"dc", "r2", "1"}, {"dc", "r2", "2147483648"}, {"far", "r1", "1"},
		{"far", "r1", "2147483648"}});

	EXPECT_EQ(common.size(), 2u);
	for (const auto &c : common)
		EXPECT_TRUE(c.second == std::set<size_t>({0, 2, 4}) ||
			    c.second == std::set<size_t>({1, 3, 5}));
}

TEST(Shares, AreSeveralWhereRacksHaveOthers)
{
	const Common common = check({{"dc", "r1", "1000000000"}, {"dc", "r1", "3000000000"},
		{"dc", "r2", "2000000000"}, {"dc", "r2", "4000000000"}, {"dc", "r3", "77"}});

	EXPECT_EQ(common.size(), 4u);
	for (const auto &c : common) {
		EXPECT_EQ(c.second.size(), 3u);
		EXPECT_EQ(c.second.count(4), 1u);
	}
}

TEST(Shares, HaveEverySegmentOfANodeWithManyTokens)
{
	const Common common = check({{"dc", "r1", "100,2000000000,3000000000"},
		{"dc", "r1", "1000000000,4000000000"}, {"dc", "r2", "2500000000"}});

	EXPECT_EQ(common.size(), 2u);
}

TEST(Shares, AreWithoutPeersWhereThereIsOneRack)
{
	const Common common = check({{"dc", "r1", "1"}, {"dc", "r1", "2147483648"}});

	EXPECT_EQ(common.size(), 2u);
	for (const auto &c : common)
		EXPECT_EQ(c.second.size(), 1u);
}

TEST(Shares, AreOthersWhenATokenHasChanged)
{
	const View before({{"dc", "r1", "1"}, {"dc", "r2", "1"}, {"dc", "r2", "2000000000"}}, 0);
	const View after({{"dc", "r1", "1"}, {"dc", "r2", "1"}, {"dc", "r2", "2000000001"}}, 0);

	ASSERT_EQ(before.s.n, 2u);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 2; k++)
			EXPECT_NE(before.s.all[i].digest, after.s.all[k].digest);
}

TEST(Shares, NameNodesAlikeEverywhere)
{
	const std::vector<Place> places = {
		{"dc", "r2", "5"}, {"dc", "r1", "7"}, {"a", "r9", "1"}, {"dc", "r1", "6"}};
	const size_t order[] = {3, 2, 0, 1};
	const char *names[] = {"dc/r2/5", "dc/r1/7", "a/r9/1", "dc/r1/6"};

	for (size_t i = 0; i < places.size(); i++) {
		const View v(places, i);

		for (size_t n = 0; n < v.ring->n_nodes; n++) {
			char name[40];

			EXPECT_EQ(ring_place(v.ring.get(), n), order[v.place(n)]);
			shares_name(v.ring.get(), n, name, sizeof(name));
			EXPECT_STREQ(name, names[v.place(n)]);
		}
	}
}

TEST(Shares, NameNodesShortly)
{
	const std::string rack(200, 'r');
	const View v({{"dc", rack, "1"}, {"dc", rack, "2"}}, 0);
	std::set<std::string> names;

	for (size_t n = 0; n < 2; n++) {
		char name[64];

		shares_name(v.ring.get(), n, name, sizeof(name));
		EXPECT_LT(strlen(name), 64u);
		names.insert(name);
	}
	EXPECT_EQ(names.size(), 2u);
}

} // namespace
