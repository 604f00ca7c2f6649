#include "e2e/redis_channel.h"
#include "support/joining_thread.h"
#include "support/owned.h"
#include "support/redis_server.h"
#include "support/resp.h"
#include "support/sanitized.h"
#include "support/stopper.h"
#include "support/text.h"
#include "support/wait.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>

using channel::calls;
using channel::Endpoint;
using channel::fill;
using channel::keys_of;
using channel::kFar;
using channel::Scan;
using support::holds;
using support::RedisClient;
using support::RedisServer;
using Clock = std::chrono::steady_clock;

namespace
{

class SourceScan : public testing::Test
{
      protected:
	RedisServer server;
	RedisClient client = server.connect();
	Endpoint endpoint{server.address()};
};

TEST_F(SourceScan, AnEmptyRedisHasNoSnapshot)
{
	Scan scan(endpoint);

	EXPECT_FALSE(scan.next());
	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_FALSE(scan.next());
	EXPECT_EQ(DYN_ENTROPY_END, scan.status);
	EXPECT_EQ(0u, scan.totals().keys);
}

TEST_F(SourceScan, EveryKeyIsInTheSnapshots)
{
	fill(client, 20000, 30);
	Scan scan(endpoint);
	const std::map<std::string, int> keys = keys_of(scan.drain());

	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_EQ(20000u, keys.size());
	EXPECT_EQ(20000u, scan.totals().keys_expected);
	EXPECT_EQ(0u, scan.totals().not_owned);
	EXPECT_EQ(0u, scan.totals().not_carried);
}

TEST_F(SourceScan, ACommandIsOneRestore)
{
	client.cmd("SET", "k", "v", "PXAT", kFar);
	Scan scan(endpoint);

	ASSERT_TRUE(scan.next()) << scan.message();
	const std::string bytes = scan.read();
	EXPECT_EQ(scan.len, bytes.size());
	EXPECT_EQ(support::resp({"RESTORE", "k", kFar, client.cmd("DUMP", "k"), "ABSTTL"}), bytes);
	EXPECT_FALSE(scan.next());
	client.cmd("PERSIST", "k");
	Scan again(endpoint);
	ASSERT_TRUE(again.next());
	EXPECT_EQ("0", support::parse_commands(again.read()).at(0).at(2));
}

TEST_F(SourceScan, SegmentsStayWithinTheirSize)
{
	constexpr uint32_t kSegment = 20000;
	dyn_entropy_source_options options = {};

	options.segment_bytes = kSegment;
	fill(client, 3000, 40);
	client.set("large", std::string(100, 'x') + std::string(50000, 'y'));
	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	Scan scan(endpoint, options);
	std::vector<std::string> snapshots;
	size_t large = 0;
	while (scan.next()) {
		snapshots.push_back(scan.read());
		EXPECT_EQ(scan.len, snapshots.back().size());
		if (snapshots.back().size() > kSegment) {
			large++;
			EXPECT_EQ("large", support::parse_commands(snapshots.back()).at(0).at(1));
			EXPECT_EQ(1u, support::parse_commands(snapshots.back()).size());
		}
	}
	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_EQ(1u, large);
	EXPECT_GT(snapshots.size(), 10u);
	const std::map<std::string, int> keys = keys_of(snapshots);
	EXPECT_EQ(3001u, keys.size());
	for (const auto &k : keys)
		EXPECT_EQ(1, k.second) << k.first;
	EXPECT_EQ(3001u, scan.totals().keys);
}

TEST_F(SourceScan, ASnapshotMayBeLeftUnread)
{
	dyn_entropy_source_options options = {};
	std::set<std::string> keys;

	options.segment_bytes = 20000;
	fill(client, 1000, 40);
	Scan scan(endpoint, options);
	ASSERT_TRUE(scan.next());
	ASSERT_TRUE(scan.next());
	const std::string second = scan.read();
	EXPECT_EQ(scan.len, second.size());
	EXPECT_EQ("RESTORE", support::parse_commands(second).at(0).at(0));
}

struct Owner {
	uint64_t asked = 0;
	RedisClient *deletes = nullptr; /* every third key, before it can be read */
	std::set<std::string> gone;

