/* The pace of a push, what it tells on its way, and its end before the end. */
#include "session/channel.h"
#include "support/wire_bytes.h"

#include <arpa/inet.h>
#include <atomic>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "base/clock.h"
}

namespace
{

using session::Gate;
using session::Node;
using session::NodeOptions;
using session::Peer;
using session::push;
using session::Push;
using session::PushOptions;
using session::Source;
using session::Stranger;
using support::fails;
using support::noise;
using support::succeeds;

TEST(Sending, KeepsToItsRate)
{
	Node node;
	const int64_t begin = clock_monotonic_ms();
	const Push p = push(node.address(), noise(300000),
		[](struct dyn_entropy_config *c) { c->max_rate = 500000; });
	const int64_t took = clock_monotonic_ms() - begin;

	ASSERT_TRUE(succeeds(p.status, p.err));
	/* 300 KB at 500 KB/s, less the first slice, which leaves at once. */
	EXPECT_GE(took, 500);
	EXPECT_LT(took, 5000);
	EXPECT_GE(p.result.seconds, 0.5);
}

TEST(Sending, TellsItsProgress)
{
	struct Told {
		std::vector<struct dyn_entropy_push_result> all;
	} told;
	Source source({noise(300000)});
	PushOptions options;
	Node node;

	source.keys_each = 3;
	options.config = [](struct dyn_entropy_config *c) { c->max_rate = 400000; };
	options.options.progress_arg = &told;
	options.options.progress = [](void *arg, const struct dyn_entropy_push_result *so_far) {
		static_cast<Told *>(arg)->all.push_back(*so_far);
	};
	const Push p = push(node.address(), source, options);
	ASSERT_TRUE(succeeds(p.status, p.err));
	ASSERT_GE(told.all.size(), 2u) << "0.75 seconds, a few times a second";
	for (size_t i = 1; i < told.all.size(); i++) {
		EXPECT_GT(told.all[i].wire_bytes, told.all[i - 1].wire_bytes);
		EXPECT_GE(told.all[i].seconds, told.all[i - 1].seconds);
		EXPECT_EQ(told.all[i].source.keys_expected, 3u);
	}
}

TEST(Sending, ComesFromTheAddressItIsToldTo)
{
	std::atomic<uint32_t> from{0};
	NodeOptions options;

	options.allow = [&](const struct sockaddr *sa) {
		from = ntohl(reinterpret_cast<const struct sockaddr_in *>(sa)->sin_addr.s_addr);
		return true;
	};
	Node node(options);
	const Push p = push(node.address(), "content",
		[](struct dyn_entropy_config *c) { c->send_addr = "127.0.0.99:0"; });
	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(from, 0x7F000063u);
}

TEST(Cancelling, EndsAPushInTheMiddle)
{
	const struct {
		const char *what;
		uint64_t max_rate;
		bool reads; /* whether the peer takes what is sent */
	} cases[] = {
		{"paced", 131072, true},
		{"to a peer that takes nothing", 0, false},
	};

	for (const auto &c : cases) {
		dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
		PushOptions options;
		Gate gate;
		Push p;
		int64_t begin = 0;

		options.config = [&](struct dyn_entropy_config *k) { k->max_rate = c.max_rate; };
		options.options.cancel = cancel;
		{
			Stranger stranger([&](Peer *peer) {
				/* Until it is under way, or does not get any further. */
				peer->end(nullptr, session::Milliseconds(c.reads ? 100 : 0));
				usleep(c.reads ? 0 : 100000);
				begin = clock_monotonic_ms();
				dyn_entropy_cancel_set(cancel);
				gate.wait();
			});
			p = push(stranger.address(), noise(32 * 1024 * 1024), options);
			gate.open();
		}
		EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_CANCELLED)) << c.what;
		EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_FAILED) << c.what;
		EXPECT_LT(clock_monotonic_ms() - begin, 1000) << c.what;
		const Push again = push("127.0.0.1:1", "", options);
		EXPECT_EQ(again.status, DYN_ENTROPY_ERR_CANCELLED) << "it stays cancelled";
		dyn_entropy_cancel_free(cancel);
	}
}

TEST(Cancelling, EndsTheWaitForAnAnswer)
{
	dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
	PushOptions options;
	Gate gate;
	Push p;
	int64_t begin = 0;

	options.options.cancel = cancel;
	{
		Stranger stranger([&](Peer *peer) {
			peer->end();
			begin = clock_monotonic_ms();
			dyn_entropy_cancel_set(cancel);
			gate.wait();
		});
		p = push(stranger.address(), "content", options);
		gate.open();
	}
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_CANCELLED));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_FAILED);
	EXPECT_LT(clock_monotonic_ms() - begin, 1000);
	dyn_entropy_cancel_free(cancel);
}

} // namespace
