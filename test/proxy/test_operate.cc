/*
 * What an operator sees of the sessions between nodes, and does about them.
 */
#include "proxy/ring.h"
#include "support/http.h"
#include "support/json_at.h"
#include "support/process.h"
#include "support/text.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

const Places kTwoRacks = {{"dc", "r1"}, {"dc", "r2"}};

/* An epoch is compared when it is over, and older than the timeout. */
const auto kConverged = seconds(40);

struct Said {
	int status;
	std::string out, err;
};

/* dyn-entropy COMMAND, asking a node. */
Said ask(const Member &m, std::vector<std::string> args)
{
	args.insert(args.begin(), dyn_entropy_program());
	args.insert(args.end(), {"--stats", loopback(m.stats_port())});
	Process process(args);
	const int status = process.wait();

	return {status, process.out(), process.err()};
}

/* Of what a node says of its sessions. */
std::string sessions(const Member &m, std::vector<std::string> path)
{
	path.insert(path.begin(), {"entropy", "sessions"});
	return json_at(http(m.stats_port(), "/info").body, path);
}

class Operated : public Ring
{
      public:
	Operated() : Ring(kTwoRacks)
	{
		set("timeout", std::to_string(patient_ms(1500)));
		set("server_retry_timeout", "300");
	}
	/* Until each node says that all is well. */
	void wait_well()
	{
		for (size_t i = 0; i < size(); i++)
			EXPECT_TRUE(
				wait_until([&] { return ask((*this)[i], {"status"}).status == 0; },
					kConverged))
				<< ask((*this)[i], {"status"}).out;
	}
};

TEST(Operate, StatusTellsOfEachPeerWhatIsSettled)
{
	Operated ring;

	ring.start();
	RedisClient one = ring[0].client();
	write_keys(one, "k", 100);
	ring.wait_well();
	const Said said = ask(ring[0], {"status"});
	EXPECT_TRUE(holds(
		said.out, "sessions: this node has all data that its peers have settled with it\n"))
		<< said.out;
	EXPECT_TRUE(has_match(said.out,
		sessions(ring[0], {"with", "0", "peer"}) +
			" +settled but for the last 0:[0-9]+; repaired [0-9]+ keys here, [0-9]+ "
			"there, 0 stay different; "))
		<< said.out;
	EXPECT_EQ(sessions(ring[0], {"peers_settled"}), "1");
	EXPECT_EQ(sessions(ring[0], {"with", "0", "mode"}), "journal");
	EXPECT_TRUE(has_match(http(ring[0].stats_port(), "/metrics").body,
		"\ndynomite_recon_peer_settled_age_seconds\\{peer=\"[^\"]+\",peer_rack=\"r2\","
		"peer_dc=\"dc\"\\} [0-9]"));
}

TEST(Operate, StatusFailsWhileNothingIsSettledWithAPeer)
{
	Operated ring;

	ring.start();
	RedisClient one = ring[0].client();
	write_keys(one, "k", 100);
	ring.wait_well();
	ring[1].node().kill9();
	ring[0].end();
	ring[0].node().start();
	ASSERT_TRUE(wait_until([&] {
		return sessions(ring[0], {"with", "0", "error"}) != "null";
	}));
	const Said said = ask(ring[0], {"status"});
	EXPECT_EQ(said.status, 1);
	EXPECT_TRUE(holds(said.out, "nothing is settled yet")) << said.out;
	EXPECT_TRUE(holds(said.out, "the last session failed: ")) << said.out;
	EXPECT_TRUE(holds(said.err, "not everything is settled with every peer")) << said.err;
	EXPECT_EQ(sessions(ring[0], {"settled_age"}), "null");
	ring[1].node().start();
	ring.wait_well();
}

} // namespace
} // namespace e2e
