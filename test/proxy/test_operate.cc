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
	/* One writes what the other does not get. */
	void miss(const std::string &prefix, size_t n)
	{
		EXPECT_TRUE(http((*this)[0].stats_port(), "/peer/down/all").ok());
		RedisClient one = (*this)[0].client();
		write_keys(one, prefix, n);
		EXPECT_TRUE(http((*this)[0].stats_port(), "/peer/up/all").ok());
		wait_peers();
	}
	size_t count(size_t i, const std::string &prefix, size_t n)
	{
		RedisClient store = (*this)[i].store();

		return count_keys(store, prefix, n);
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

TEST(Operate, ReconcileReturnsWhenAllThatWasWrittenIsSettled)
{
	Operated ring;

	ring.start();
	ring.wait_well();
	ring.miss("missed", 200);
	const Said said = ask(ring[0], {"reconcile"});
	EXPECT_EQ(said.status, 0) << said.out << said.err;
	EXPECT_EQ(ring.count(1, "missed", 200), 200u);
	EXPECT_TRUE(has_match(said.out,
		"127\\.0\\.0\\.1:[0-9]+ +settled\n[0-9]+ keys compared, 0 repaired here, "
		"[0-9]+ there, 0 stay different\n$"))
		<< said.out;
	/* The other one too, and one peer by its name. */
	const std::string peer = sessions(ring[1], {"with", "0", "peer"});
	const Said other = ask(ring[1], {"reconcile", peer, "--json"});
	EXPECT_EQ(other.status, 0) << other.err;
	const size_t at = other.out.find("{\"event\":\"result\"");
	ASSERT_NE(at, std::string::npos) << other.out;
	EXPECT_EQ(json_at(other.out.substr(at), {"ok"}), "true");
	EXPECT_EQ(json_at(other.out.substr(at), {"settled"}), "1");
}

TEST(Operate, ReconcileComparesEveryKeyWhenAsked)
{
	Operated ring;

	ring.start();
	RedisClient one = ring[0].client();
	write_keys(one, "k", 1000);
	ring.wait_well();
	const Said first = ask(ring[0], {"reconcile", "--full"});
	EXPECT_EQ(first.status, 0) << first.out << first.err;
	one.set("odd\n", "written");
	EXPECT_EQ(ask(ring[0], {"reconcile"}).status, 0);
	/* Past the nodes, when no journal knows of the keys any more. */
	for (const size_t i : {0u, 1u})
		EXPECT_TRUE(wait_until(
			[&] {
				return holds(http(ring[i].stats_port(), "/metrics").body,
					"\ndynomite_recon_journal_entries 0\n");
			},
			std::chrono::seconds(60)));
	ring[1].store().set("odd\n", "by hand");
	ring[1].store().set("k1", "by hand");
	const Said recent = ask(ring[0], {"reconcile"});
	EXPECT_EQ(recent.status, 0) << recent.out << recent.err;
	const Said full = ask(ring[0], {"reconcile", "--full"});
	EXPECT_EQ(full.status, 1) << full.out << full.err;
	EXPECT_TRUE(holds(full.err, "2 keys stay different")) << full.out << full.err;
	const Said listed = ask(ring[0], {"conflicts"});
	EXPECT_EQ(listed.status, 0) << listed.err;
	EXPECT_EQ(matches_in(listed.out, "\n    differs from ").size(), 2u) << listed.out;
	EXPECT_TRUE(has_match(listed.out, "odd\\\\n\n    differs from 127\\.0\\.0\\.1:[0-9]+: "
					  "nothing says which value is right; "
					  "found 0:[0-9]+ ago\n"))
		<< listed.out;
	EXPECT_EQ(ring[0].node().logged("odd"), 0u) << "no key in the log";
	/* A client decides; then they are equal, and a comparison finds so. */
	one.set("odd\n", "decided");
	one.set("k1", "decided");
	EXPECT_EQ(ask(ring[0], {"reconcile", "--full"}).status, 0);
	EXPECT_EQ(ask(ring[0], {"conflicts"}).out, "");
}

TEST(Operate, ReconcileSaysWhatCannotBeSettled)
{
	Operated ring;

	ring.start();
	ring.wait_well();
	const Said unknown = ask(ring[0], {"reconcile", "nobody"});
	EXPECT_EQ(unknown.status, 1);
	EXPECT_TRUE(holds(unknown.err, "no such peer")) << unknown.err;
	ring[1].node().kill9();
	const Said gone = ask(ring[0], {"reconcile", "--wait", "2"});
	EXPECT_EQ(gone.status, 1);
	EXPECT_TRUE(holds(gone.err, "not everything is settled in the time given")) << gone.err;
	EXPECT_TRUE(holds(gone.out, "NOT settled\n    the last session failed: ")) << gone.out;
	EXPECT_EQ(ask(ring[0], {"reconcile", "a", "b"}).status, 2);
	ring[1].node().start();
}

TEST(Operate, APausedNodeHasNoSessions)
{
	Operated ring;

	ring.start();
	ring.wait_well();
	EXPECT_EQ(ask(ring[0], {"pause"}).status, 0);
	EXPECT_TRUE(holds(ask(ring[0], {"status"}).out, "PAUSED"));
	const Said refused = ask(ring[0], {"reconcile"});
	EXPECT_EQ(refused.status, 1);
	EXPECT_TRUE(holds(refused.err, "sessions are paused")) << refused.err;
	/* It refuses those of its peers as well. */
	const Said peer = ask(ring[1], {"reconcile", "--wait", "2"});
	EXPECT_EQ(peer.status, 1);
	EXPECT_TRUE(holds(peer.out, "NOT settled")) << peer.out;
	EXPECT_EQ(sessions(ring[0], {"sessions_running"}), "0");
	EXPECT_EQ(sessions(ring[0], {"paused"}), "true");

	ring.miss("missed", 100);
	EXPECT_EQ(ask(ring[0], {"resume"}).status, 0);
	EXPECT_FALSE(holds(ask(ring[0], {"status"}).out, "PAUSED"));
	EXPECT_EQ(ask(ring[0], {"reconcile"}).status, 0);
	EXPECT_EQ(ring.count(1, "missed", 100), 100u);
}

} // namespace
} // namespace e2e