	static bool owns(void *arg, const void *key, size_t len)
	{
		auto *o = static_cast<Owner *>(arg);
		const std::string name(static_cast<const char *>(key), len);

		o->asked++;
		if (!o->deletes)
			return name.back() == '7';
		if (o->asked % 3 == 0) {
			o->deletes->cmd("DEL", name);
			o->gone.insert(name);
		}
		return true;
	}
};

TEST_F(SourceScan, OnlyOwnedKeysAreRead)
{
	Owner owner;
	dyn_entropy_source_options options = {};

	options.owns = Owner::owns;
	options.owns_arg = &owner;
	fill(client, 1000, 10);
	Scan scan(endpoint, options);
	const std::map<std::string, int> keys = keys_of(scan.drain());
	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_EQ(100u, keys.size());
	for (const auto &k : keys)
		EXPECT_EQ('7', k.first.back());
	EXPECT_EQ(900u, scan.totals().not_owned);
	EXPECT_EQ(100u, scan.totals().keys);
	EXPECT_EQ(100u, scan.totals().keys_expected);
	EXPECT_EQ(100, calls(client, "dump"));
}

TEST_F(SourceScan, KeysThatVanishAreLeftOut)
{
	RedisClient other = server.connect();
	Owner owner;
	dyn_entropy_source_options options = {};

	owner.deletes = &other;
	options.owns = Owner::owns;
	options.owns_arg = &owner;
	fill(client, 999, 10);
	Scan scan(endpoint, options);
	const std::map<std::string, int> keys = keys_of(scan.drain());
	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_EQ(333u, owner.gone.size());
	EXPECT_EQ(666u, keys.size());
	for (const std::string &gone : owner.gone)
		EXPECT_EQ(0u, keys.count(gone));
	EXPECT_EQ(666u, scan.totals().keys);
}

/*
 * Writes that set both at once meanwhile show only as they were made.  The names are long, so that
 * Redis takes a batch in several reads and would serve the writer in between.
 */
TEST_F(SourceScan, AValueAndItsDeadlineBelongTogether)
{
	constexpr int kKeys = 100, kValues = 10;
	const std::string prefix(20000, 'k'), deadline = "410244480000";
	std::map<std::string, std::string> payload_of;
	std::vector<RedisClient::Args> sets[kValues];
	std::atomic<bool> stop{false};
	RedisClient other = server.connect();

	for (int d = 0; d < kValues; d++) {
		client.set("sample", "value" + std::to_string(d));
		payload_of[deadline + std::to_string(d)] = client.cmd("DUMP", "sample");
		for (int k = 0; k < kKeys; k++)
			sets[d].push_back({"SET", prefix + std::to_string(k),
				"value" + std::to_string(d), "PXAT", deadline + std::to_string(d)});
	}
	client.cmd("DEL", "sample");
	other.pipeline(sets[0]);
	support::JoiningThread writer(
		[&] {
			for (int i = 0; !stop; i++)
				other.pipeline(sets[i % kValues]);
		},
		[&] { stop = true; });
	std::set<std::string> seen;
	const auto limit = Clock::now() + std::chrono::seconds(20);
	for (int i = 0; (i < 40 || seen.size() < 5) && Clock::now() < limit; i++) {
		Scan scan(endpoint);
		for (const std::string &s : scan.drain())
			for (const auto &args : support::parse_commands(s)) {
				seen.insert(args.at(2));
				EXPECT_EQ(payload_of[args.at(2)], args.at(3));
			}
	}
	stop = true;
	writer.join();
	EXPECT_GE(seen.size(), 5u);
}

TEST_F(SourceScan, PacedItReadsInSmallBatchesUnderItsRate)
{
	constexpr int kKeys = 600;
	dyn_entropy_source_options options = {};

	fill(client, kKeys, 1000);
	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	options.max_rate = 500000; /* some 600 kB in all */
	const auto begin = Clock::now();
	Scan scan(endpoint, options);
	EXPECT_EQ(static_cast<size_t>(kKeys), keys_of(scan.drain()).size());
	const auto took = Clock::now() - begin;
	EXPECT_GE(took, std::chrono::milliseconds(1000));
	EXPECT_LT(took, support::patient(std::chrono::seconds(10)));
	EXPECT_GE(calls(client, "exec"), kKeys / 20);

	options.max_rate = 0;
	const int64_t before = calls(client, "exec");
	Scan flat_out(endpoint, options);
	EXPECT_EQ(static_cast<size_t>(kKeys), keys_of(flat_out.drain()).size());
	EXPECT_LT(calls(client, "exec") - before, kKeys / 20);
}

TEST_F(SourceScan, LargeValuesAreReadFewAtATime)
{
	fill(client, 40, 1 << 20);
	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	Scan scan(endpoint);
	EXPECT_EQ(40u, keys_of(scan.drain()).size());
	EXPECT_GE(calls(client, "exec"), 10);
}

/* Those of this process at their highest since reset_peak(). */
size_t peak_kib()
{
	std::ifstream status("/proc/self/status");
	std::string line;

	while (std::getline(status, line))
		if (line.compare(0, 6, "VmHWM:") == 0)
			return std::stoul(line.substr(6));
	throw std::runtime_error("no VmHWM");
}

void reset_peak()
{
	std::ofstream("/proc/self/clear_refs") << "5";
}

/* What a segment holds in memory, and some; a sanitizer keeps what was freed. */
#if SANITIZED
constexpr size_t kScanKib = 1024 * 1024;
#else
constexpr size_t kScanKib = 24 * 1024;
#endif

TEST_F(SourceScan, MemoryIsBoundedHoweverLargeTheValues)
{
	constexpr size_t kLarge = 40 << 20;

	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	for (int i = 0; i < 6; i++)
		client.cmd("SETRANGE", "large" + std::to_string(i), kLarge - 1, "x");
	Scan scan(endpoint);
	reset_peak();
	const size_t before = peak_kib();
	size_t snapshots = 0;
	for (; scan.next(); snapshots++)
		EXPECT_GT(scan.len, kLarge);
	EXPECT_EQ(DYN_ENTROPY_END, scan.status) << scan.message();
	EXPECT_EQ(6u, snapshots);
	EXPECT_LT(peak_kib() - before, kScanKib);
	/* One at a time from the first on.  The five that found a snapshot begun were read again if
	 * the machine is so slow that they had become old. */
	EXPECT_GE(calls(client, "exec"), 6);
	EXPECT_LE(calls(client, "exec"), 11);
}

TEST_F(SourceScan, CancelEndsTheReadingOfALargeValue)
{
	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	client.cmd("SETRANGE", "large", (64 << 20) - 1, "x");
	/* While it comes, and while it is put into the segment. */
	for (int stop_at : {10, 100}) {
		support::Stopper stopper(stop_at);
		dyn_entropy_source_options options = {};

		options.cancel = stopper.cancel();
		Scan scan(endpoint, options);
		stopper.listen_to(scan.source());
		EXPECT_FALSE(scan.next());
		EXPECT_EQ(DYN_ENTROPY_ERR_CANCELLED, scan.status) << scan.message();
		EXPECT_GE(stopper.ticks, stop_at);
		EXPECT_LE(stopper.ticks, stop_at + 1) << "it went on";
	}
}

TEST_F(SourceScan, IsHeardOfWhileItRests)
{
	dyn_entropy_source_options options = {};
	support::Stopper stopper(15);

	client.cmd("CONFIG", "SET", "rdbcompression", "no");
	fill(client, 2, 10000);
	options.max_rate = 100; /* more than a minute of rest between the two */
	options.cancel = stopper.cancel();
	Scan scan(endpoint, options);
	stopper.listen_to(scan.source());
	const auto begin = Clock::now();
	EXPECT_TRUE(scan.next()) << scan.message(); /* what was read does not wait for the rest */
	EXPECT_FALSE(scan.next());
	EXPECT_EQ(DYN_ENTROPY_ERR_CANCELLED, scan.status) << scan.message();
	EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(20)));
}

