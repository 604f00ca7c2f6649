/*
 * A receiver whose peers are slow or too many, or that lacks what it needs: a descriptor, disk
 * space, a directory.
 */
#include "base/clock.h"
#include "session/channel.h"
#include "session/sound.h"
#include "support/joining_thread.h"
#include "support/tempdir.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace
{

using session::End;
using session::expect_sound;
using session::Gate;
using session::Milliseconds;
using session::Node;
using session::NodeOptions;
using session::Peer;
using session::push;
using session::Push;
using support::noise;
using support::succeeds;
using support::u32;
using support::WireBytes;

/* ---- Slow ---- */

NodeOptions impatient(uint32_t timeout_ms)
{
	NodeOptions options;

	options.config = [=](struct dyn_entropy_config *c) { c->timeout_ms = timeout_ms; };
	return options;
}

TEST(Shortage, SilenceAndDripsEndInTime)
{
	WireBytes w;

	w.header_size = 1024;
	w.buffer_size = w.cipher_size = 1024 * 1024;
	w.total_len = 100 * 1024 * 1024;
	const std::string headers = w.headers(), chunk = u32(1024 * 1024);
	const struct Slow {
		const char *what;
		std::string at_once;
		size_t drip; /* bytes that follow every 10 ms, 0: none */
		const char *words;
	} cases[] = {
		{"silence", "", 0, "headers did not arrive within 1000 ms"},
		{"silence within the headers", headers.substr(0, 30), 0, "headers did not arrive"},
		{"headers drop by drop", headers.substr(0, 21), 1, "headers did not arrive"},
		{"silence behind the headers", headers, 0, "sent nothing for 1000 ms"},
		{"silence within a chunk", headers + chunk + noise(70), 0, "sent nothing for 1000"},
		{"a chunk drop by drop", headers + chunk, 1, "less than 65536 bytes a second"},
		{"too slow on average", headers + chunk, 300, "less than 65536 bytes a second"},
		{"silence where it should end", WireBytes().session("x"), 0, "sent nothing"},
	};
	Node node(impatient(1000));
	std::vector<support::JoiningThread> peers;
	const auto drip = [&node](const Slow &c) {
		const int64_t begin = clock_monotonic_ms();
		Peer peer(node.port());
		const std::string address = peer.address();
		const auto mine = [&](const session::Ended &e) { return e.peer == address; };

		EXPECT_TRUE(peer.send(c.at_once)) << c.what;
		while (c.drip && peer.send(std::string(c.drip, '\0')) &&
			clock_monotonic_ms() - begin < 15000)
			usleep(10000);
		EXPECT_EQ(peer.end(), End::Reset) << c.what;
		EXPECT_GE(clock_monotonic_ms() - begin, 990) << c.what;
		EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(10000)) << c.what;
		EXPECT_TRUE(support::wait_until([&] {
			const auto all = node.ended();

			return std::any_of(all.begin(), all.end(), mine);
		})) << c.what;
		for (const auto &e : node.ended())
			if (mine(e)) {
				EXPECT_EQ(e.status, DYN_ENTROPY_ERR_IO) << c.what;
				EXPECT_NE(e.message.find(c.words), std::string::npos)
					<< c.what << ": " << e.message;
			}
	};

	/* As many as there are workers, so that each is served at once. */
	ASSERT_EQ(std::size(cases), static_cast<size_t>(DYN_ENTROPY_DEFAULT_CONNECTIONS));
	for (const auto &c : cases)
		peers.emplace_back([&drip, &c] { drip(c); });
	for (auto &p : peers)
		p.join();
	expect_sound(node, std::size(cases), 0);
}

TEST(Shortage, HeadersHaveADeadlineOfTheirOwn)
{
	Node node(impatient(60000));
	const int64_t begin = clock_monotonic_ms();
	Peer peer(node.port());

	EXPECT_EQ(peer.end(), End::Reset);
	EXPECT_GE(clock_monotonic_ms() - begin, 4900);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_NE(node.ended()[0].message.find("headers did not arrive within 5000 ms"),
		std::string::npos)
		<< node.ended()[0].message;
}

TEST(Shortage, AGoodPeerMayTakeLongerThanTheTimeout)
{
	Node node(impatient(1000));
	const std::string snapshot = noise(400000);
	const Push p = push(node.address(), snapshot,
		[](struct dyn_entropy_config *c) { c->max_rate = 262144; });

	EXPECT_TRUE(succeeds(p.status, p.err));
	EXPECT_GE(p.result.seconds, 1.2);
	ASSERT_EQ(node.sink.applied().size(), 1u);
	EXPECT_TRUE(node.sink.applied()[0] == snapshot);
}

