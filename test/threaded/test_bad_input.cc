/*
 * What the network may bring.  Each case ends with one line in the log and one count, leaves
 * nothing of itself in Redis, and the next peer is served.
 */
#include "e2e/dataset.h"
#include "e2e/wire_client.h"
#include "support/node.h"
#include "support/resp.h"
#include "support/sanitized.h"
#include "support/wait.h"
#include "threaded/bad_streams.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using namespace support;
using End = WireClient::End;

/* A sanitizer keeps what was freed. */
#if SANITIZED
constexpr size_t kTolerableKib = 1024 * 1024;
#else
constexpr size_t kTolerableKib = 4 * 1024;
#endif

class BadInput : public testing::Test
{
      protected:
	const KeyFiles keys;
	RedisServer redis;
	RedisClient client = redis.connect();
	Node node{redis.address(), &keys};
	size_t bad = 0, good = 0, turned_away = 0;
	std::string foreign; /* RESTORE of a key that must never appear */

	void SetUp() override
	{
		node.set("recon_timeout", "1000");
		node.set("recon_max_snapshot_bytes", std::to_string(kMaxSnapshot));
		foreign = restore_string(client, "foreign", "value");
	}
	void TearDown() override
	{
		EXPECT_EQ(node.stop(), 0);
		EXPECT_EQ(node.counted("connections_failed"), bad);
		EXPECT_EQ(node.counted("connections_turned_away"), turned_away);
		EXPECT_EQ(node.counted("snapshots_committed"), good);
		EXPECT_EQ(node.counted("connections"), bad + good);
		EXPECT_EQ(node.logged("not applied"), bad + turned_away);
		EXPECT_EQ(node.logged("entropy: from "), bad + turned_away + good);
	}

	/* A peer in good order is served, and so were all before it. */
	void expect_service()
	{
		const std::string key = "good" + std::to_string(++good);

		EXPECT_EQ(send_whole(node.port(),
				  whole_stream(&keys, restore_string(client, key, "value"))),
			End::kClosed)
			<< node.log();
		EXPECT_EQ(client.get(key), "value");
		EXPECT_FALSE(client.exists("foreign")) << "what was refused was applied";
		EXPECT_EQ(static_cast<size_t>(client.dbsize()), good);
	}

	/* One more connection was refused, and these words were logged once. */
	void expect_refusal(const std::string &words)
	{
		bad++;
		ASSERT_TRUE(node.wait_log("not applied", bad + turned_away)) << node.log();
		const std::vector<std::string> lines = node.log_lines("not applied");
		ASSERT_EQ(lines.size(), bad + turned_away) << node.log();
		EXPECT_NE(lines.back().find(words), std::string::npos)
			<< "'" << words << "' is not in: " << lines.back();
	}

	/* The whole of it is refused. */
	void expect_refused(const std::string &stream, const std::string &words)
	{
		EXPECT_EQ(send_whole(node.port(), stream), End::kReset);
		expect_refusal(words);
	}

	/* Memory after as much work of the good kind as the bad will be. */
	size_t settled_memory()
	{
		for (int i = 0; i < 100; i++)
			expect_service();
		return node.resident_kib();
	}
};

TEST_F(BadInput, EveryRefusalLeavesTheNodeServing)
{
	node.start();
	const size_t before = settled_memory();

	for (int round = 0; round < 3; round++)
		for (const auto cases : {bad_headers, bad_chunks, bad_contents})
			for (const BadStream &c : cases(keys, foreign)) {
				SCOPED_TRACE(c.name);
				expect_refused(c.stream, c.words);
				expect_service();
			}
	EXPECT_LE(node.resident_kib(), before + kTolerableKib);
}

/* Not refused by the channel, but by Redis: what there was to apply is not taken back. */
TEST_F(BadInput, APayloadThatRedisRefusesIsCountedAndSaid)
{
	node.start();
	EXPECT_EQ(send_whole(node.port(), whole_stream(&keys, resp({"RESTORE", "foreign", "0",
								      "no payload", "ABSTTL"}))),
		End::kReset);
	expect_refusal("1 of 1 commands failed");
	expect_service();
}

