/*
 * What the ring says of the peers of the channel: to the node, and to the command.
 */
#include "support/node.h"
#include "support/text.h"
#include "support/wire_bytes.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;
constexpr int64_t kKeys = 1000;

int tool(std::vector<std::string> args, std::string *output)
{
	args.insert(args.begin(), dyn_entropy_program());
	return run(args, output);
}

/*
 * Two racks of two nodes.  Node 1 is ours, 127.0.0.3 stands beside it; opposite them stand a node
 * whose channel has the port that is given, and 127.0.0.2.
 */
Settings place(const RedisServer &redis, uint16_t peer)
{
	return {
		{"listen", loopback(node_port())},
		{"dyn_listen", loopback(node_port())},
		{"stats_listen", "127.0.0.1:0"},
		{"servers", yaml_list({redis.address() + ":1"})},
		{"rack", "r1"},
		{"datacenter", "d"},
		{"tokens", "'0'"},
		{"dyn_seeds", yaml_list({loopback(static_cast<uint16_t>(peer - 4)) + ":r2:d:0",
				      "127.0.0.2:8101:r2:d:2147483648",
				      "127.0.0.3:8101:r1:d:2147483648"})},
		{"recon_enabled", "true"},
		{"recon_encrypt", "false"},
		{"recon_listen", loopback(node_port())},
	};
}

class TargetsTool : public testing::Test
{
      protected:
	TempDir dir_;
	RedisServer from_, to_;
	uint16_t port_ = node_port();
	std::string said_;

	void SetUp() override
	{
		std::vector<RedisClient::Args> all;

		for (int64_t i = 0; i < kKeys; i++)
			all.push_back({"SET", "key " + std::to_string(i), "value"});
		from_.connect().pipeline(all);
	}
	std::string write(const Settings &settings)
	{
		return dir_.write("dynomite.yml", yaml(settings));
	}
};

TEST_F(TargetsTool, PushesWhatTheNodeWould)
{
	const std::string conf = write(place(from_, port_));
	Process r({dyn_entropy_program(), "receive", "--plaintext", "--listen", loopback(port_),
		"--redis", to_.address()});

	ASSERT_TRUE(r.wait_output("listening on")) << r.output();
	EXPECT_EQ(kDone, tool({"push", "-c", conf}, &said_)) << said_;
	const int64_t owned = to_.connect().dbsize();
	EXPECT_GT(owned, kKeys / 4) << said_;
	EXPECT_LT(owned, kKeys * 3 / 4) << "those of the node beside it are not its own";
	EXPECT_TRUE(holds(said_, "127.0.0.2:8105 is sent nothing: it shares no keys")) << said_;
	EXPECT_TRUE(holds(said_, "127.0.0.3:8105 is sent nothing: it shares no keys")) << said_;
	/* One that is named is known as well. */
	EXPECT_EQ(kDone, tool({"push", "-c", conf, "--to", loopback(port_)}, &said_)) << said_;
	EXPECT_EQ(owned, to_.connect().dbsize());
	/* Without a place in the ring every key is sent. */
	EXPECT_EQ(kDone,
		tool({"push", "--plaintext", "--redis", from_.address(), "--to", loopback(port_)},
			&said_))
		<< said_;
	EXPECT_EQ(kKeys, to_.connect().dbsize());
}

TEST_F(TargetsTool, ConfSaysWhatTheNodeWouldDo)
{
	Settings settings = place(from_, port_);

	EXPECT_EQ(kDone, tool({"conf", "-c", write(settings)}, &said_)) << said_;
	EXPECT_TRUE(holds(said_, loopback(port_) + ": the keys that it owns")) << said_;
	EXPECT_TRUE(holds(said_, "127.0.0.3:8105: nothing: it shares no keys")) << said_;
	settings["recon_peers"] = yaml_list({"127.0.0.3:31399", "127.0.0.9:31399"});
	EXPECT_EQ(kDone, tool({"conf", "--json", "-c", write(settings)}, &said_)) << said_;
	EXPECT_TRUE(holds(said_, "\"peer\":\"127.0.0.3:31399\",\"sent\":\"nothing")) << said_;
	EXPECT_TRUE(holds(said_, "\"peer\":\"127.0.0.9:31399\",\"sent\":\"every key\"")) << said_;
	EXPECT_TRUE(holds(said_, "recon_peers: 127.0.0.9:31399 is no node of dyn_seeds and is sent "
				 "every key"))
		<< said_;
	EXPECT_FALSE(holds(said_, "127.0.0.3:31399 is no node")) << said_;
	EXPECT_EQ(kDone, run({dynomite_program(), "-t", "-c", dir_.file("dynomite.yml")}, &said_));
	EXPECT_TRUE(holds(said_, "127.0.0.9:31399 is no node of dyn_seeds")) << said_;
}

