/*
 * Who is pushed to, and what: the targets of the channel as the ring sees them.
 */
#include "heal/targets.h"
#include "node/setup.h"
#include "unit/conf_loading.h"

#include <gtest/gtest.h>

using namespace conf_loading;

namespace
{

/* A file, its ring if it has clients, and its targets. */
class Targets : public testing::Test
{
      protected:
	~Targets() override
	{
		heal_targets_fini(&targets_);
		ring_free(ring_);
	}

	void load(const std::string &keys, bool with_ring = true)
	{
		conf_report report = {};

		loaded_ = load_keys("  dyn_listen: 10.0.0.1:8101\n  rack: r1\n  datacenter: d\n"
				    "  tokens: '0'\n" +
				    keys);
		ASSERT_EQ(loaded_.errors, Lines());
		ring_ = with_ring ? setup_ring(loaded_.conf.get(), &report) : nullptr;
		ASSERT_EQ(lines_of(report.errors), Lines());
		ASSERT_TRUE(heal_targets_init(&targets_, loaded_.conf.get(), ring_));
		heal_targets_warn(&targets_, &report);
		warnings_ = lines_of(report.warnings);
		conf_report_fini(&report);
	}
	heal_part part(size_t target) const
	{
		return heal_targets_part(&targets_, target);
	}
	bool owns(size_t target, const std::string &key) const
	{
		return heal_targets_owns(&targets_, targets_.nodes[target], key.data(), key.size());
	}

	Loaded loaded_;
	ring *ring_ = nullptr;
	heal_targets targets_ = {};
	Lines warnings_;
};

TEST_F(Targets, TheTargetsAreTheNodes)
{
	load("  dyn_seeds: ['10.0.0.1:8101:r1:d:0', '10.0.0.2:8101:r1:d:2147483648',\n"
	     "    '10.0.0.3:8101:r2:d:0', '10.0.0.4:8101:r2:d:2147483648']\n");
	ASSERT_EQ(loaded_.conf->recon_peers.n, 4u);
	EXPECT_EQ(part(0), HEAL_SELF) << "its own list may name a node";
	EXPECT_EQ(part(1), HEAL_NOTHING) << "of its own rack";
	EXPECT_EQ(part(2), HEAL_OWNED);
	EXPECT_EQ(part(3), HEAL_NOTHING) << "it owns what the second of the rack owns";
	for (size_t i : {0u, 1u, 3u})
		EXPECT_FALSE(heal_targets_takes_part(&targets_, i)) << i;
	EXPECT_TRUE(heal_targets_takes_part(&targets_, 2));
	size_t owned = 0;
	for (int i = 0; i < 1000; i++) {
		const std::string key = std::to_string(i);

		owned += owns(2, key);
		EXPECT_NE(owns(2, key), owns(3, key)) << key;
	}
	EXPECT_GT(owned, 300u);
	EXPECT_LT(owned, 700u);
	EXPECT_EQ(warnings_, Lines());
}

TEST_F(Targets, AnotherPortIsFoundByItsHost)
{
	load("  dyn_seeds: ['10.0.0.2:8101:r2:d:0', 'Three.example:8101:r3:d:0',\n"
	     "    'three.example:8201:r4:d:0']\n"
	     "  recon_listen: 10.0.0.1:31399\n"
	     "  recon_peers: ['10.0.0.2:31399', 'three.example:8205', 'three.example:31399',\n"
	     "    '10.0.0.9:8105', '10.0.0.1:31399']\n");
	EXPECT_EQ(part(0), HEAL_OWNED) << "there is one node of the host";
	EXPECT_EQ(targets_.nodes[0], 1u);
	EXPECT_EQ(targets_.nodes[1], 3u) << "the port tells";
	EXPECT_EQ(part(2), HEAL_EVERY_KEY) << "it may be either";
	EXPECT_EQ(part(3), HEAL_EVERY_KEY);
	EXPECT_EQ(part(4), HEAL_SELF);
	EXPECT_TRUE(owns(3, "any"));
	ASSERT_EQ(warnings_.size(), 2u);
	EXPECT_EQ(warnings_[0],
		"t.yml:9: recon_peers: three.example:31399 is no node of dyn_seeds and is sent "
		"every key (a node is known by its host, and where several share one by a port 4 "
		"above its own)");
	EXPECT_NE(warnings_[1].find("10.0.0.9:8105"), std::string::npos);
}

TEST_F(Targets, ThePortForLinksIsNoReceiver)
{
	load("  dyn_seeds: ['10.0.0.2:8101:r2:d:0']\n  recon_listen: 10.0.0.1:31399\n"
	     "  recon_peers: ['10.0.0.2:8101', '10.0.0.2:8105']\n");
	ASSERT_EQ(warnings_.size(), 1u);
	EXPECT_NE(warnings_[0].find("10.0.0.2:8101 is the dyn_listen of a node"), std::string::npos)
		<< warnings_[0];
}

TEST_F(Targets, WhoMissedWritesIsDueWhenTheNodeIsBack)
{
	using Due = std::vector<int>;

	load("  dyn_seeds: ['10.0.0.2:8101:r2:d:0', '10.0.0.3:8101:r3:d:0',\n"
	     "    '10.1.0.1:8101:r1:e:0', '10.1.0.2:8101:r2:e:0']\n"
	     "  recon_peers: ['10.0.0.2:8105', '10.0.0.1:8105', '10.1.0.1:8105', "
	     "'10.1.0.2:8105',\n"
	     "    '10.0.0.9:8105']\n");
	ASSERT_EQ(targets_.n_sent, 4u) << "all but this node itself";
	const auto missed = [this](size_t node) {
		bool due[4] = {};

		heal_targets_missed(&targets_, node, due);
		return Due(due, due + 4);
	};
	EXPECT_EQ(missed(1), (Due{1, 0, 0, 0})) << "of this datacenter: itself";
	EXPECT_EQ(missed(2), (Due{1, 1, 1, 1})) << "its channel may have any of the addresses";
	EXPECT_EQ(missed(3), (Due{0, 1, 1, 0})) << "of another: it may have taken writes for all";
	bool due[4] = {false, false, false, true};
	heal_targets_missed(&targets_, 1, due);
	EXPECT_EQ(Due(due, due + 4), (Due{1, 0, 0, 1})) << "who was due is due";
}

TEST_F(Targets, WithoutARingEveryTargetIsSentEveryKey)
{
	load("  dyn_seeds: ['10.0.0.2:8101:r1:d:5']\n", false);
	EXPECT_EQ(part(0), HEAL_EVERY_KEY);
	EXPECT_TRUE(owns(0, "any"));
	EXPECT_EQ(warnings_, Lines());
}

TEST_F(Targets, ANodeWithoutOthersHasNoRingToMiss)
{
	load("  recon_peers: ['10.0.0.9:8105']\n");
	EXPECT_EQ(part(0), HEAL_EVERY_KEY);
	EXPECT_EQ(warnings_, Lines());
}

} // namespace
