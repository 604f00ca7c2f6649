/*
 * Pushes in threads of their own, and receivers that are stopped.
 */
#include "base/clock.h"
#include "session/channel.h"
#include "support/joining_thread.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace
{

using session::End;
using session::Gate;
using session::Node;
using session::NodeOptions;
using session::Peer;
using session::push;
using session::Push;
using session::PushOptions;
using session::Source;
using support::Error;
using support::fails;
using support::noise;
using support::succeeds;

/* ---- Pushes in threads ---- */

TEST(Threads, PushesSideBySide)
{
	constexpr size_t kPushes = 8;
	Node node;
	std::vector<std::unique_ptr<Source>> sources;
	struct dyn_entropy_config config;
	const std::string to = node.address();

	dyn_entropy_config_init(&config);
	config.peer_endpoint = to.c_str();
	config.max_rate = 0;
	{
		std::vector<std::unique_ptr<support::JoiningThread>> threads;

		for (size_t i = 0; i < kPushes; i++) {
			sources.push_back(std::make_unique<Source>(std::vector<std::string>{
				noise(100000, static_cast<uint32_t>(i)), noise(10)}));
			threads.push_back(std::make_unique<support::JoiningThread>(
				[&config, source = sources.back().get()] {
					struct dyn_entropy_push_result result;
					Error err;

					EXPECT_TRUE(succeeds(
						dyn_entropy_push(&config,
							session::sample_material(), source->get(),
							nullptr, &result, err),
						err));
					EXPECT_EQ(result.closed, 2u);
					EXPECT_EQ(result.bytes, 100010u);
				}));
		}
	}
	EXPECT_EQ(node.counters().committed, 2 * kPushes);
	EXPECT_EQ(node.sink.applied().size(), 2 * kPushes);
}

/* ---- Stopping a receiver ---- */

TEST(Threads, AReceiverHasOneAtATime)
{
	Node node;
	support::Error err;

	EXPECT_TRUE(fails(dyn_entropy_receiver_start(node.receiver(), err), err,
		DYN_ENTROPY_ERR_CONFIG, "has a thread already"));
	EXPECT_TRUE(succeeds(push(node.address(), "content").status, err));
}

TEST(Stopping, ResetsWhatIsUnderWayWithinASecond)
{
	Node node;
	std::vector<Peer> peers;
	support::WireBytes w;

	w.total_len = 1000;
	for (size_t sent : {0u, 50u, 84u}) {
		peers.emplace_back(node.port());
		ASSERT_TRUE(peers.back().send(w.headers().substr(0, sent)));
	}
	ASSERT_TRUE(support::wait_until([&] { return node.counters().active == 3; }));
	const int64_t begin = clock_monotonic_ms();
	dyn_entropy_receiver_stop(node.receiver());
	dyn_entropy_receiver_join(node.receiver());
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000));
	for (auto &p : peers)
		EXPECT_EQ(p.end(), End::Reset);
	ASSERT_EQ(node.ended().size(), 3u) << "all are told when join returns";
	for (const auto &e : node.ended())
		EXPECT_EQ(e.status, DYN_ENTROPY_ERR_CANCELLED);
	EXPECT_EQ(node.counters().active, 0u);
	EXPECT_EQ(node.counters().failed, 3u);
	dyn_entropy_receiver_join(node.receiver()); /* once more is harmless */
}

TEST(Stopping, ASenderInTheMiddleLearnsOfIt)
{
	Source source({noise(1000000)});
	PushOptions options;
	Node node;

	options.config = [](struct dyn_entropy_config *c) { c->max_rate = 200000; };
	options.options.progress_arg = node.receiver();
	options.options.progress = [](void *receiver, const struct dyn_entropy_push_result *) {
		dyn_entropy_receiver_stop(static_cast<dyn_entropy_receiver *>(receiver));
	};
	const Push p = push(node.address(), source, options);
	EXPECT_LT(p.result.seconds, 2 * support::slowness());
	EXPECT_EQ(p.status, DYN_ENTROPY_ERR_IO);
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_TRUE(node.sink.applied().empty());
}

TEST(Stopping, FreeAloneDoesItToo)
{
	auto node = std::make_unique<Node>();
	Peer peer(node->port());

	ASSERT_TRUE(support::wait_until([&] { return node->counters().active == 1; }));
	const int64_t begin = clock_monotonic_ms();
	node.reset();
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000));
	EXPECT_EQ(peer.end(), End::Reset);
	dyn_entropy_receiver_free(nullptr);
}

TEST(Stopping, RunReturnsToWhoeverCalledIt)
{
	NodeOptions options;

	options.start = false;
	Node node(options);
	enum dyn_entropy_status status = DYN_ENTROPY_ERR_IO;
	support::JoiningThread runner(
		[&] { status = dyn_entropy_receiver_run(node.receiver(), nullptr); });

	EXPECT_EQ(push(node.address(), "content").status, DYN_ENTROPY_OK);
	dyn_entropy_receiver_stop(node.receiver());
	runner.join();
	EXPECT_EQ(status, DYN_ENTROPY_OK);
	EXPECT_EQ(node.counters().committed, 1u);
}

TEST(Stopping, WhileAllWorkersAreBusyToo)
{
	Gate gate;
	NodeOptions options;

	options.config = [](struct dyn_entropy_config *c) { c->max_connections = 1; };
	Node node(options);
	Peer holder(node.port());
	ASSERT_TRUE(support::wait_until([&] { return node.counters().active == 1; }));
	Peer waiting(node.port());
	const int64_t begin = clock_monotonic_ms();
	dyn_entropy_receiver_stop(node.receiver());
	dyn_entropy_receiver_join(node.receiver());
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000));
	EXPECT_EQ(node.ended().size(), 1u);
	EXPECT_EQ(waiting.end(), End::Reset) << "who was not served is not left to wait";
}

TEST(Stopping, ComesAndGoesManyTimesWithoutALoss)
{
	const size_t descriptors = session::open_descriptors();

	for (int i = 0; i < 50; i++) {
		Node node;
		Peer silent(node.port());

		if (i % 2) {
			EXPECT_EQ(push(node.address(), "content").status, DYN_ENTROPY_OK);
		}
	}
	EXPECT_EQ(session::open_descriptors(), descriptors);
}

} // namespace
