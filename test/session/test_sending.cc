/* The pace of a push, what it tells on its way, and its end before the end. */
#include "base/clock.h"
#include "session/channel.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <arpa/inet.h>
#include <atomic>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>
#include <vector>

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
	EXPECT_LT(took, support::patient_ms(5000));
	EXPECT_GE(p.result.seconds, 0.5);
}

struct Told {
	std::vector<struct dyn_entropy_push_result> all;

	PushOptions options(uint64_t max_rate)
	{
		PushOptions o;

		o.config = [=](struct dyn_entropy_config *c) { c->max_rate = max_rate; };
		o.options.progress_arg = this;
		o.options.progress = [](void *arg, const struct dyn_entropy_push_result *so_far) {
			static_cast<Told *>(arg)->all.push_back(*so_far);
		};
		return o;
	}
};

TEST(Sending, TellsItsProgress)
{
	Told told;
	Source source({noise(300000), noise(300000)});
	Node node;

	source.keys_each = 3000;
	const Push p = push(node.address(), source, told.options(400000));
	ASSERT_TRUE(succeeds(p.status, p.err));
	ASSERT_GE(told.all.size(), 4u) << "1.5 seconds, a few times a second";
	for (size_t i = 1; i < told.all.size(); i++) {
		const auto &now = told.all[i], &before = told.all[i - 1];

		EXPECT_GE(now.seconds, before.seconds);
		EXPECT_EQ(now.source.keys_expected, 6000u);
		if (now.wire_bytes == before.wire_bytes)
			continue; /* it waits for the peer to close */
		EXPECT_GT(now.bytes, before.bytes) << "within a piece too";
		EXPECT_GT(now.keys, before.keys) << "within a snapshot too";
		EXPECT_LE(now.bytes, now.wire_bytes);
		EXPECT_NEAR(static_cast<double>(now.keys), static_cast<double>(now.bytes) / 100, 1);
	}
	EXPECT_EQ(p.result.keys, 6000u);
	EXPECT_EQ(p.result.bytes, 600000u);
}

TEST(Sending, TellsItsProgressWhileTheSourceReads)
{
	Told told;
	Source source({"one", "two"});
	Node node;

	source.keys_each = 1000;
	source.on_next = [&](size_t number) {
		/* Until it was heard of three times. */
		const size_t wanted = told.all.size() + 3;

		EXPECT_TRUE(support::wait_until([&] {
			source.keys_read++;
			source.tick();
			return told.all.size() >= wanted;
		}));
		EXPECT_EQ(told.all.back().keys, number * 1000) << "what was sent";
		EXPECT_GT(told.all[wanted - 1].source.keys, told.all[wanted - 2].source.keys)
			<< "what was read";
		source.keys_read = 0;
	};
	const Push p = push(node.address(), source, told.options(0));
	ASSERT_TRUE(succeeds(p.status, p.err));
	source.tick(); /* of which nobody hears any more */
	EXPECT_EQ(told.all.back().snapshots, 1u);
}

TEST(Sending, TellsItsProgressWhileThePeerApplies)
{
	Told told;
	Source source({"content"});
	Node node;

	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		usleep(700000);
		return DYN_ENTROPY_OK;
	};
	const Push p = push(node.address(), source, told.options(0));
	ASSERT_TRUE(succeeds(p.status, p.err));
	EXPECT_GE(told.all.size(), 2u);
}

TEST(Sending, CountsWhatWasReallySent)
{
	Gate gate;
	Push p;
	{
		/* A peer that takes what its socket holds, and no more. */
		Stranger stranger([&](Peer *) { gate.wait(); });
		Source source({noise(32 * 1024 * 1024)});
		PushOptions options;

		source.keys_each = 1000;
		options.config = [](struct dyn_entropy_config *c) {
			c->timeout_ms = 200;
			c->buffer_size = 4 * 1024 * 1024;
		};
		p = push(stranger.address(), source, options);
		gate.open();
	}
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_UNANSWERED);
	EXPECT_GT(p.result.bytes, 0u);
	EXPECT_LE(p.result.bytes, p.result.wire_bytes);
	EXPECT_GT(p.result.bytes + 64 * 1024, p.result.wire_bytes);
	EXPECT_EQ(p.result.keys, 0u) << "no snapshot was sent whole";
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
		[](struct dyn_entropy_config *c) { c->send_addr = "127.0.0.99"; });
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
		EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000)) << c.what;
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
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(1000));
	dyn_entropy_cancel_free(cancel);
}

} // namespace
