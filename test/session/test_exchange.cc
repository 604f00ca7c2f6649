/* A push to a receiver over loopback that goes well. */
#include "session/channel.h"
#include "support/joining_thread.h"
#include "support/tempdir.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

using session::Gate;
using session::Node;
using session::NodeOptions;
using session::push;
using session::Push;
using session::Source;
using support::fails;
using support::noise;
using support::succeeds;

/* Headers, and for each chunk its length and padding: what the wire adds. */
uint64_t wire_len(uint64_t plain_len, bool encrypt)
{
	const uint64_t whole = plain_len / 16384, rest = plain_len % 16384;

	return 20 + 1024 + whole * (4 + 16384 + (encrypt ? 16 : 0)) +
	       (rest ? 4 + rest + (encrypt ? 16 - rest % 16 : 0) : 0);
}

TEST(Exchange, ExactBytesOfEverySize)
{
	support::TempDir spool;
	NodeOptions options;

	for (bool encrypt : {true, false}) {
		options.config = [&](struct dyn_entropy_config *c) {
			c->encrypt = encrypt;
			c->spool_dir = spool.path().c_str();
		};
		Node node(options);
		uint64_t committed = 0, bytes = 0;

		for (size_t len :
			{0u, 1u, 15u, 16u, 17u, 16383u, 16384u, 16385u, 16u * 1024u * 1024u + 1u}) {
			const std::string snapshot = noise(len);
			const Push p = push(node.address(), snapshot,
				[&](struct dyn_entropy_config *c) { c->encrypt = encrypt; });

			ASSERT_TRUE(succeeds(p.status, p.err)) << len;
			EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
			EXPECT_EQ(p.result.snapshots, 1u);
			EXPECT_EQ(p.result.closed, 1u);
			EXPECT_EQ(p.result.bytes, len);
			EXPECT_EQ(p.result.wire_bytes, wire_len(len, encrypt));
			ASSERT_TRUE(node.sink.applied().back() == snapshot) << len;
			committed++;
			bytes += len;
		}
		const auto counters = node.counters();
		EXPECT_EQ(counters.committed, committed);
		EXPECT_EQ(counters.connections, committed);
		EXPECT_EQ(counters.failed + counters.turned_away, 0u);
		EXPECT_EQ(counters.bytes, bytes);
		EXPECT_EQ(counters.commands, committed);
		EXPECT_EQ(counters.applied, committed);
		ASSERT_TRUE(node.wait_ended(committed));
		for (const auto &e : node.ended()) {
			EXPECT_EQ(e.status, DYN_ENTROPY_OK);
			EXPECT_EQ(e.peer.rfind("127.0.0.1:", 0), 0u) << e.peer;
		}
	}
}

TEST(Exchange, AnySizeOfBufferAndHeader)
{
	const struct {
		uint32_t buffer_size, header_size;
		bool encrypt;
	} cases[] = {
		{1, 8, false}, {16, 8, true}, {48, 1024, true}, {5 * 1024 * 1024 - 16, 9, true}};
	const std::string snapshot = noise(300000);

	for (const auto &k : cases) {
		NodeOptions options;

		/* A receiver goes by what the sender says, not by its own sizes. */
		options.config = [&](struct dyn_entropy_config *c) { c->encrypt = k.encrypt; };
		Node node(options);
		const Push p = push(node.address(), snapshot, [&](struct dyn_entropy_config *c) {
			c->buffer_size = k.buffer_size;
			c->header_size = k.header_size;
			c->encrypt = k.encrypt;
		});
		ASSERT_TRUE(succeeds(p.status, p.err)) << k.buffer_size;
		EXPECT_TRUE(node.sink.applied().back() == snapshot) << k.buffer_size;
	}
}

