/*
 * dyn-entropy status: what it makes of what a node tells.
 */
#include "e2e/pair.h"
#include "support/json_at.h"
#include "support/node.h"
#include "support/process.h"
#include "support/text.h"
#include "support/wait.h"

#include <chrono>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

/* ---- dyn-entropy status ---- */

struct Said {
	int status;
	std::string out, err;
};

Said status_of(std::vector<std::string> args)
{
	args.insert(args.begin(), {dyn_entropy_program(), "status"});
	Process process(args);
	const int status = process.wait();

	return {status, process.out(), process.err()};
}

TEST(Status, TellsPeopleWhatTheNodeTells)
{
	Pair pair;

	fill(pair.a_redis, 1234);
	pair.set("recon_interval_seconds", "300");
	pair.b.peers({}).start();
	pair.a.start();
	ASSERT_TRUE(pair.a.wait_rounds(1));
	ASSERT_TRUE(wait_keys(pair.b_redis, 1234));

	Said said = status_of({"--stats", loopback(stats_port(pair.a))});
	EXPECT_EQ(said.status, 0) << said.out << said.err;
	EXPECT_EQ(said.err, "");
	EXPECT_TRUE(holds(said.out, "datacenter localdc, rack localrack")) << said.out;
	EXPECT_TRUE(holds(said.out, "entropy channel: 1 rounds, 0 skipped, the next in "))
		<< said.out;
	EXPECT_TRUE(support::has_match(
		said.out, pair.b.address() + " +1 +0 +1,234 +[0-9.]+ [KM]iB +0:0[0-9] ago, closed"))
		<< said.out;
	ASSERT_TRUE(wait_until([&] {
		said = status_of({"--stats", loopback(stats_port(pair.b))});
		return holds(said.out, "received from");
	})) << said.out;
	EXPECT_TRUE(support::has_match(said.out, "\n127\\.0\\.0\\.1 +[1-9] +0 +1,234 +0 +0 "))
		<< said.out;
	EXPECT_TRUE(holds(said.out, "no target to push to")) << said.out;
	EXPECT_EQ(status_of({"-q", "--stats", loopback(stats_port(pair.b))}).out, "");
}

TEST(Status, TellsProgramsAllOfIt)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.set("stats_listen", loopback(node_port())).start();
	const Said said = status_of({"-c", node.conf_file(), "--json"});
	EXPECT_EQ(said.status, 0) << said.err;
	const size_t end = said.out.find('\n');
	const std::string first = said.out.substr(0, end), second = said.out.substr(end + 1);
	EXPECT_EQ(json_at(first, {"event"}), "status");
	EXPECT_EQ(json_at(first, {"info", "service"}), "dynomite");
	EXPECT_EQ(json_at(first, {"info", "entropy", "enabled"}), "true");
	EXPECT_EQ(second, "{\"event\":\"result\",\"command\":\"status\",\"ok\":true}\n");
}

TEST(Status, ItsExitStatusIsTheVerdict)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	fill(redis, 1);
	node.peers({loopback(node_port())}).start();
	ASSERT_TRUE(node.wait_rounds(1));
	const Said failed = status_of({"--stats", loopback(stats_port(node))});
	EXPECT_EQ(failed.status, 1);
	EXPECT_TRUE(holds(failed.out, "unreached")) << failed.out;
	EXPECT_TRUE(holds(failed.err, "did not reach every target")) << failed.err;
	const Said json = status_of({"--json", "--stats", loopback(stats_port(node))});
	EXPECT_EQ(json.status, 1);
	EXPECT_TRUE(holds(json.out, "\"ok\":false}\n")) << json.out;

	const Said nobody = status_of({"--stats", loopback(node_port())});
	EXPECT_EQ(nobody.status, 1);
	EXPECT_TRUE(holds(nobody.err, "refused")) << nobody.err;
	const Said other = status_of({"--stats", redis.address()});
	EXPECT_EQ(other.status, 1);
	EXPECT_TRUE(holds(other.err, "stats_listen")) << other.err;
	for (const std::vector<std::string> &wrong :
		std::vector<std::vector<std::string>>{{"--stats", "x"}, {"--stats", "a:0"}, {"x"}})
		EXPECT_EQ(status_of(wrong).status, 2) << wrong[0];
	EXPECT_EQ(status_of({"-c", "/nonexistent"}).status, 1);
	const Said port = status_of({"-c", node.conf_file()});
	EXPECT_EQ(port.status, 1) << "the node chose its port, and the file does not tell";
	EXPECT_TRUE(holds(port.err, "give --stats")) << port.err;
}

/* A node that accepts connections and sends nothing. */
TEST(Status, DoesNotWaitForEver)
{
	RedisServer redis;

	redis.pause();
	const auto begin = std::chrono::steady_clock::now();
	const Said said = status_of({"--stats", redis.address(), "--timeout", "300", "--json"});
	EXPECT_EQ(said.status, 1);
	EXPECT_TRUE(holds(said.out, "{\"event\":\"result\",\"command\":\"status\",\"ok\":false}"))
		<< said.out;
	EXPECT_LT(std::chrono::steady_clock::now() - begin, patient(seconds(10)));
	redis.resume();
}

} // namespace
} // namespace e2e