TEST_F(BadInput, WhatIsClaimedIsNotAllocated)
{
	std::vector<std::unique_ptr<WireClient>> clients;

	node.set("recon_max_snapshot_bytes", "").set("recon_timeout", "20000").start();
	const size_t before = settled_memory(), idle = node.descriptors();
	for (int i = 0; i < 4; i++) {
		clients.push_back(std::make_unique<WireClient>(node.port()));
		clients.back()->send(negotiation({0x64640001, 1, 1024, kMaxSize - 16, kMaxSize}) +
				     snapshot_header(0xfffffffe, 1, 1024) +
				     chunk(kMaxSize, std::string(100, 'x')));
	}
	ASSERT_TRUE(wait_until([&] { return node.descriptors() >= idle + 4; }));
	expect_service();
	EXPECT_LE(node.resident_kib(), before + kTolerableKib);
	clients.clear();
	for (int i = 0; i < 4; i++)
		bad++;
	EXPECT_TRUE(node.wait_log("not applied", bad)) << node.log();
	expect_service();
}

/* Eight at a time, in the largest chunks, to their last byte. */
TEST_F(BadInput, WhatWasRefusedTakesNoMemoryWithIt)
{
	constexpr size_t kPeers = 8;
	const std::string plain = resp({"SET", "foreign", std::string(16 * 1024 * 1024, 'x')});
	std::string stream = negotiation({0x64640001, 1, 8, kMaxSize - 16, kMaxSize}) +
			     snapshot_header(static_cast<uint32_t>(plain.size()), 1);

	for (size_t at = 0; at < plain.size(); at += kMaxSize - 16)
		stream += chunk(encrypt(keys, plain.substr(at, kMaxSize - 16)));
	node.set("recon_timeout", "60000").set("recon_max_connections", "8").start();
	const size_t before = settled_memory();
	for (int round = 0; round < 2; round++) {
		std::vector<std::unique_ptr<WireClient>> peers;

		for (size_t i = 0; i < kPeers; i++) {
			peers.push_back(std::make_unique<WireClient>(node.port()));
			ASSERT_TRUE(peers[i]->send(stream.substr(0, stream.size() - 1)));
		}
		for (auto &p : peers) {
			p->send(stream.substr(stream.size() - 1));
			p->half_close();
		}
		for (auto &p : peers)
			EXPECT_EQ(p->wait_end(), End::kReset);
		bad += kPeers;
		ASSERT_TRUE(node.wait_log("is not RESTORE", bad)) << node.log();
	}
	EXPECT_TRUE(wait_until([&] { return node.resident_kib() <= before + kTolerableKib; }))
		<< before << " KiB before, " << node.resident_kib() << " KiB now";
	expect_service();
}

TEST_F(BadInput, APeerMayVanishAtAnyByte)
{
	const std::string stream = whole_stream(&keys, foreign);

	node.start();
	const size_t before = settled_memory();
	for (size_t n = 0; n < stream.size(); n++) {
		WireClient peer(node.port());
		ASSERT_TRUE(peer.send(stream.substr(0, n)));
		if (n % 2 == 0)
			peer.reset();
		bad++;
	}
	/* All of it, but the end is a reset. */
	WireClient peer(node.port());
	ASSERT_TRUE(peer.send(stream));
	peer.reset();
	bad++;
	ASSERT_TRUE(node.wait_log("not applied", bad)) << node.log();
	expect_service();
	EXPECT_LE(node.resident_kib(), before + kTolerableKib);
}

/* ---- Peers that are slow ---- */

