/*
 * Racks that are divided in different ways, and datacenters.
 */
#include "proxy/ring.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

/* ---- Racks that are divided in different ways ---- */

TEST(UnequalRacks, HaveEveryKeyOnce)
{
	constexpr size_t kKeys = 2000;
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2", "2000000000"}, {"dc", "r2", "4000000000"},
		{"dc", "r3", "1000000000,3000000000"}, {"dc", "r3", "2000000000"},
		{"dc", "r3", "4000000000"}});

	ring.unhealed().set("hash_tag", "'{}'").start();
	RedisClient c = ring[0].client();
	write_keys(c, "a:", kKeys);
	RedisClient from_r3 = ring[4].client();
	write_keys(from_r3, "b:", kKeys);
	for (const char *prefix : {"a:", "b:"})
		for (const std::vector<size_t> &rack :
			std::vector<std::vector<size_t>>{{0}, {1, 2}, {3, 4, 5}}) {
			const auto count = [&] {
				size_t n = 0;
				for (const size_t i : rack) {
					RedisClient store = ring[i].store();
					n += count_keys(store, prefix, kKeys);
				}
				return n;
			};
			EXPECT_TRUE(wait_until([&] { return count() == kKeys; }))
				<< count() << " of " << prefix << " in rack of " << rack[0];
		}
	/* A read is for the local rack, where one node has all keys; a write is not. */
	EXPECT_EQ(c.integer("PFCOUNT", "p1", "p2", "p3", "p4", "p5", "p6"), 0);
	EXPECT_EQ(c.list("MGET", "a:0", "a:1", "a:2", "a:3").size(), 4u);
	EXPECT_TRUE(holds(
		c.error("MSETNX", "p1", "1", "p2", "2", "p3", "3", "p4", "4", "p5", "5", "p6", "6"),
		"CROSSSLOT"));
	EXPECT_EQ(c.cmd("MSET", "p1", "1", "p2", "2", "p3", "3", "p4", "4"), "OK");
	EXPECT_EQ(from_r3.list("MGET", "p1", "p2", "p3", "p4"),
		(std::vector<std::string>{"1", "2", "3", "4"}));
}

/* What SORT reads by a pattern must be there where it is carried out: in every rack that is asked.
 */
TEST(UnequalRacks, SortByPatternsWhereOneNodeHasAll)
{
	Ring ring(Places{{"dc", "r1", "5,100,2000"}, {"dc", "r2", "2147483647"},
		{"dc", "r2", "4294967295"}});

	ring.unhealed().start();
	RedisClient c = ring[0].client();
	c.cmd("RPUSH", "list", "b", "a");
	c.cmd("MSET", "w_a", "1", "w_b", "2");
	EXPECT_EQ(c.list("SORT", "list", "BY", "w_*"), (std::vector<std::string>{"a", "b"}));
	EXPECT_TRUE(holds(c.error("SORT", "list", "BY", "w_*", "STORE", "sorted"), "other nodes"));
	EXPECT_TRUE(holds(ring[1].client().error("SORT", "list", "BY", "w_*"), "other nodes"));
	EXPECT_FALSE(ring[0].store().exists("sorted"));
}

/* ---- Datacenters ---- */

struct Security {
	const char *name;
	const char *option;
	unsigned bits; /* 0: no key */
};

std::ostream &operator<<(std::ostream &to, const Security &s)
{
	return to << s.name;
}

class Datacenters : public testing::TestWithParam<Security>
{
};

TEST_P(Datacenters, HaveEveryWrite)
{
	constexpr size_t kKeys = 2000;
	const Security &security = GetParam();
	const std::unique_ptr<LinkKey> key(security.bits ? new LinkKey(security.bits) : nullptr);
	Ring ring(Places{{"east", "r1"}, {"east", "r2"}, {"west", "r1", "2147483647"},
		{"west", "r1", "4294967295"}, {"west", "r2"}});

	ring.set("secure_server_option", security.option);
	if (key)
		ring.set("pem_key_file", key->file());
	ring.unhealed().start();
	for (size_t from : {0u, 1u, 3u, 4u}) {
		RedisClient c = ring[from].client();
		const std::string prefix = std::to_string(from) + ":";

		write_keys(c, prefix, kKeys);
		EXPECT_EQ(count_keys(c, prefix, kKeys), kKeys);
		EXPECT_TRUE(soon_has(ring[0], prefix, kKeys));
		EXPECT_TRUE(soon_has(ring[1], prefix, kKeys));
		EXPECT_TRUE(soon_has(ring[4], prefix, kKeys));
		RedisClient west = ring[3].client();
		EXPECT_EQ(count_keys(west, prefix, kKeys), kKeys);
		RedisClient low = ring[2].store(), high = ring[3].store();
		EXPECT_EQ(count_keys(low, prefix, kKeys) + count_keys(high, prefix, kKeys), kKeys);
	}
	RedisClient c = ring[0].client();
	RedisClient::Args mset = {"MSET"}, del = {"DEL"};
	for (int i = 0; i < 50; i++) {
		mset.insert(mset.end(), {"m" + std::to_string(i), "v"});
		if (i > 0)
			del.push_back("m" + std::to_string(i));
	}
	EXPECT_EQ(c.text(mset), "OK");
	EXPECT_EQ(c.number(del), 49);
	EXPECT_EQ(c.cmd("SET", "large", std::string(5'000'000, 'x')), "OK");
	RedisClient west = ring[2].client();
	EXPECT_TRUE(wait_until([&] { return west.integer("STRLEN", "large") == 5'000'000; }));
	EXPECT_TRUE(soon_is(ring[4], "m0", "v"));
	EXPECT_TRUE(wait_until([&] { return west.text(RedisClient::Args{"GET", "m0"}) == "v"; }));
	del[0] = "EXISTS";
	EXPECT_TRUE(wait_until([&] { return west.number(del) == 0; }));
	EXPECT_EQ(ring[4].store().number(del), 0);
	for (size_t n = 1; n < ring.size(); n++)
		EXPECT_EQ(ring[0].missed(n), 0u) << n;
}

INSTANTIATE_TEST_SUITE_P(Links, Datacenters,
	testing::Values(Security{"Plain", "none", 0}, Security{"Rsa1024", "datacenter", 1024},
		Security{"Rsa2048", "all", 2048}, Security{"Rsa4096", "rack", 4096}),
	testing::PrintToStringParamName());

TEST(DatacentersWithDifferentKeys, DoNotTalkAndSayWhy)
{
	const LinkKey key(2048), other(2048);
	Ring ring(Places{{"east", "r1"}, {"west", "r1"}});

	ring.set("secure_server_option", "datacenter").set("pem_key_file", key.file());
	ring[1].node().set("pem_key_file", other.file());
	ring.unhealed().start();
	RedisClient c = ring[0].client();
	write_keys(c, "k", 100);
	EXPECT_TRUE(ring[1].node().wait_log("pem_key_file"));
	EXPECT_TRUE(wait_until([&] { return ring[0].missed(1) >= 100; }));
	EXPECT_EQ(count_keys(c, "k", 100), 100u);
	EXPECT_EQ(ring[1].store().dbsize(), 0);
}

} // namespace
} // namespace e2e
