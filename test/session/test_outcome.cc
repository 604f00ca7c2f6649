/* What a sender learns of the fate of what it sent. */
#include "base/clock.h"
#include "session/channel.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using session::End;
using session::Gate;
using session::Listener;
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

void plaintext(struct dyn_entropy_config *c)
{
	c->encrypt = false;
}

TEST(Outcome, RefusedWhenTheSinkFails)
{
	Node node;

	node.sink.on_apply = [](const std::string &, struct dyn_entropy_error *) {
		return DYN_ENTROPY_ERR_SINK;
	};
	const Push p = push(node.address(), "content");
	EXPECT_TRUE(
		fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "reset the connection of snapshot 1"));
	EXPECT_NE(p.err.text().find("not applied, or not all of it"), std::string::npos)
		<< p.err.text();
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_EQ(p.result.closed, 0u);
	EXPECT_EQ(p.result.snapshots, 1u) << "it was sent whole";
	const auto c = node.counters();
	EXPECT_EQ(c.committed, 0u);
	EXPECT_EQ(c.failed, 1u);
	EXPECT_EQ(c.bytes, 0u);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_SINK);
	EXPECT_EQ(node.ended()[0].message, "apply() failed as it was told");
}

TEST(Outcome, OfTwoFailuresTheFirstSnapshotsIsTold)
{
	Source source({"one", "two is longer"});
	Gate failed;
	Node node;

	node.sink.on_apply = [&](const std::string &, struct dyn_entropy_error *) {
		failed.open();
		return DYN_ENTROPY_ERR_SINK;
	};
	source.on_next = [&](size_t number) {
		if (number == 1)
			failed.wait();
	};
	source.fail_at = 3;
	const Push p = push(node.address(), source);
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "snapshot 1"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);

	Source breaks({"one", "two"});
	breaks.fail_next = 1;
	const Push q = push(node.address(), breaks);
	EXPECT_TRUE(fails(q.status, q.err, DYN_ENTROPY_ERR_IO, "snapshot 1"));
	EXPECT_EQ(q.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_TRUE(node.sink.applied().empty());
}

/* One of its keys may be one that the store does not take: those behind it are not to suffer. */
TEST(Outcome, RefusedSnapshotsAreToldAndThoseBehindThemSent)
{
	const std::vector<std::string> all = {
		"one", "bad", "two", "bad too", "bad as well", "three"};
	Source source(all);
	Node node;

	node.sink.on_apply = [](const std::string &bytes, struct dyn_entropy_error *) {
		return bytes.substr(0, 3) == "bad" ? DYN_ENTROPY_ERR_SINK : DYN_ENTROPY_OK;
	};
	const Push p = push(node.address(), source);
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_SINK, "refused 3 of 6 snapshots"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_EQ(p.result.snapshots, 6u);
	EXPECT_EQ(p.result.closed, 3u);
	EXPECT_EQ(p.result.refused, 3u);
	EXPECT_TRUE(p.result.complete);
	EXPECT_EQ(node.counters().failed, 3u);
}

TEST(Outcome, AReceiverThatTakesNothingAnyMoreIsSentNoMore)
{
	Source source({"one", "two", "three", "four", "five", "six"});
	std::atomic<size_t> asked{0};
	Node node;

	node.sink.on_apply = [&](const std::string &bytes, struct dyn_entropy_error *) {
		asked++;
		return bytes == "one" ? DYN_ENTROPY_OK : DYN_ENTROPY_ERR_SINK;
	};
	const Push p = push(node.address(), source);
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "snapshot 2"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_FALSE(p.result.complete);
	EXPECT_LE(p.result.snapshots, 3u) << "the third was under way";
	EXPECT_LE(asked, 4u) << "these and one that is empty";
}