/* ---- Too many ---- */

/* A node with one worker, which is busy until the gate opens. */
struct BusyNode {
	Gate gate;
	Node node;
	support::JoiningThread holder;

	explicit BusyNode(uint32_t timeout_ms)
	    : node({[=](struct dyn_entropy_config *c) {
			    c->max_connections = 1;
			    c->timeout_ms = timeout_ms;
		    },
		      nullptr})
	{
		node.sink.on_apply = [this](const std::string &, struct dyn_entropy_error *) {
			gate.wait();
			return DYN_ENTROPY_OK;
		};
		holder = support::JoiningThread([this] {
			const Push p = push(node.address(), session::good_content());

			EXPECT_TRUE(succeeds(p.status, p.err));
		});
		EXPECT_TRUE(gate.wait_for_visitors(1));
	}
	~BusyNode()
	{
		gate.open();
		if (holder.joinable())
			holder.join();
	}
};

TEST(Shortage, MoreThanThereAreWorkersWaitForOne)
{
	BusyNode busy(20000);
	std::vector<support::JoiningThread> waiting;

	for (int i = 0; i < 5; i++)
		waiting.emplace_back([&] {
			const Push p = push(busy.node.address(), session::good_content());

			EXPECT_TRUE(succeeds(p.status, p.err));
		});
	EXPECT_FALSE(support::wait_until(
		[&] { return busy.node.counters().connections > 1; }, Milliseconds(100)));
	busy.gate.open();
	busy.holder.join();
	for (auto &t : waiting)
		t.join();
	EXPECT_EQ(busy.node.counters().committed, 6u);
	EXPECT_EQ(busy.node.counters().turned_away, 0u);
}

TEST(Shortage, AndAreTurnedAwayWhenNoneGetsFree)
{
	BusyNode busy(static_cast<uint32_t>(support::patient_ms(1000)));
	std::vector<Peer> peers;

	for (int i = 0; i < 5; i++)
		peers.emplace_back(busy.node.port());
	for (auto &p : peers)
		EXPECT_EQ(p.end(), End::Reset);
	ASSERT_TRUE(busy.node.wait_ended(5));
	for (const auto &e : busy.node.ended()) {
		EXPECT_EQ(e.status, DYN_ENTROPY_ERR_IO);
		EXPECT_TRUE(e.turned_away);
		EXPECT_NE(e.message.find("turned away: all workers are busy"), std::string::npos)
			<< e.message;
		EXPECT_EQ(e.setting, "max_connections");
	}
	EXPECT_EQ(busy.node.counters().connections, 1u);
	busy.gate.open();
	busy.holder.join();
	expect_sound(busy.node, 0, 5);
}

/* ---- Without what it needs ---- */

/* Lets this process have only as many descriptors as it has now, and none of them free. */
class NoDescriptors
{
      public:
	NoDescriptors()
	{
		getrlimit(RLIMIT_NOFILE, &old_);
		struct rlimit few = old_;
		few.rlim_cur = 256;
		setrlimit(RLIMIT_NOFILE, &few);
		for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
			taken_.push_back(fd);
	}
	~NoDescriptors()
	{
		release();
	}
	void release()
	{
		for (int fd : taken_)
			close(fd);
		taken_.clear();
		setrlimit(RLIMIT_NOFILE, &old_);
	}

      private:
	struct rlimit old_;
	std::vector<int> taken_;
};

TEST(Shortage, WithoutADescriptorItTurnsAwayAndGoesOn)
{
	Node node;
	std::vector<Peer> peers(10); /* whose sockets are made while they can be */

	{
		NoDescriptors none;

		for (auto &p : peers) {
			p.connect(node.port());
			EXPECT_EQ(p.end(), End::Reset);
		}
	}
	ASSERT_TRUE(node.wait_ended(10));
	for (const auto &e : node.ended())
		EXPECT_NE(e.message.find("no descriptor is left"), std::string::npos) << e.message;
	expect_sound(node, 0, 10);
}

/* More than a spool keeps in memory. */
const std::string &large()
{
	static const std::string bytes = noise(17 * 1024 * 1024);

	return bytes;
}