TEST_F(SourceScan, CancelEndsALongScan)
{
	const support::Owned<dyn_entropy_cancel, dyn_entropy_cancel_free> cancel(
		dyn_entropy_cancel_new());
	dyn_entropy_source_options options = {};

	fill(client, 1000, 1000);
	options.max_rate = 1000; /* it would take minutes */
	endpoint.cancel = cancel.get();
	Scan scan(endpoint, options);
	support::JoiningThread scanning([&] { scan.next(); });
	EXPECT_TRUE(support::wait_until([&] { return calls(client, "dump") > 0; }));
	const auto begin = Clock::now();
	dyn_entropy_cancel_set(cancel.get());
	scanning.join();
	EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(1)));
	EXPECT_EQ(DYN_ENTROPY_ERR_CANCELLED, scan.status);
}

TEST_F(SourceScan, ARedisThatGoesAwayFailsIt)
{
	dyn_entropy_source_options options = {};

	options.segment_bytes = 20000;
	fill(client, 5000, 40);
	Scan scan(endpoint, options);
	ASSERT_TRUE(scan.next()) << scan.message();
	server.kill9();
	while (scan.next())
		;
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, scan.status);
	EXPECT_TRUE(holds(scan.message(), server.address())) << scan.message();
	EXPECT_FALSE(scan.next());
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, scan.status);
	const Scan none(endpoint);
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, none.status);
	EXPECT_TRUE(holds(none.message(), "refused")) << none.message();
}

TEST_F(SourceScan, WhatRedisForbidsIsSaid)
{
	fill(client, 10, 10);
	client.cmd("ACL", "SETUSER", "nodump", "on", ">pw", "~*", "+@all", "-dump");
	client.cmd("ACL", "SETUSER", "noscan", "on", ">pw", "~*", "+@all", "-scan");
	client.cmd("ACL", "SETUSER", "somekeys", "on", ">pw", "~key:1", "+@all");
	for (const char *user : {"nodump", "noscan", "somekeys"}) {
		Scan scan(Endpoint(server.address(), "pw", user));
		EXPECT_FALSE(scan.next());
		EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, scan.status);
		EXPECT_TRUE(holds(scan.message(), "NOPERM")) << scan.message();
		EXPECT_FALSE(holds(scan.message(), "key:")) << scan.message();
	}
	client.cmd("ACL", "SETUSER", "plain", "on", ">pw", "~*", "+scan", "+dump", "+pttl", "+time",
		"+multi", "+exec");
	Scan scan(Endpoint(server.address(), "pw", "plain"));
	EXPECT_EQ(10u, keys_of(scan.drain()).size()) << scan.message();
	EXPECT_EQ(DYN_ENTROPY_END, scan.status);
}

} // namespace
