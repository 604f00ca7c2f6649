#include "conf/conf_load.h"
#include "node/setup.h"
#include "support/owned.h"
#include "support/tempdir.h"
#include "support/text.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace
{

using Ring = support::Owned<ring, ring_free>;
using Conf = support::Owned<conf, conf_free>;

std::string join(const conf_list &list)
{
	std::string all;

	for (size_t i = 0; i < list.n; i++)
		all += std::string(list.items[i]) + "\n";
	return all;
}

/* The ring of a configuration, given by its lines below the root key. */
Ring build(const std::string &lines, std::string *errors = nullptr)
{
	const support::TempDir dir;
	conf_report report = {};
	std::istringstream in(lines);
	std::string text = "dyn_o_mite:\n";

	for (std::string line; std::getline(in, line);)
		text += "  " + line + "\n";
	const Conf c(conf_load(dir.write("dynomite.yml", text).c_str(), &report));
	Ring r(c ? setup_ring(c.get(), &report) : nullptr);
	EXPECT_EQ(r == nullptr, report.errors.n > 0) << join(report.errors);
	if (errors)
		*errors = join(report.errors);
	else
		EXPECT_EQ("", join(report.errors));
	conf_report_fini(&report);
	return r;
}

TEST(Ring, HashesAsExistingNodesDo)
{
	std::istringstream in(
		support::read_file(support::source_file("test/unit/golden/murmur.tsv")));
	size_t n = 0;

	for (std::string line; std::getline(in, line);) {
		const size_t tab = line.find('\t');

		if (line[0] == '#')
			continue;
		const std::string key = support::unhex(line.substr(0, tab));
		EXPECT_EQ(std::stoul(line.substr(tab + 1)), ring_murmur(key.data(), key.size()))
			<< line;
		n++;
	}
	EXPECT_EQ(49u, n);
}

const char two_racks[] = "dyn_listen: 10.0.0.1:8101\n"
			 "datacenter: east\n"
			 "rack: r1\n"
			 "tokens: '100,3000000000'\n"
			 "dyn_seeds:\n"
			 "- 10.0.0.2:8101:r1:east:2000,4000000000\n"
			 "- 10.0.0.3:8101:r2:east:1431655765\n"
			 "- 10.0.1.1:8101:r1:west:7\n"
			 "- 10.0.0.4:8101:r2:east:0\n";

TEST(Ring, NodesRacksAndDatacenters)
{
	const Ring r = build(two_racks);

	ASSERT_NE(nullptr, r);
	ASSERT_EQ(5u, r->n_nodes);
	EXPECT_TRUE(r->nodes[0].is_local);
	EXPECT_STREQ("10.0.0.1:8101", r->nodes[0].name);
	EXPECT_EQ(2u, r->nodes[0].n_tokens);
	EXPECT_FALSE(r->nodes[1].is_local);
	EXPECT_STREQ("10.0.0.2", r->nodes[1].addr.host);
	EXPECT_EQ(8101, r->nodes[1].addr.port);
	ASSERT_EQ(2u, r->n_dcs);
	EXPECT_STREQ("east", r->dcs[0].name);
	EXPECT_EQ(2u, r->dcs[0].n_racks);
	EXPECT_STREQ("west", r->dcs[1].name);
	ASSERT_EQ(1u, r->dcs[1].n_racks);
	ASSERT_EQ(3u, r->n_racks) << "r1 of east and r1 of west are two racks";
	EXPECT_STREQ("r1", r->racks[0].name);
	EXPECT_EQ(0u, r->racks[0].dc);
	EXPECT_STREQ("r1", r->racks[r->dcs[1].racks[0]].name);
	EXPECT_EQ(0u, r->nodes[1].rack);
	EXPECT_EQ(r->nodes[2].rack, r->nodes[4].rack);
	EXPECT_EQ(r->dcs[1].racks[0], r->nodes[3].rack);
	EXPECT_EQ(4u, r->racks[0].n_points);
}

TEST(Ring, EveryNodeHasAPlaceAmongAll)
{
	const Ring r = build(two_racks);
	std::set<size_t> places;

	ASSERT_NE(nullptr, r);
	for (size_t i = 0; i < r->n_nodes; i++)
		places.insert(ring_place(r.get(), i));
	EXPECT_EQ(places, (std::set<size_t>{0, 1, 2, 3, 4}));
	EXPECT_EQ(ring_place(r.get(), 3), 4u) << "west comes last";
	EXPECT_LT(ring_place(r.get(), 0), ring_place(r.get(), 2)) << "r1 comes before r2";
}

TEST(Ring, TheOwnerHasTheNextToken)
{
	const Ring r = build(two_racks);
	const struct {
		uint32_t token;
		size_t r1, r2;
	} cases[] = {{0, 0, 4}, {1, 0, 2}, {99, 0, 2}, {100, 0, 2}, {101, 1, 2}, {2000, 1, 2},
		{2001, 0, 2}, {1431655765, 0, 2}, {1431655766, 0, 4}, {3000000000u, 0, 4},
		{3000000001u, 1, 4}, {4000000000u, 1, 4}, {4000000001u, 0, 4}, {UINT32_MAX, 0, 4}};

	ASSERT_NE(nullptr, r);
	for (const auto &c : cases) {
		EXPECT_EQ(c.r1, ring_owner(r.get(), 0, c.token)) << c.token;
		EXPECT_EQ(c.r2, ring_owner(r.get(), r->nodes[2].rack, c.token)) << c.token;
		EXPECT_EQ(3u, ring_owner(r.get(), r->nodes[3].rack, c.token)) << c.token;
	}
}

TEST(Ring, NodesAreFoundByName)
{
	const Ring r = build(two_racks);

	ASSERT_NE(nullptr, r);
	EXPECT_EQ(0u, ring_find(r.get(), "10.0.0.1:8101"));
	EXPECT_EQ(4u, ring_find(r.get(), "10.0.0.4:8101"));
	EXPECT_EQ(SIZE_MAX, ring_find(r.get(), "10.0.0.4:8102"));
	EXPECT_EQ(SIZE_MAX, ring_find(r.get(), ""));
}

uint32_t token(const Ring &r, const std::string &key)
{
	return ring_token(r.get(), key.data(), key.size());
}

uint32_t murmur(const std::string &key)
{
	return ring_murmur(key.data(), key.size());
}

TEST(Ring, TheHashTagIsWhatCounts)
{
	const Ring plain = build("tokens: 1\n"), r = build("tokens: 1\nhash_tag: '{}'\n"),
		   same = build("tokens: 1\nhash_tag: '||'\n");

	ASSERT_TRUE(plain && r && same);
	EXPECT_EQ(murmur("a{b}c"), token(plain, "a{b}c"));
	for (const char *key : {"{b}", "a{b}c", "{b}{c}", "a{b}c}", "}{b}"})
		EXPECT_EQ(murmur("b"), token(r, key)) << key;
	for (const char *key : {"", "b", "{b", "b}", "}b{", "{"})
		EXPECT_EQ(murmur(key), token(r, key)) << key;
	EXPECT_EQ(murmur("{b"), token(r, "a{{b}c"));
	EXPECT_EQ(murmur(""), token(r, "a{}c"));
	EXPECT_EQ(murmur("b"), token(same, "a|b|c|"));
	EXPECT_EQ(murmur("a|b"), token(same, "a|b"));
}

TEST(Ring, ANodeAloneNeedsNothing)
{
	const Ring r = build("listen: 127.0.0.1:8102\nservers: [a:1:1]\n");

	ASSERT_NE(nullptr, r);
	ASSERT_EQ(1u, r->n_nodes);
	EXPECT_EQ(0u, ring_owner(r.get(), 0, 0));
	EXPECT_EQ(0u, ring_owner(r.get(), 0, UINT32_MAX));
}

TEST(Ring, ANodeAloneInItsRackNeedsNoTokens)
{
	const Ring r = build("dyn_listen: a:1\nrack: r1\ndatacenter: d\n"
			     "dyn_seeds:\n- b:1:r2:d:5\n- c:1:r1:other:5\n");

	ASSERT_NE(nullptr, r);
	EXPECT_EQ(0u, ring_owner(r.get(), 0, 77));
}

/* All nodes may share one list. */
TEST(Ring, ASeedThatIsThisNodeIsLeftOut)
{
	const std::string seeds = "dyn_seeds:\n- a:1:r:d:5\n- b:1:r:d:6\n",
			  rest = "rack: r\ndatacenter: d\n" + seeds;

	for (const std::string &lines : {"dyn_listen: a:1\ntokens: 5\n" + rest,
		     "dyn_listen: A:1\n" + rest, "dyn_listen: 0.0.0.0:1\ntokens: 5\n" + rest}) {
		const Ring r = build(lines);

		ASSERT_NE(nullptr, r) << lines;
		ASSERT_EQ(2u, r->n_nodes) << lines;
		EXPECT_EQ(0u, ring_owner(r.get(), 0, 5)) << lines;
		EXPECT_EQ(1u, ring_owner(r.get(), 0, 6)) << lines;
		EXPECT_STREQ("b:1", r->nodes[1].name);
	}
	const Ring everywhere = build("dyn_listen: 0.0.0.0:1\ntokens: 5\n" + rest);
	EXPECT_STREQ("a:1", everywhere->nodes[0].name);
	EXPECT_STREQ("a", everywhere->nodes[0].addr.host);
}

struct Refused {
	const char *lines;
	std::vector<const char *> parts; /* of the errors */
};

class RingRefuses : public testing::TestWithParam<Refused>
{
};

TEST_P(RingRefuses, InWordsThatNameIt)
{
	std::string errors;

	EXPECT_EQ(nullptr, build(GetParam().lines, &errors));
	for (const char *part : GetParam().parts)
		EXPECT_NE(std::string::npos, errors.find(part)) << part << " in " << errors;
}

INSTANTIATE_TEST_SUITE_P(Confs, RingRefuses,
	testing::Values(Refused{"dyn_listen: a:1\nrack: r\ndatacenter: d\ntokens: '5,7'\n"
				"dyn_seeds:\n- b:1:r:d:7\n",
				{"a:1 and b:1", "rack r of datacenter d", "token 7"}},
		Refused{"dyn_listen: a:1\nrack: r\ndatacenter: d\ntokens: 5\n"
			"dyn_seeds:\n- b:1:x:d:1,7\n- c:1:x:d:7\n",
			{"b:1 and c:1", "rack x", "token 7"}},
		Refused{"tokens: '5,6,5'\ndyn_listen: a:1\n", {"tokens: a:1", "token 5 twice"}},
		Refused{"dyn_listen: a:1\nrack: r\ndatacenter: d\ndyn_seeds:\n- b:1:r:d:7\n",
			{"tokens: is missing", "a:1", "b:1", "rack r"}},
		Refused{"rack: r\ndatacenter: d\ntokens: 5\ndyn_seeds:\n- b:1:r:d:7\n",
			{"dyn_listen: is missing"}},
		Refused{"dyn_listen: a:1\ntokens: 5\ndyn_seeds:\n- b:1:r:d:7\n- b:1:r2:d:7\n",
			{"b:1 is there twice"}},
		Refused{"dyn_listen: a:1\ntokens: 5\nrack: r\ndatacenter: d\n"
			"dyn_seeds:\n- a:1:r:d:7\n",
			{"a:1 is this node"}},
		Refused{"dyn_listen: a:1\ntokens: 5\nrack: r\ndatacenter: d\n"
			"dyn_seeds:\n- a:1:r2:d:5\n",
			{"a:1 is this node"}}));

/* Each with its line, whatever else is wrong. */
TEST(Ring, AllThatIsWrongIsToldAtOnce)
{
	std::string errors;

	EXPECT_EQ(nullptr, build("dyn_listen: a:1\nrack: r\ndatacenter: d\ntokens: 5\n"
				 "dyn_seeds:\n- b:1:r:d:6\n- b:1:r2:d:7\n- c:1:r:d:5\n"
				 "- a:1:r2:d:5\n- d:1:r3:d:8,8\n",
				   &errors));
	for (const char *part : {":8: dyn_seeds: b:1 is there twice",
		     ":9: dyn_seeds: a:1 and c:1, both in rack r of datacenter d, have the same "
		     "token 5",
		     ":10: dyn_seeds: a:1 is this node",
		     ":11: dyn_seeds: d:1 has the token 8 twice"})
		EXPECT_NE(std::string::npos, errors.find(part)) << part << " in " << errors;
	EXPECT_EQ(4, std::count(errors.begin(), errors.end(), '\n')) << errors;
}

/* A refused value of a node does not cause further errors. */
TEST(Ring, AnErrorOfTheFileIsToldOnce)
{
	for (const char *bad : {"tokens: x", "dyn_listen: x", "rack: ''", "datacenter: ''"}) {
		const support::TempDir dir;
		conf_report report = {};
		const std::string key(bad, strcspn(bad, ":"));
		std::string text = std::string("r:\n  ") + bad + "\n";

		for (const char *good :
			{"dyn_listen: a:1", "rack: r", "datacenter: d", "tokens: 5"})
			if (strncmp(good, key.c_str(), key.size()) != 0)
				text += std::string("  ") + good + "\n";
		text += "  dyn_seeds: ['a:1:r:d:5', 'b:1:r:d:6']\n";
		const Conf c(conf_load_partly(dir.write("f.yml", text).c_str(), &report));
		ASSERT_NE(nullptr, c);
		ring_free(setup_ring(c.get(), &report));
		EXPECT_EQ(1u, report.errors.n) << join(report.errors);
		conf_report_fini(&report);
	}
}

TEST(Ring, ManyOverlapsAreToldShortly)
{
	std::string lines = "dyn_listen: a:1\nrack: r\ndatacenter: d\ntokens: '0", errors;

	for (int i = 1; i < 300; i++)
		lines += "," + std::to_string(i);
	const std::string tokens = lines.substr(lines.find('\'') + 1);
	EXPECT_EQ(nullptr, build(lines + "'\ndyn_seeds:\n- b:1:r:d:" + tokens + "\n", &errors));
	EXPECT_EQ(20, std::count(errors.begin(), errors.end(), '\n'));
}

/* Against the owners of every token at which anything changes, and of those beside it. */
TEST(Ring, KnowsWhoSharesKeys)
{
	const Ring r = build("dyn_listen: 10.0.0.1:1\n"
			     "datacenter: dc\n"
			     "rack: r1\n"
			     "tokens: '1000,2000000000'\n"
			     "dyn_seeds:\n"
			     "- 10.0.0.2:1:r1:dc:1500\n"
			     "- 10.0.1.1:1:r2:dc:1000\n"
			     "- 10.0.1.2:1:r2:dc:1500\n"
			     "- 10.0.1.3:1:r2:dc:2000000000\n"
			     "- 10.0.2.1:1:r3:dc:0\n"
			     "- 10.0.2.2:1:r3:dc:1200\n"
			     "- 10.0.2.3:1:r3:dc:1499\n"
			     "- 10.0.2.4:1:r3:dc:4294967295\n"
			     "- 10.0.3.1:1:r1:other:7\n");
	std::vector<uint32_t> tokens = {0, UINT32_MAX};
	size_t shared = 0, apart = 0;

	ASSERT_NE(r, nullptr);
	for (size_t i = 0; i < r->n_nodes; i++)
		for (size_t t = 0; t < r->nodes[i].n_tokens; t++)
			for (uint32_t near = 0; near < 3; near++)
				tokens.push_back(r->nodes[i].tokens[t] + near - 1);
	for (size_t a = 0; a < r->n_nodes; a++)
		for (size_t b = 0; b < r->n_nodes; b++) {
			const size_t rack_a = r->nodes[a].rack, rack_b = r->nodes[b].rack;
			const bool expected =
				rack_a != rack_b &&
				std::any_of(tokens.begin(), tokens.end(), [&](uint32_t t) {
					return ring_owner(r.get(), rack_a, t) == a &&
					       ring_owner(r.get(), rack_b, t) == b;
				});

			EXPECT_EQ(ring_share(r.get(), a, b), expected) << a << " " << b;
			(expected ? shared : apart)++;
		}
	EXPECT_GT(shared, 20u);
	EXPECT_GT(apart, 20u);
}

} // namespace
