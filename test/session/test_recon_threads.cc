/*
 * Connections of version 2 as a node has them: the receiver's threads look at the first byte, the
 * event loop of another thread takes over, and dialers have loops and threads of their own.
 */
#include "heal/handover.h"
#include "recon/conn.h"
#include "session/sound.h"
#include "support/joining_thread.h"
#include "support/owned.h"
#include "support/sanitized.h"
#include "support/wait.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <event2/event.h>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <malloc.h>
#include <memory>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace
{

using session::Node;
using session::NodeOptions;
using session::open_descriptors;
using session::Peer;
using support::noise;

using Base = support::Owned<event_base, event_base_free>;
using Given = support::Owned<heal_handover, heal_handover_free>;
using Tls = support::Owned<recon_tls, recon_tls_free>;

constexpr size_t kBodyMax = 200000;
const char *const kListener = "dc1:rack1:0";

bool derive(void *, const uint8_t *info, size_t len, uint8_t key[RECON_TLS_KEY_LEN])
{
	return dyn_entropy_material_derive(session::sample_material(), info, len, key,
		       RECON_TLS_KEY_LEN, nullptr) == DYN_ENTROPY_OK;
}

std::string frame(uint8_t type, const std::string &body)
{
	const size_t n = body.size();

	return std::string{char(n >> 24), char(n >> 16), char(n >> 8), char(n), char(type)} + body;
}

/* Runs a loop in a thread of its own, and tear_down() there in the end. */
class Loop
{
      public:
	Loop(event_base *base, std::function<void()> tear_down)
	    : thread_(
		      [this, base, tear_down] {
			      while (!stop_) {
				      event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
				      std::this_thread::sleep_for(std::chrono::microseconds(200));
			      }
			      tear_down();
			      OPENSSL_thread_stop();
		      },
		      [this] { stop_ = true; })
	{
	}
	void stop()
	{
		stop_ = true;
		thread_.join();
	}

      private:
	std::atomic<bool> stop_{false};
	support::JoiningThread thread_;
};

/* The listening node: it says each frame back. */
class Echo
{
      public:
	std::atomic<unsigned> open{0}, came{0};
	std::atomic<unsigned> ends[RECON_CONN_N_ENDS] = {};

	explicit Echo(int handshake_ms = 20000)
	    : handshake_ms_(uint32_t(support::patient_ms(handshake_ms))),
	      loop_(base_.get(), [this] { tear_down(); }), node_(node_options())
	{
	}
	Node &node()
	{
		return node_;
	}
	/* As a node stops: first the loop takes no more, then the receiver ends. */
	void stop()
	{
		loop_.stop();
		dyn_entropy_receiver_stop(node_.receiver());
		dyn_entropy_receiver_join(node_.receiver());
	}

      private:
	struct Link {
		Echo *echo;
		recon_conn *conn = nullptr;
		std::deque<std::string> waiting; /* that the queue had no room for */
		bool over = false;
	};
	const uint32_t handshake_ms_;
	/* The loop's thread uses them; they go after it, and after the receiver. */
	Base base_{event_base_new()};
	Given handover_{heal_handover_new(base_.get(), take, this)};
	Tls tls_{recon_tls_new(kListener, derive, nullptr)};
	std::list<Link> links_;
	Loop loop_;
	Node node_;

	NodeOptions node_options()
	{
		NodeOptions o;

		o.config = [](struct dyn_entropy_config *c) { c->max_connections = 4; };
		o.take = [this](int fd, const std::string &peer) {
			return heal_handover_give(handover_.get(), fd, peer.c_str());
		};
		return o;
	}
	void tear_down()
	{
		heal_handover_stop(handover_.get());
		for (Link &l : links_)
			recon_conn_free(l.conn);
		links_.clear();
	}
	static void take(void *arg, int fd, const char *)
	{
		static const recon_conn_ops ops = {opened, frame_came, drained, ended};
		auto *e = static_cast<Echo *>(arg);
		recon_conn_options o = {};

		e->links_.remove_if([](const Link &l) { return l.over; });
		e->came++;
		e->links_.emplace_back();
		Link &l = e->links_.back();
		l.echo = e;
		o.base = e->base_.get();
		o.tls = e->tls_.get();
		o.ops = &ops;
		o.arg = &l;
		o.handshake_ms = e->handshake_ms_;
		o.idle_ms = uint32_t(support::patient_ms(20000));
		o.body_max = kBodyMax;
		o.queue_max = 1 << 20;
		l.conn = recon_conn_accept(&o, fd);
		l.over = !l.conn;
	}
	static void opened(void *arg)
	{
		static_cast<Link *>(arg)->echo->open++;
	}
	static void frame_came(void *arg, const uint8_t *bytes, size_t len)
	{
		auto *l = static_cast<Link *>(arg);

		l->waiting.emplace_back(reinterpret_cast<const char *>(bytes), len);
		drained(arg);
	}
	static void drained(void *arg)
	{
		auto *l = static_cast<Link *>(arg);

		while (!l->waiting.empty() && recon_conn_send(l->conn, l->waiting.front().data(),
						      l->waiting.front().size()))
			l->waiting.pop_front();
	}
	static void ended(void *arg, recon_conn_end end, const char *)
	{
		auto *l = static_cast<Link *>(arg);

		l->echo->ends[end]++;
		recon_conn_free(l->conn);
		l->conn = nullptr;
		l->over = true;
	}
};

/* What a dialer does when it is half way. */
enum class Fault {
	None,
	Cut,       /* goes without a word */
	TooLong,   /* claims a frame over the limit */
	SlowReader /* takes its time over each frame */
};

struct Went {
	bool opened = false, echoed = false;
	recon_conn_end end = RECON_CONN_N_ENDS;
};

/* One connection, in a loop of its own: frames of every size out, and each heard again. */
class Dialer
{
      public:
	Dialer(uint16_t port, const std::string &name, unsigned seed, Fault fault) : fault_(fault)
	{
		std::minstd_rand random(seed);
		const size_t n = 20 + random() % 30;

		for (size_t i = 0; i < n; i++)
			frames_.push_back(frame(uint8_t(i),
				noise(random() % (i % 7 ? 3000 : kBodyMax), unsigned(random()))));
		tls_.reset(recon_tls_new(name.c_str(), derive, nullptr));
		sin_.sin_family = AF_INET;
		sin_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sin_.sin_port = htons(port);
	}
	~Dialer()
	{
		recon_conn_free(conn_);
		tls_.reset();
		base_.reset();
		OPENSSL_thread_stop();
	}
	Dialer(const Dialer &) = delete;
	Dialer &operator=(const Dialer &) = delete;

	Went run()
	{
		static const recon_conn_ops ops = {opened, frame_came, drained, ended};
		const auto deadline = std::chrono::steady_clock::now() +
				      support::patient(std::chrono::seconds(30));
		recon_conn_options o = {};

		o.base = base_.get();
		o.tls = tls_.get();
		o.ops = &ops;
		o.arg = this;
		o.handshake_ms = o.idle_ms = uint32_t(support::patient_ms(20000));
		o.body_max = kBodyMax;
		o.queue_max = 1 << 20;
		conn_ = recon_conn_dial(
			&o, reinterpret_cast<sockaddr *>(&sin_), sizeof(sin_), kListener);
		while (conn_ && !over_ && std::chrono::steady_clock::now() < deadline) {
			event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
			std::this_thread::sleep_for(std::chrono::microseconds(100));
		}
		went_.echoed = heard_ == frames_.size();
		return went_;
	}

      private:
	Base base_{event_base_new()};
	Tls tls_;
	Fault fault_;
	sockaddr_in sin_ = {};
	std::vector<std::string> frames_;
	recon_conn *conn_ = nullptr;
	size_t sent_ = 0, heard_ = 0;
	bool over_ = false, harm_due_ = false;
	Went went_;

	/* Who does harm half way does not get further. */
	size_t allowed() const
	{
		return fault_ == Fault::Cut || fault_ == Fault::TooLong ? frames_.size() / 2
									: frames_.size();
	}
	void send_on()
	{
		const char head[] = {0x7f, 0, 0, 0, 1};

		if (harm_due_ && recon_conn_send(conn_, head, sizeof(head)))
			harm_due_ = false;
		while (sent_ < allowed() &&
			recon_conn_send(conn_, frames_[sent_].data(), frames_[sent_].size()))
			sent_++;
	}
	static void opened(void *arg)
	{
		auto *d = static_cast<Dialer *>(arg);

		d->went_.opened = true;
		d->send_on();
	}
	static void drained(void *arg)
	{
		static_cast<Dialer *>(arg)->send_on();
	}
	static void frame_came(void *arg, const uint8_t *bytes, size_t len)
	{
		auto *d = static_cast<Dialer *>(arg);

		ASSERT_LT(d->heard_, d->frames_.size());
		EXPECT_TRUE(d->frames_[d->heard_] ==
			    std::string(reinterpret_cast<const char *>(bytes), len));
		d->heard_++;
		if (d->fault_ == Fault::SlowReader)
			std::this_thread::sleep_for(std::chrono::milliseconds(2));
		if (d->heard_ == d->frames_.size())
			recon_conn_finish(d->conn_);
		else if (d->heard_ == d->frames_.size() / 2)
			d->do_harm();
	}
	void do_harm()
	{
		if (fault_ == Fault::TooLong) {
			harm_due_ = true;
			send_on();
		} else if (fault_ == Fault::Cut) {
			recon_conn_free(conn_);
			conn_ = nullptr;
			over_ = true;
		}
	}
	static void ended(void *arg, recon_conn_end end, const char *)
	{
		auto *d = static_cast<Dialer *>(arg);

		d->went_.end = end;
		d->over_ = true;
	}
};

/* It serves version 1 as if nothing had been. */
void expect_served(Node &node)
{
	const auto p = session::push(node.address(), session::good_content());

	EXPECT_TRUE(support::succeeds(p.status, p.err));
	ASSERT_FALSE(node.sink.applied().empty());
	EXPECT_TRUE(node.sink.applied().back() == session::good_content());
}

class ReconThreads : public testing::Test
{
      protected:
	ReconThreads() : old_(signal(SIGPIPE, SIG_IGN))
	{
	}
	~ReconThreads() override
	{
		signal(SIGPIPE, old_);
	}
	static bool settled(Echo &echo, unsigned connections)
	{
		return support::wait_until(
			[&] {
				unsigned n = 0;

				for (const auto &e : echo.ends)
					n += e;
				return echo.came == connections && n == connections &&
				       echo.node().counters().active == 0;
			},
			std::chrono::seconds(20));
	}

      private:
	void (*old_)(int);
};

TEST_F(ReconThreads, EveryFrameComesBackWhateverOthersDo)
{
	const size_t before = open_descriptors();
	const Fault faults[] = {Fault::None, Fault::Cut, Fault::TooLong, Fault::SlowReader};
	constexpr unsigned kDialers = 4, kRounds = 4;
	{
		Echo echo;
		{
			std::vector<support::JoiningThread> threads;

			for (unsigned i = 0; i < kDialers; i++)
				threads.emplace_back([&, i] {
					for (unsigned round = 0; round < kRounds; round++) {
						const Fault fault = faults[(i + round) % 4];
						const Went w = Dialer(echo.node().port(),
							"dc2:rack1:" + std::to_string(i),
							i * 100 + round, fault)
								       .run();
						const bool good = fault == Fault::None ||
								  fault == Fault::SlowReader;

						EXPECT_TRUE(w.opened);
						EXPECT_EQ(w.echoed, good);
						if (good) {
							EXPECT_EQ(w.end, RECON_CONN_FINISHED);
						}
					}
				});
			expect_served(echo.node());
		}
		EXPECT_TRUE(settled(echo, kDialers * kRounds));
		EXPECT_EQ(echo.open, kDialers * kRounds);
		EXPECT_EQ(echo.ends[RECON_CONN_CLOSED], 8u);
		EXPECT_EQ(echo.ends[RECON_CONN_CUT], 4u);
		EXPECT_EQ(echo.ends[RECON_CONN_TOO_LONG], 4u);
		EXPECT_EQ(echo.node().counters().taken, kDialers * kRounds);
		echo.stop();
	}
	EXPECT_EQ(open_descriptors(), before);
}

/* They keep no worker, and each ends by its deadline. */
TEST_F(ReconThreads, HandshakesThatStallHoldNobodyUp)
{
	Echo echo(500);
	std::vector<Peer> peers;

	for (int i = 0; i < 20; i++) {
		peers.emplace_back(echo.node().port());
		ASSERT_TRUE(peers.back().send("\x16\x03\x01"));
	}
	ASSERT_TRUE(support::wait_until([&] { return echo.came == 20; }));
	EXPECT_TRUE(support::wait_until([&] { return echo.node().counters().active == 0; }));
	Dialer good(echo.node().port(), "dc2:rack1:0", 1, Fault::None);
	EXPECT_EQ(good.run().end, RECON_CONN_FINISHED);
	expect_served(echo.node());
	EXPECT_TRUE(settled(echo, 21));
	EXPECT_EQ(echo.ends[RECON_CONN_STALLED], 20u);
	echo.stop();
}

/* The node stops while connections are on their way from thread to thread. */
TEST_F(ReconThreads, StoppingLosesNoDescriptor)
{
	const size_t before = open_descriptors();

	for (int round = 0; round < 20; round++) {
		auto echo = std::make_unique<Echo>();
		std::atomic<bool> stop{false};
		const uint16_t port = echo->node().port();
		std::vector<support::JoiningThread> threads;

		for (int i = 0; i < 3; i++)
			threads.emplace_back(
				[&stop, port] {
					while (!stop) {
						try {
							Peer p(port);

							p.send("\x16\x03\x01");
							std::this_thread::sleep_for(
								std::chrono::microseconds(200));
						} catch (const std::exception &) {
							break; /* nobody listens any more */
						}
					}
				},
				[&stop] { stop = true; });
		EXPECT_TRUE(support::wait_until([&] { return echo->came > 3; }));
		echo->stop();
		stop = true;
		threads.clear();
		echo.reset();
	}
	EXPECT_EQ(open_descriptors(), before);
}

/* Bytes of every kind at the port, some of which look like version 1 or 2 at first. */
TEST_F(ReconThreads, RandomBytesTakeNeitherMemoryNorWorkers)
{
	const size_t before = open_descriptors();
	constexpr unsigned kThreads = 4, kEach = 40;
	{
		Echo echo;
		const size_t began = mallinfo2().uordblks;
		std::atomic<size_t> most{0};
		std::atomic<unsigned> version_2{0}, done{0};
		{
			std::vector<support::JoiningThread> threads;

			for (unsigned t = 0; t < kThreads; t++)
				threads.emplace_back([&, t] {
					std::minstd_rand random(t + 1);

					for (unsigned i = 0; i < kEach; i++) {
						const std::string firsts("\x16\x64\x00\xff", 4);
						std::string bytes = noise(
							1 + random() % 100000, unsigned(random()));

						bytes[0] = firsts[random() % 4];
						/* A record that is as long as it may be. */
						if (random() % 2 && bytes.size() > 5)
							bytes.replace(1, 4, "\x03\x03\x40\x00", 4);
						version_2 += bytes[0] == 0x16;
						Peer p(echo.node().port());
						p.send(bytes);
						p.half_close();
						p.end();
					}
					done++;
				});
			while (done < kThreads) {
				const size_t now = mallinfo2().uordblks;

				most = std::max(most.load(), now);
				std::this_thread::sleep_for(std::chrono::milliseconds(1));
			}
		}
		EXPECT_TRUE(settled(echo, version_2));
		EXPECT_GT(version_2, 0u);
		EXPECT_EQ(echo.open, 0u);
		EXPECT_EQ(echo.ends[RECON_CONN_REFUSED], version_2);
		if (!SANITIZED) {
			EXPECT_LT(most - began, size_t(16) << 20);
		}
		EXPECT_EQ(echo.node().counters().failed, kThreads * kEach - version_2);
		expect_served(echo.node());
		echo.stop();
	}
	EXPECT_EQ(open_descriptors(), before);
}

} // namespace