/* Send a piece every few milliseconds until the node ends the connection; how long that took. */
milliseconds drip(WireClient &peer, const std::string &piece, milliseconds pause)
{
	const auto begin = steady_clock::now();

	while (peer.wait_end(pause) == End::kOpen && steady_clock::now() - begin < seconds(20))
		if (!piece.empty() && !peer.send(piece))
			break;
	return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

TEST_F(BadInput, TheSlowAreGivenUpInTime)
{
	const std::string head = negotiation() + snapshot_header(1000000, 1);
	const std::string trickle = chunk(encrypt(keys, "a trickle"));
	const struct {
		const char *name, *words;
		std::string first, piece;
		milliseconds pause;
	} slow[] = {
		{"silent", "headers did not arrive within 1000 ms", "", "", seconds(20)},
		{"half a header", "headers did not arrive within 1000 ms",
			negotiation().substr(0, 10), "", seconds(20)},
		{"a byte now and then", "headers did not arrive within 1000 ms", "", "d",
			milliseconds(100)},
		{"silent in a chunk", "sent nothing for 1000 ms", head + trickle.substr(0, 9), "",
			seconds(20)},
		{"a trickle of chunks", "less than 65536 bytes a second", head, trickle,
			milliseconds(20)},
	};

	node.start();
	for (const auto &s : slow) {
		SCOPED_TRACE(s.name);
		WireClient peer(node.port());
		ASSERT_TRUE(peer.send(s.first));
		const milliseconds took = drip(peer, s.piece, s.pause);
		EXPECT_GE(took, milliseconds(900)) << "it was given up too soon";
		EXPECT_LE(took, patient(milliseconds(8000))) << "it was borne with for too long";
		expect_refusal(s.words);
		expect_service();
	}
}

TEST_F(BadInput, HeadersHaveFiveSecondsAtTheMost)
{
	node.set("recon_timeout", "60000").start();
	WireClient peer(node.port());
	const milliseconds took = drip(peer, "", seconds(20));
	EXPECT_GE(took, milliseconds(4900));
	EXPECT_LE(took, patient(milliseconds(15000)));
	expect_refusal("headers did not arrive within 5000 ms");
	expect_service();
}

/* ---- More than the node can take ---- */

TEST_F(BadInput, MoreConnectionsThanWorkers)
{
	/* Fast enough to be borne with for as long as it takes. */
	const std::string head = negotiation() + snapshot_header(kMaxSnapshot, 1);
	const std::string one = chunk(encrypt(keys, std::string(1008, 'x')));
	const std::string piece = one + one + one + one;
	const auto keep_sending = [&](std::vector<WireClient *> peers, auto until) {
		return wait_until([&] {
			for (WireClient *p : peers)
				p->send(piece);
			return until();
		});
	};

	node.set("recon_max_connections", "2").start();
	const size_t idle = node.descriptors();
	WireClient a(node.port()), b(node.port());
	a.send(head);
	b.send(head);
	ASSERT_TRUE(keep_sending({&a, &b}, [&] { return node.descriptors() >= idle + 2; }));
	WireClient third(node.port());
	EXPECT_TRUE(keep_sending(
		{&a, &b}, [&] { return third.wait_end(milliseconds(1)) == End::kReset; }));
	turned_away++;
	ASSERT_TRUE(node.wait_log("all workers are busy (recon_max_connections)")) << node.log();
	/* One that comes while they are busy is served when one of them goes. */
	WireClient fourth(node.port());
	fourth.send(whole_stream(&keys, restore_string(client, "fourth", "value")));
	fourth.half_close();
	a.reset();
	bad++;
	EXPECT_TRUE(keep_sending({&b}, [&] {
		return fourth.wait_end(milliseconds(1)) == End::kClosed;
	})) << node.log();
	EXPECT_EQ(client.get("fourth"), "value");
	good++;
	b.reset();
	bad++;
	ASSERT_TRUE(node.wait_log("not applied", bad + turned_away)) << node.log();
	expect_service();
}

/* Change a limit of the running node. */
class Limit
{
      public:
	Limit(pid_t pid, __rlimit_resource what, rlim_t value) : pid_(pid), what_(what)
	{
		struct rlimit now = {};

		if (prlimit(pid_, what_, nullptr, &before_) != 0)
			throw std::runtime_error("no limit to be had");
		now = before_;
		now.rlim_cur = value;
		if (prlimit(pid_, what_, &now, nullptr) != 0)
			throw std::runtime_error("no limit to be set");
	}
	~Limit()
	{
		prlimit(pid_, what_, &before_, nullptr);
	}
	Limit(const Limit &) = delete;
	Limit &operator=(const Limit &) = delete;

      private:
	pid_t pid_;
	__rlimit_resource what_;
	struct rlimit before_ = {};
};

/* The lowest descriptor that a process does not use. */
rlim_t lowest_free(pid_t pid)
{
	std::vector<rlim_t> used;
	rlim_t lowest = 0;

	for (const auto &entry :
		std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
		used.push_back(std::stoul(entry.path().filename().string()));
	while (std::find(used.begin(), used.end(), lowest) != used.end())
		lowest++;
	return lowest;
}

TEST_F(BadInput, NoDescriptorIsLeft)
{
	constexpr size_t kTries = 5;

	node.start();
	const size_t idle = node.descriptors();
	expect_service();
	/* The worker's own are closed after the sender got its reply. */
	const pid_t pid = node.process().pid();
	ASSERT_TRUE(wait_until([&] { return node.descriptors() == idle; }));
	{
		const Limit limit(pid, RLIMIT_NOFILE, lowest_free(pid));
		for (size_t i = 0; i < kTries; i++) {
			EXPECT_EQ(
				send_whole(node.port(), whole_stream(&keys, foreign)), End::kReset);
			turned_away++;
		}
		EXPECT_TRUE(node.wait_log("no descriptor is left", kTries)) << node.log();
	}
	{
		/* Enough for the connection, not for the one to Redis.  It is told before the last
		 * one is closed, and the spare descriptor is taken back. */
		ASSERT_TRUE(wait_until([&] { return node.descriptors() == idle; }));
		const Limit limit(pid, RLIMIT_NOFILE, lowest_free(pid) + 1);
		EXPECT_EQ(send_whole(node.port(), whole_stream(&keys, foreign)), End::kReset);
		expect_refusal("sink error");
	}
	expect_service();
}

TEST_F(BadInput, TheSpoolIsFull)
{
	const std::string plain = foreign + resp({"RESTORE", "large", "0",
						    std::string(18 * 1024 * 1024, 'x'), "ABSTTL"});

	node.start();
	expect_service();
	{
		const Limit limit(node.process().pid(), RLIMIT_FSIZE, 1024 * 1024);
		expect_refused(whole_stream(&keys, plain), "cannot write to the spool file");
		EXPECT_EQ(node.logged("free some space or choose another directory"), 1u);
		/* What fits in memory goes on. */
		expect_service();
	}
	/* Now it is Redis that refuses it: the spool took it. */
	EXPECT_EQ(send_whole(node.port(), whole_stream(&keys, plain)), End::kReset);
	expect_refusal("1 of 2 commands failed");
	EXPECT_EQ(client.cmd("GETDEL", "foreign"), "value");
	expect_service();
	for (const auto &entry : std::filesystem::directory_iterator(node.dir().path()))
		EXPECT_LT(entry.file_size(), 1024u * 1024) << "it has left " << entry.path();
}

/* A sender must not take a snapshot for applied when the receiver was killed. */
TEST_F(BadInput, AReceiverThatIsKilledResetsWhatItHasNotApplied)
{
	node.set("recon_timeout", "30000").start();
	const size_t idle = node.descriptors();
	WireClient peer(node.port());

	redis.pause();
	ASSERT_TRUE(peer.send(whole_stream(&keys, foreign)));
	peer.half_close();
	/* The connection and its way to Redis: it has read all, and applies. */
	ASSERT_TRUE(wait_until([&] { return node.descriptors() >= idle + 2; }));
	node.kill9();
	EXPECT_EQ(peer.wait_end(), End::kReset);
	redis.resume();
	node.start();
}

} // namespace
} // namespace e2e