TEST_F(TargetsTool, WithNobodyToPushToItSaysWhy)
{
	Settings settings = place(from_, port_);

	settings["recon_peers"] = yaml_list({"127.0.0.3:8105"});
	EXPECT_EQ(kUsage, tool({"push", "-c", write(settings)}, &said_)) << said_;
	EXPECT_TRUE(holds(said_, "shares keys with this node")) << said_;
	EXPECT_EQ(0u, to_.connect().dbsize());
}

/* A target that does not accept connections is an error even if there is nothing to send. */
TEST_F(TargetsTool, APeerThatIsAwayIsAnErrorOfAnEmptyPush)
{
	EXPECT_EQ(kFailed,
		tool({"push", "--plaintext", "--redis", to_.address(), "--to", loopback(port_)},
			&said_))
		<< said_;
	EXPECT_TRUE(holds(said_, loopback(port_))) << said_;
}

/* Of the dyn_listen of a node, of its listen, and of its Redis nothing can be healed. */
TEST(TargetsNode, NeverCallsHealedWhatIsNoReceiver)
{
	const KeyFiles keys;
	RedisServer redis, other_redis;
	Node node(redis.address(), &keys), other(other_redis.address(), &keys);
	const std::string link = loopback(node_port()), clients = loopback(node_port());

	redis.connect().set("k", noise(100000)); /* holds what ends a line */
	other.set("listen", clients).set("dyn_listen", link).set("datacenter", "d");
	other.set("rack", "r2").set("tokens", "'0'").set("recon_peers", "").start();
	node.set("listen", loopback(node_port())).set("dyn_listen", loopback(node_port()));
	node.set("datacenter", "d").set("rack", "r1").set("tokens", "'0'");
	node.set("dyn_seeds", yaml_list({link + ":r2:d:0"})).set("recon_protocol", "1");
	node.peers({link, clients, other_redis.address()}).start();
	EXPECT_TRUE(node.wait_log(link + " is the dyn_listen of a node")) << node.log();
	for (const std::string &to : {link, clients, other_redis.address()})
		EXPECT_TRUE(node.wait_log("entropy: to " + to +
					  ": taken by something that is no "
					  "receiver"))
			<< node.log();
	EXPECT_TRUE(node.wait_log("entropy: round 3: ")) << node.log();
	EXPECT_EQ(0, node.stop());
	EXPECT_EQ(0u, node.counted("peers_exchanged")) << node.log();
}

TEST(TargetsNode, SaysWhyItPushesToNobody)
{
	const KeyFiles keys;
	RedisServer redis;
	Node node(redis.address(), &keys);

	node.set("listen", loopback(node_port())).set("dyn_listen", loopback(node_port()));
	node.set("rack", "r1").set("datacenter", "d").set("tokens", "'0'").set("recon_peers", "");
	node.set("dyn_seeds", yaml_list({"127.0.0.3:8101:r1:d:2147483648"}));
	node.start();
	EXPECT_EQ(1u, node.logged("127.0.0.3:8105 is sent nothing: it shares no keys"))
		<< node.log();
	EXPECT_EQ(1u, node.logged("none of the 1 targets shares keys with this node"))
		<< node.log();
	EXPECT_EQ(0u, node.logged("no target is known")) << node.log();
	EXPECT_EQ(0, node.stop());
}

} // namespace
} // namespace e2e