TEST(Outcome, FailedWhenTheSourceFails)
{
	const struct {
		const char *what;
		void (*change)(Source *);
		size_t applied;
		const char *words;
	} cases[] = {
		{"at once", [](Source *s) { s->fail_next = 0; }, 0, "next() failed"},
		{"later", [](Source *s) { s->fail_next = 1; }, 1, "next() failed"},
		{"within a snapshot", [](Source *s) { s->fail_at = 1000; }, 0, "read() failed"},
		{"by an end too early", [](Source *s) { s->announce_more = 1; }, 0,
			"ended before the last of them"},
		{"by an end far too early", [](Source *s) { s->announce_more = 0x7FFFFFFF; }, 0,
			"ended before the last of them"},
	};

	for (const auto &c : cases) {
		Source source({noise(50000), noise(50000)});
		Node node;

		c.change(&source);
		const Push p = push(node.address(), source);
		EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_SOURCE, c.words)) << c.what;
		EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_FAILED) << c.what;
		EXPECT_EQ(p.result.closed, c.applied) << c.what;
		EXPECT_TRUE(support::wait_until([&] {
			const auto n = node.counters();

			return n.active == 0 && n.committed == c.applied;
		})) << c.what;
		EXPECT_EQ(node.sink.applied().size(), c.applied) << c.what;
	}
}

/* Whatever kind of failure the source calls it. */
TEST(Outcome, FailedWhenTheSourceCannotReadItsFile)
{
	for (const bool later : {false, true}) {
		Source source({noise(500000)});
		Node node;

		source.fail_as = DYN_ENTROPY_ERR_IO;
		source.fail_at = later ? 400000 : 0;
		const Push p = push(node.address(), source);
		EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "read() failed"));
		EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_FAILED) << "not the peer's fault";
	}
}

TEST(Outcome, RefusedForAnotherKeyAndForPlaintextAndTheReverse)
{
	NodeOptions takes_plaintext;
	PushOptions other_key;

	takes_plaintext.config = plaintext;
	other_key.material = session::other_material();
	Node encrypting, plain(takes_plaintext);
	const std::string snapshot = noise(100000);
	const struct {
		Node *node;
		Push p;
		enum dyn_entropy_status status;
		const char *words;
	} cases[] = {
		{&encrypting, push(encrypting.address(), snapshot, other_key),
			DYN_ENTROPY_ERR_CRYPTO, "same key"},
		{&encrypting, push(encrypting.address(), snapshot, plaintext),
			DYN_ENTROPY_ERR_PROTOCOL, "configured to encrypt"},
		{&plain, push(plain.address(), snapshot), DYN_ENTROPY_ERR_PROTOCOL,
			"configured for plaintext"},
	};

	ASSERT_TRUE(encrypting.wait_ended(2));
	ASSERT_TRUE(plain.wait_ended(1));
	for (const auto &c : cases) {
		EXPECT_EQ(c.p.status, DYN_ENTROPY_ERR_IO);
		EXPECT_EQ(c.p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED) << c.words;
		EXPECT_EQ(c.p.result.closed, 0u);
		EXPECT_TRUE(c.node->sink.applied().empty());
		bool told = false;
		for (const auto &e : c.node->ended())
			told |= e.status == c.status &&
				e.message.find(c.words) != std::string::npos;
		EXPECT_TRUE(told) << c.words;
	}
}

TEST(Outcome, UnreachedWhenNobodyListens)
{
	Listener gone;
	const std::string address = gone.address();

	gone.close();
	const Push p = push(address, "content");
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "Connection refused"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_UNREACHED);
	EXPECT_EQ(p.result.snapshots + p.result.bytes + p.result.wire_bytes, 0u);
	EXPECT_EQ(p.err.text().find(address), std::string::npos)
		<< "whoever named the peer knows it: " << p.err.text();
}

TEST(Outcome, OfAPeerThatKeepsToTheWireAndClosesNothingIsKnown)
{
	std::string got;
	Push p;
	{
		Stranger stranger([&](Peer *peer) {
			EXPECT_EQ(peer->end(&got), End::Closed) << "the sender half-closes";
			peer->close();
		});
		p = push(stranger.address(), "content");
	}
	support::WireBytes want;
	want.header_size = 1024;
	want.buffer_size = 16384;
	want.cipher_size = 16400;
	EXPECT_TRUE(got == want.session("content"));
	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
	EXPECT_NE(std::string(dyn_entropy_outcome_text(p.result.outcome)).find("proves nothing"),
		std::string::npos);
}

TEST(Outcome, AnswersThatTheWireDoesNotHaveArePassedOver)
{
	Push p;
	{
		Stranger stranger([](Peer *peer) {
			peer->end();
			peer->send(std::string(10000, 'k'));
			peer->close();
		});
		p = push(stranger.address(), "content");
	}
	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
}