TEST(Shortage, AFullSpoolDiskFailsTheSnapshotAlone)
{
	struct rlimit old, small;
	support::TempDir spool;
	NodeOptions options;

	options.config = [&](struct dyn_entropy_config *c) { c->spool_dir = spool.path().c_str(); };
	Node node(options);
	const auto old_handler = signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100000;
	setrlimit(RLIMIT_FSIZE, &small);
	const Push p = push(node.address(), large());
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, old_handler);

	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].status, DYN_ENTROPY_ERR_IO);
	EXPECT_NE(node.ended()[0].message.find("free some space"), std::string::npos)
		<< node.ended()[0].message;
	expect_sound(node, 1, 0);
}

TEST(Shortage, ASpoolDirectoryThatIsNotThereFailsOnlyWhatNeedsIt)
{
	support::TempDir dir;
	const std::string missing = dir.file("no/such");
	NodeOptions options;

	options.config = [&](struct dyn_entropy_config *c) { c->spool_dir = missing.c_str(); };
	Node node(options);
	const Push p = push(node.address(), large());
	EXPECT_EQ(p.result.outcome, DYN_ENTROPY_OUTCOME_REFUSED);
	ASSERT_TRUE(node.wait_ended(1));
	EXPECT_EQ(node.ended()[0].message.rfind(missing + ": cannot make a spool file", 0), 0u)
		<< node.ended()[0].message;
	expect_sound(node, 1, 0);
}

TEST(Shortage, WhoeverIsNotAllowedIsTurnedAway)
{
	std::atomic<bool> allowed{false};
	NodeOptions options;

	options.allow = [&](const struct sockaddr *from) {
		EXPECT_EQ(from->sa_family, AF_INET);
		return allowed.load();
	};
	Node node(options);
	for (int i = 0; i < 3; i++) {
		Peer peer(node.port());

		EXPECT_EQ(peer.end(), End::Reset);
	}
	ASSERT_TRUE(node.wait_ended(3));
	for (const auto &e : node.ended()) {
		EXPECT_NE(e.message.find("not the address of a known peer"), std::string::npos);
		EXPECT_EQ(e.setting, "allow");
	}
	EXPECT_EQ(node.counters().connections, 0u);
	allowed = true;
	expect_sound(node, 0, 3);
}

TEST(Shortage, WhoeverIsNotAllowedIsNotTakenForOneThatWasServed)
{
	std::atomic<unsigned> strangers{0};
	struct dyn_entropy_receive_result result;
	NodeOptions options;
	support::Error err;

	options.start = false;
	options.allow = [&](const struct sockaddr *) { return ++strangers > 1; };
	Node node(options);
	Peer stranger(node.port());
	EXPECT_TRUE(
		support::fails(dyn_entropy_receiver_accept_one(node.receiver(), 100, &result, err),
			err, DYN_ENTROPY_ERR_IO, "no connection came"));
	EXPECT_EQ(stranger.end(), End::Reset);
	EXPECT_STREQ(result.peer, "");
	ASSERT_EQ(node.ended().size(), 1u) << "told once";
	EXPECT_EQ(node.ended()[0].peer, stranger.address());
	support::JoiningThread friendly(
		[&] { EXPECT_EQ(push(node.address(), "content").status, DYN_ENTROPY_OK); });
	EXPECT_EQ(dyn_entropy_receiver_accept_one(node.receiver(), 20000, &result, err),
		DYN_ENTROPY_OK)
		<< err.text();
	friendly.join();
	EXPECT_STRNE(result.peer, "");
	EXPECT_EQ(node.ended().size(), 1u) << "the other one it tells itself";
}

/* By an address, and by a name that has to be looked up. */
TEST(Shortage, AnAddressInUseIsSaidAsSuch)
{
	for (const std::string host : {"127.0.0.1:", "localhost:"}) {
		support::Error err;
		Node sink_of;
		struct dyn_entropy_config config;
		dyn_entropy_receiver *first = nullptr, *second = nullptr;
		std::string address = host + "0";

		dyn_entropy_config_init(&config);
		config.listen_addr = address.c_str();
		ASSERT_TRUE(support::succeeds(
			dyn_entropy_receiver_new(&config, session::sample_material(),
				sink_of.sink.get(), nullptr, &first, err),
			err));
		address = host + std::to_string(dyn_entropy_receiver_port(first));
		config.listen_addr = address.c_str();
		EXPECT_TRUE(
			support::fails(dyn_entropy_receiver_new(&config, session::sample_material(),
					       sink_of.sink.get(), nullptr, &second, err),
				err, DYN_ENTROPY_ERR_IO,
				"cannot listen on " + address + ": Address already in use"));
		EXPECT_EQ(second, nullptr);
		dyn_entropy_receiver_free(first);
	}
}

} // namespace
