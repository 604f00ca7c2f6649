/*
 * What a node of a ring keeps on disk, over its restarts.
 */
#include "proxy/ring.h"
#include "support/http.h"
#include "support/json_at.h"
#include "support/process.h"
#include "support/text.h"
#include "support/wait.h"

#include <csignal>
#include <gtest/gtest.h>
#include <set>

namespace e2e
{
namespace
{

using namespace support;

std::string entropy(const Member &m, const std::string &field)
{
	return json_at(http(m.stats_port(), "/info").body, {"entropy", field});
}

TEST(StateOfANode, SurvivesAKill)
{
	Ring ring(Places{{"dc1", "r1"}, {"dc1", "r2"}, {"dc0", "r1"}});
	std::set<std::string> identities;

	ring.start();
	/* Numbered by datacenter and rack. */
	EXPECT_EQ(entropy(ring[0], "stamp_number"), "1");
	EXPECT_EQ(entropy(ring[1], "stamp_number"), "2");
	EXPECT_EQ(entropy(ring[2], "stamp_number"), "0");
	for (size_t i = 0; i < ring.size(); i++)
		identities.insert(entropy(ring[i], "identity"));
	EXPECT_EQ(identities.size(), 3u);

	const std::string identity = entropy(ring[0], "identity");
	Process status(
		{dyn_entropy_program(), "status", "--stats", loopback(ring[0].stats_port())});
	status.wait();
	EXPECT_TRUE(holds(status.out(), "identity " + identity + ", number 1 in stamps"))
		<< status.output();
	ring[0].node().kill9();
	ring[0].node().start();
	EXPECT_EQ(entropy(ring[0], "identity"), identity);
	EXPECT_EQ(entropy(ring[0], "stamp_number"), "1");
}

TEST(StateOfANode, IsNotForTwo)
{
	Ring ring(Places{{"dc1", "r1"}, {"dc1", "r2"}});
	Node &first = ring[0].node(), &second = ring[1].node();
	const std::string dir = first.dir().file("state");

	ring.start();
	second.stop();
	second.set("recon_state_dir", dir).launch();
	EXPECT_TRUE(wait_until([&] { return !second.running(); }));
	EXPECT_EQ(
		second.logged("cannot start: " + dir + " is in use by the running node with pid " +
			      std::to_string(first.process().pid())),
		1u)
		<< second.log();
	second.set("recon_state_dir", second.dir().file("state")).start();
}

/* By default it is named after the node's address. */
TEST(StateOfANode, IsBelowTheDirectoryThatSystemdGives)
{
	One one;
	const std::string base = one->node().dir().file("given");

	one->node()
		.set("recon_state_dir", "")
		.by({"/usr/bin/env", "STATE_DIRECTORY=" + base + ":/nonexistent"});
	one.start();
	EXPECT_EQ(one->node().logged("state in " + base + "/node-127.0.0.1-" +
				     std::to_string(one->node().port())),
		1u)
		<< one->node().log();
}

} // namespace
} // namespace e2e