/* Another service, which the snapshot is nonsense to. */
TEST(Outcome, WhatAnswersOrClosesBeforeTheEndIsNoReceiver)
{
	for (const bool closes : {false, true}) {
		Source source({noise(4 * 1024 * 1024), "never sent"});
		Push p;
		{
			Stranger stranger([&](Peer *peer) {
				if (closes)
					peer->half_close();
				else
					peer->send("-ERR unknown command\r\n");
				peer->end();
				peer->close();
			});
			p = push(stranger.address(), source);
		}
		EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_PROTOCOL,
			closes ? "it closed the connection" : "it answered"));
		EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_NO_RECEIVER);
		EXPECT_EQ(p.result.snapshots, 0u);
		EXPECT_FALSE(p.result.complete);
	}
}

TEST(Outcome, RefusedByAPeerThatClosesWithoutReading)
{
	Push p;
	{
		Stranger stranger([](Peer *peer) { peer->close(); });
		p = push(stranger.address(), noise(32 * 1024 * 1024));
	}
	EXPECT_EQ(p.status, DYN_ENTROPY_ERR_IO);
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	EXPECT_EQ(p.result.snapshots, 0u);
}

TEST(Outcome, UnansweredByAPeerThatNeverCloses)
{
	Gate gate;
	Push p;
	const int64_t begin = clock_monotonic_ms();
	{
		Stranger stranger([&](Peer *peer) {
			peer->end();
			gate.wait();
		});
		p = push(stranger.address(), "content",
			[](struct dyn_entropy_config *c) { c->timeout_ms = 100; });
		gate.open();
	}
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "in time"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_UNANSWERED);
	EXPECT_EQ(p.result.snapshots, 1u);
	EXPECT_GE(clock_monotonic_ms() - begin, 100);
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(10000));
}

TEST(Outcome, UnansweredByAPeerThatTalksForEver)
{
	std::atomic<bool> stop{false};
	Push p;
	{
		Stranger stranger([&](Peer *peer) {
			peer->end();
			while (!stop && peer->send("x"))
				usleep(1000);
		});
		p = push(stranger.address(), "content",
			[](struct dyn_entropy_config *c) { c->timeout_ms = 100; });
		stop = true;
	}
	EXPECT_EQ(p.status, DYN_ENTROPY_ERR_IO);
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_UNANSWERED);
}

TEST(Outcome, UnansweredByAPeerThatStopsReading)
{
	Gate gate;
	Push p;
	{
		Stranger stranger([&](Peer *) { gate.wait(); });
		p = push(stranger.address(), noise(32 * 1024 * 1024),
			[](struct dyn_entropy_config *c) { c->timeout_ms = 100; });
		gate.open();
	}
	EXPECT_TRUE(fails(p.status, p.err, DYN_ENTROPY_ERR_IO, "took no byte for 100 ms"));
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_UNANSWERED);
	EXPECT_EQ(p.result.snapshots, 0u);
}

/* A process that is killed while it applies has not committed, and must not look as if it had. */
TEST(Outcome, RefusedWhenTheReceiverIsKilledWhileItApplies)
{
	int from_child[2];

	ASSERT_EQ(pipe(from_child), 0);
	const pid_t child = fork();
	ASSERT_GE(child, 0);
	if (child == 0) {
		struct dyn_entropy_receive_result result;
		NodeOptions options;

		options.start = false; /* no thread: this is the child of a process that has some */
		Node node(options);
		const uint16_t port = node.port();
		node.sink.on_apply = [](const std::string &, struct dyn_entropy_error *) {
			raise(SIGKILL);
			return DYN_ENTROPY_OK;
		};
		if (write(from_child[1], &port, sizeof(port)) != sizeof(port) ||
			dyn_entropy_receiver_accept_one(node.receiver(), 20000, &result, nullptr))
			_exit(1);
		_exit(2);
	}
	uint16_t port = 0;
	ASSERT_EQ(read(from_child[0], &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
	const Push p = push("127.0.0.1:" + std::to_string(port), "content");
	EXPECT_EQ(p.status, DYN_ENTROPY_ERR_IO);
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	int how = 0;
	ASSERT_EQ(waitpid(child, &how, 0), child);
	EXPECT_EQ(WTERMSIG(how), SIGKILL);
	close(from_child[0]);
	close(from_child[1]);
}

} // namespace
