/* One port for both versions of the protocol: the first byte tells them apart. */
#include "session/sound.h"
#include "support/wait.h"

#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace
{

using session::End;
using session::expect_sound;
using session::Node;
using session::NodeOptions;
using session::Peer;
using support::Error;

const std::string kHello = "\x16\x03\x01\x02 and so on";

/* Who takes connections of version 2, and keeps them. */
class Taker
{
      public:
	bool willing = true;

	std::function<bool(int, const std::string &)> take()
	{
		return [this](int fd, const std::string &peer) {
			const std::lock_guard<std::mutex> held(lock_);

			asked_.push_back(peer);
			if (willing)
				fds_.push_back(fd);
			return willing;
		};
	}
	std::vector<std::string> asked() const
	{
		const std::lock_guard<std::mutex> held(lock_);

		return asked_;
	}
	int fd(size_t i) const
	{
		const std::lock_guard<std::mutex> held(lock_);

		return fds_.at(i);
	}

      private:
	mutable std::mutex lock_;
	std::vector<std::string> asked_;
	std::vector<int> fds_;
};

NodeOptions options_of(Taker &taker)
{
	NodeOptions o;

	o.take = taker.take();
	return o;
}

TEST(Version, HandsVersion2OverWithAllThatWasSent)
{
	Taker taker;
	Node node(options_of(taker));
	Peer peer(node.port());
	char got[64];

	ASSERT_TRUE(peer.send(kHello));
	ASSERT_TRUE(support::wait_until([&] { return node.counters().taken == 1; }));
	ASSERT_EQ(taker.asked(), std::vector<std::string>{peer.address()});
	const int fd = taker.fd(0);
	ASSERT_TRUE(support::wait_until(
		[&] { return recv(fd, got, sizeof(got), MSG_PEEK) == ssize_t(kHello.size()); }));
	ASSERT_EQ(recv(fd, got, sizeof(got), 0), ssize_t(kHello.size()));
	EXPECT_EQ(std::string(got, kHello.size()), kHello);
	EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ASSERT_EQ(send(fd, "answer", 6, MSG_NOSIGNAL), 6);
	close(fd);
	std::string answer;
	EXPECT_EQ(peer.end(&answer), End::Closed) << "no reset: it is not the library's any more";
	EXPECT_EQ(answer, "answer");

	const auto c = node.counters();
	EXPECT_EQ(c.connections, 1u);
	EXPECT_EQ(c.failed + c.committed + c.turned_away, 0u);
	EXPECT_TRUE(support::wait_until([&] { return node.counters().active == 0; }));
	EXPECT_TRUE(node.ended().empty());
}

TEST(Version, ServesVersion1BesideIt)
{
	Taker taker;
	Node node(options_of(taker));

	expect_sound(node, 0, 0);
	EXPECT_TRUE(taker.asked().empty());
}

TEST(Version, RefusesVersion2WithoutATaker)
{
	Node node;
	Peer peer(node.port());

	ASSERT_TRUE(peer.send(kHello));
	EXPECT_EQ(peer.end(), End::Reset);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_PROTOCOL);
	EXPECT_EQ(node.ended()[0].message,
		"it speaks version 2 of the protocol, which is not taken here");
	EXPECT_EQ(node.ended()[0].setting, "take_version_2");
	expect_sound(node, 1, 0);
}

TEST(Version, RefusesWhatTheTakerDoesNotTake)
{
	Taker taker;
	taker.willing = false;
	Node node(options_of(taker));
	Peer peer(node.port());

	ASSERT_TRUE(peer.send(kHello));
	EXPECT_EQ(peer.end(), End::Reset);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_IO);
	EXPECT_EQ(taker.asked().size(), 1u);
	EXPECT_EQ(node.counters().taken, 0u);
	expect_sound(node, 1, 0);
}

TEST(Version, RefusesVersion1WhenTold)
{
	Taker taker;
	NodeOptions o = options_of(taker);

	o.refuse_version_1 = true;
	Node node(std::move(o));
	EXPECT_NE(session::push(node.address(), "content").status, DYN_ENTROPY_OK);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_PROTOCOL);
	EXPECT_EQ(node.ended()[0].setting, "refuse_version_1");
	EXPECT_TRUE(node.sink.applied().empty());
	Peer peer(node.port());
	ASSERT_TRUE(peer.send(kHello));
	ASSERT_TRUE(support::wait_until([&] { return node.counters().taken == 1; }));
	close(taker.fd(0));
}

TEST(Version, AsksTheAllowListFirst)
{
	Taker taker;
	NodeOptions o = options_of(taker);

	o.allow = [](const struct sockaddr *) { return false; };
	Node node(std::move(o));
	Peer peer(node.port());
	peer.send(kHello);
	EXPECT_EQ(peer.end(), End::Reset);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_TRUE(node.ended()[0].turned_away);
	EXPECT_TRUE(taker.asked().empty());
}

/* The wait for the first byte is part of the time for the headers. */
TEST(Version, WaitsForTheFirstByteOnlySoLong)
{
	for (const bool refuse : {false, true}) {
		Taker taker;
		NodeOptions o = options_of(taker);

		o.refuse_version_1 = refuse;
		o.config = [](struct dyn_entropy_config *c) { c->timeout_ms = 100; };
		Node node(std::move(o));
		Peer silent(node.port());
		EXPECT_EQ(silent.end(), End::Reset);
		ASSERT_TRUE(node.wait_ended(1));
		EXPECT_EQ(node.ended()[0].message,
			refuse ? "it does not speak version 2 of the protocol, which alone is "
				 "taken here"
			       : "its headers did not arrive within 100 ms");
		EXPECT_TRUE(support::wait_until([&] { return node.counters().active == 0; }));
	}
}

TEST(Version, StopsWhileItWaitsForTheFirstByte)
{
	for (const bool refuse : {false, true}) {
		NodeOptions o;

		o.refuse_version_1 = refuse;
		Node node(std::move(o));
		Peer silent(node.port());
		ASSERT_TRUE(support::wait_until([&] { return node.counters().active == 1; }));
		dyn_entropy_receiver_stop(node.receiver());
		dyn_entropy_receiver_join(node.receiver());
		ASSERT_EQ(node.ended().size(), 1u);
		EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_CANCELLED);
	}
}

/* For a program that serves in a thread of its own, one that is taken counts as none. */
TEST(Version, AcceptOneWaitsOnAfterAHandOver)
{
	Taker taker;
	NodeOptions o = options_of(taker);

	o.start = false;
	Node node(std::move(o));
	Peer first(node.port()), second(node.port());
	struct dyn_entropy_receive_result result = {};
	Error err;

	ASSERT_TRUE(first.send(kHello));
	ASSERT_TRUE(second.send("not of this protocol, but of another one"));
	EXPECT_TRUE(support::fails(
		dyn_entropy_receiver_accept_one(node.receiver(), 20000, &result, err), err,
		DYN_ENTROPY_ERR_PROTOCOL));
	EXPECT_EQ(result.peer, second.address());
	EXPECT_EQ(taker.asked(), std::vector<std::string>{first.address()});
	close(taker.fd(0));
	Peer third(node.port());
	ASSERT_TRUE(third.send(kHello));
	EXPECT_TRUE(
		support::fails(dyn_entropy_receiver_accept_one(node.receiver(), 200, &result, err),
			err, DYN_ENTROPY_ERR_IO));
	EXPECT_STREQ(result.peer, "");
	EXPECT_EQ(node.counters().taken, 2u);
	close(taker.fd(1));
}

} // namespace