TEST(Exchange, TheMemorySinkHasTheLastSnapshot)
{
	struct dyn_entropy_config config;
	struct dyn_entropy_sink sink = {};
	struct dyn_entropy_receive_result result;
	dyn_entropy_receiver *receiver = nullptr;
	support::Error err;
	void *bytes = nullptr;
	size_t len = 0;

	dyn_entropy_config_init(&config);
	config.listen_addr = "127.0.0.1:0";
	ASSERT_TRUE(succeeds(dyn_entropy_sink_memory(&sink, err), err));
	ASSERT_TRUE(succeeds(dyn_entropy_receiver_new(&config, session::sample_material(), &sink,
				     nullptr, &receiver, err),
		err));
	const std::string to = "127.0.0.1:" + std::to_string(dyn_entropy_receiver_port(receiver));
	for (const char *snapshot : {"first", "second"}) {
		support::JoiningThread sender(
			[&] { EXPECT_EQ(push(to, snapshot).status, DYN_ENTROPY_OK); });

		EXPECT_TRUE(succeeds(
			dyn_entropy_receiver_accept_one(receiver, 20000, &result, err), err));
		EXPECT_EQ(result.bytes, strlen(snapshot));
		EXPECT_EQ(std::string(result.peer).rfind("127.0.0.1:", 0), 0u);
		sender.join();
		ASSERT_TRUE(succeeds(dyn_entropy_sink_memory_copy(&sink, &bytes, &len, err), err));
		EXPECT_EQ(std::string(static_cast<char *>(bytes), len), snapshot);
		free(bytes);
	}
	EXPECT_TRUE(fails(dyn_entropy_receiver_accept_one(receiver, 10, &result, err), err,
		DYN_ENTROPY_ERR_IO, "no connection came within 10 ms"));
	dyn_entropy_receiver_stop(receiver);
	EXPECT_TRUE(fails(dyn_entropy_receiver_accept_one(receiver, 10000, &result, err), err,
		DYN_ENTROPY_ERR_CANCELLED));
	dyn_entropy_receiver_free(receiver);
	dyn_entropy_sink_free(&sink);
}

TEST(Exchange, ManySnapshotsAtMostTwoUnderWay)
{
	Source source({"zero", "one", "", noise(100000), "four", "five"});
	std::atomic<int> under_way{0}, most{0};
	Node node;

	source.keys_each = 7;
	source.on_next = [&](size_t) {
		const int now = ++under_way;

		most = std::max(most.load(), now);
	};
	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		under_way--;
		return DYN_ENTROPY_OK;
	};
	const Push p = push(node.address(), source);
	ASSERT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.snapshots, 6u);
	EXPECT_EQ(p.result.closed, 6u);
	EXPECT_EQ(p.result.keys, 42u);
	EXPECT_EQ(p.result.source.keys_expected, 42u);
	EXPECT_EQ(p.result.bytes, 100000u + 4 + 3 + 4 + 4);
	EXPECT_LE(most, 2);
	auto applied = node.sink.applied();
	ASSERT_EQ(applied.size(), 6u);
	std::sort(applied.begin(), applied.end());
	EXPECT_EQ(applied[0], "");
	EXPECT_EQ(applied.back().size(), 4u);
}

TEST(Exchange, TheNextSnapshotIsSentWhileTheLastIsApplied)
{
	Source source({"one", "two"});
	Gate gate;
	Node node;

	source.on_next = [&](size_t number) {
		if (number == 1) {
			EXPECT_TRUE(gate.wait_for_visitors(1)) << "the first is being applied";
			EXPECT_TRUE(node.sink.applied().empty());
			gate.open();
		}
	};
	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		gate.wait();
		return DYN_ENTROPY_OK;
	};
	const Push p = push(node.address(), source);
	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.closed, 2u);
}

TEST(Exchange, ClosedOnlyWhenTheSinkHasApplied)
{
	std::atomic<bool> ended{false};
	Push p;
	Gate gate;
	Node node;

	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		gate.wait();
		return DYN_ENTROPY_OK;
	};
	support::JoiningThread sender(
		[&] {
			p = push(node.address(), "content");
			ended = true;
		},
		[&] { gate.open(); });
	ASSERT_TRUE(gate.wait_for_visitors(1));
	EXPECT_FALSE(support::wait_until([&] { return ended.load(); }, session::Milliseconds(100)));
	EXPECT_EQ(node.counters().committed, 0u);
	EXPECT_EQ(node.counters().active, 1u);
	gate.open();
	sender.join();
	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
	EXPECT_EQ(node.counters().committed, 1u) << "counted before the connection ends";
}

TEST(Exchange, NothingToSendIsNoFailure)
{
	Source source({});
	Node node;
	const Push p = push(node.address(), source);

	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_NONE);
	EXPECT_EQ(p.result.snapshots, 0u);
	EXPECT_EQ(node.counters().connections, 0u);
}

} // namespace
