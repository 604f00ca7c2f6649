#include "recon/conn.h"
#include "support/owned.h"
#include "support/text.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstring>
#include <event2/event.h>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

using Base = support::Owned<event_base, event_base_free>;
using Tls = support::Owned<recon_tls, recon_tls_free>;
using support::holds;

const char *const kA = "dc1:rack1:0";
const char *const kB = "dc1:rack2:0";

/* Not HKDF, but a function of the key and the names. */
bool derive(void *arg, const uint8_t *info, size_t len, uint8_t key[RECON_TLS_KEY_LEN])
{
	const std::string text = static_cast<const char *>(arg) +
				 std::string(reinterpret_cast<const char *>(info), len);
	unsigned int n;

	return EVP_Digest(text.data(), text.size(), key, &n, EVP_sha256(), nullptr) == 1;
}

std::string frame(uint8_t type, const std::string &body)
{
	const size_t n = body.size();

	return std::string{char(n >> 24), char(n >> 16), char(n >> 8), char(n), char(type)} + body;
}

/* An end of a connection, and what happened to it. */
struct End {
	recon_conn *conn = nullptr;
	bool opened = false, has_ended = false;
	unsigned drained = 0;
	std::vector<std::string> frames;
	recon_conn_end end = RECON_CONN_N_ENDS;
	std::string why, peer;
	recon_tls_refusal refusal = RECON_TLS_NOT_REFUSED;
	recon_conn_figures figures = {};
	std::function<void()> on_opened, on_frame, on_drained, on_ended;

	End() = default;
	End(const End &) = delete;
	End &operator=(const End &) = delete;
	~End()
	{
		free();
	}
	void free()
	{
		recon_conn_free(conn);
		conn = nullptr;
	}
	bool send(const std::string &bytes)
	{
		return recon_conn_send(conn, bytes.data(), bytes.size());
	}
	static const recon_conn_ops ops;

      private:
	static void call(const std::function<void()> &f)
	{
		if (f)
			f();
	}
	static void did_open(void *arg)
	{
		auto *e = static_cast<End *>(arg);

		EXPECT_FALSE(e->opened || e->has_ended);
		e->opened = true;
		e->peer = recon_conn_peer(e->conn);
		call(e->on_opened);
	}
	static void did_frame(void *arg, const uint8_t *bytes, size_t len)
	{
		auto *e = static_cast<End *>(arg);

		EXPECT_TRUE(e->opened && !e->has_ended);
		e->frames.emplace_back(reinterpret_cast<const char *>(bytes), len);
		call(e->on_frame);
	}
	static void did_drain(void *arg)
	{
		auto *e = static_cast<End *>(arg);

		e->drained++;
		call(e->on_drained);
	}
	static void did_end(void *arg, recon_conn_end end, const char *why)
	{
		auto *e = static_cast<End *>(arg);

		EXPECT_FALSE(e->has_ended);
		e->has_ended = true;
		e->end = end;
		e->why = why;
		e->refusal = recon_conn_refusal(e->conn);
		call(e->on_ended);
	}
};

const recon_conn_ops End::ops = {did_open, did_frame, did_drain, did_end};

size_t open_descriptors()
{
	const std::filesystem::directory_iterator all("/proc/self/fd");

	return size_t(std::distance(begin(all), end(all)));
}

/* Two nodes in one loop.  A dials B, unless a test is one of them by a socket of its own. */
class ReconConn : public testing::Test
{
      protected:
	const size_t descriptors_ = open_descriptors();
	Base base_{event_base_new()};
	Tls a_tls_{recon_tls_new(kA, derive, const_cast<char *>("key"))};
	Tls b_tls_{recon_tls_new(kB, derive, const_cast<char *>("key"))};
	recon_conn_options options_ = {};
	std::unique_ptr<End> a_ = std::make_unique<End>(), b_ = std::make_unique<End>();
	int listening_ = -1;
	sockaddr_in address_ = {};

	ReconConn()
	{
		socklen_t len = sizeof(address_);

		old_ = signal(SIGPIPE, SIG_IGN);
		options_.base = base_.get();
		options_.ops = &End::ops;
		options_.handshake_ms = options_.idle_ms = uint32_t(support::patient_ms(20000));
		options_.body_max = 1 << 20;
		options_.queue_max = 4 << 20;
		listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		address_.sin_family = AF_INET;
		address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(listening_, sa(), len) != 0 || listen(listening_, 5) != 0 ||
			getsockname(listening_, sa(), &len) != 0)
			throw std::runtime_error("no port to listen on");
	}
	~ReconConn() override
	{
		a_->free();
		b_->free();
		base_.reset();
		close(listening_);
		signal(SIGPIPE, old_);
		EXPECT_EQ(open_descriptors(), descriptors_);
	}
	sockaddr *sa()
	{
		return reinterpret_cast<sockaddr *>(&address_);
	}
	recon_conn_options options(const Tls &tls, End &end)
	{
		recon_conn_options o = options_;

		o.tls = tls.get();
		o.arg = &end;
		o.figures = &end.figures;
		return o;
	}
	void dial(const char *listener = kB)
	{
		const recon_conn_options o = options(a_tls_, *a_);

		a_->conn = recon_conn_dial(&o, sa(), sizeof(address_), listener);
		ASSERT_NE(a_->conn, nullptr);
	}
	int accept_fd()
	{
		return accept(listening_, nullptr, nullptr);
	}
	void listen_to(int fd)
	{
		const recon_conn_options o = options(b_tls_, *b_);

		b_->conn = recon_conn_accept(&o, fd);
		ASSERT_NE(b_->conn, nullptr);
	}
	/* A plain socket that is connected to what accept_fd() gives. */
	int raw()
	{
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		EXPECT_EQ(connect(fd, sa(), sizeof(address_)), 0);
		return fd;
	}
	/* Run the loop until it is so. */
	template <typename P> testing::AssertionResult until(P is_so)
	{
		const auto deadline = std::chrono::steady_clock::now() +
				      support::patient(std::chrono::seconds(20));

		while (!is_so()) {
			if (std::chrono::steady_clock::now() > deadline)
				return testing::AssertionFailure() << "it did not come to that";
			event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
		}
		return testing::AssertionSuccess();
	}
	testing::AssertionResult until_ended(const End &e)
	{
		return until([&] { return e.has_ended; });
	}
	/* Some turns of the loop in which nothing more may happen. */
	void settle()
	{
		for (int i = 0; i < 20; i++)
			event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	void connect_both()
	{
		dial();
		listen_to(accept_fd());
		ASSERT_TRUE(until([&] { return a_->opened && b_->opened; }));
	}

      private:
	void (*old_)(int);
};

TEST_F(ReconConn, OpensWithBothNamesProved)
{
	connect_both();
	EXPECT_EQ(a_->peer, kB);
	EXPECT_EQ(b_->peer, kA);
	EXPECT_EQ(a_->figures.dialed, 1u);
	EXPECT_EQ(b_->figures.accepted, 1u);
	EXPECT_EQ(a_->figures.opened + b_->figures.opened, 2u);
}

TEST_F(ReconConn, CarriesFramesBothWays)
{
	const std::vector<std::string> frames = {frame(1, "hello"), frame(2, ""),
		frame(3, std::string(options_.body_max, 'x')), frame(255, std::string(5, '\0'))};
	size_t total = 0;

	connect_both();
	for (const std::string &f : frames) {
		ASSERT_TRUE(a_->send(f));
		ASSERT_TRUE(b_->send(f.substr(0, 3))) << "in pieces, too";
		ASSERT_TRUE(b_->send(f.substr(3)));
		total += f.size();
	}
	ASSERT_TRUE(until([&] { return a_->frames.size() >= 4 && b_->frames.size() >= 4; }));
	EXPECT_TRUE(a_->frames == frames);
	EXPECT_TRUE(b_->frames == frames);
	EXPECT_EQ(a_->figures.bytes_in, total);
	EXPECT_EQ(a_->figures.bytes_out, total);
	EXPECT_EQ(recon_conn_queued(a_->conn), 0u);
}

TEST_F(ReconConn, FinishesWhenAllWasSent)
{
	connect_both();
	const std::string large = frame(1, std::string(options_.body_max, 'x'));

	for (int i = 0; i < 4; i++)
		if (!a_->send(i < 3 ? large : frame(2, "last")))
			FAIL() << i;
	recon_conn_finish(a_->conn);
	EXPECT_FALSE(a_->send(frame(3, "too late")));
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->end, RECON_CONN_FINISHED);
	EXPECT_EQ(b_->end, RECON_CONN_CLOSED) << b_->why;
	ASSERT_EQ(b_->frames.size(), 4u);
	EXPECT_EQ(b_->frames[3], frame(2, "last"));
	EXPECT_EQ(a_->figures.ends[RECON_CONN_FINISHED], 1u);
	EXPECT_EQ(b_->figures.ends[RECON_CONN_CLOSED], 1u);
}

TEST_F(ReconConn, FinishesFromBothSidesAtOnce)
{
	connect_both();
	recon_conn_finish(a_->conn);
	recon_conn_finish(b_->conn);
	recon_conn_finish(b_->conn); /* harmless */
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->end, RECON_CONN_FINISHED) << a_->why;
	EXPECT_EQ(b_->end, RECON_CONN_FINISHED) << b_->why;
}

TEST_F(ReconConn, DropsFramesThatComeAfterItHasFinished)
{
	connect_both();
	recon_conn_finish(a_->conn);
	ASSERT_TRUE(b_->send(frame(1, "into the void")));
	recon_conn_finish(b_->conn);
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->end, RECON_CONN_FINISHED) << a_->why;
	EXPECT_TRUE(a_->frames.empty());
}

TEST_F(ReconConn, TellsACutFromAnEndInGoodOrder)
{
	connect_both();
	ASSERT_TRUE(a_->send(frame(1, "whole")));
	ASSERT_TRUE(until([&] { return b_->frames.size() == 1; }));
	a_->free();
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_CUT);
	EXPECT_FALSE(a_->has_ended) << "who frees it is not told";
}

TEST_F(ReconConn, TellsAnEndWithinAFrame)
{
	connect_both();
	ASSERT_TRUE(a_->send(frame(1, "half a frame").substr(0, 9)));
	recon_conn_finish(a_->conn);
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_CUT);
	EXPECT_TRUE(holds(b_->why, "within a frame")) << b_->why;
	EXPECT_TRUE(b_->frames.empty());
}

TEST_F(ReconConn, RefusesAFrameOverTheLimit)
{
	options_.body_max = 100;
	connect_both();
	ASSERT_TRUE(a_->send(frame(1, std::string(100, 'x'))));
	ASSERT_TRUE(a_->send(frame(7, std::string(101, 'x')).substr(0, 5))) << "its head is enough";
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_TOO_LONG);
	EXPECT_TRUE(holds(b_->why, "101 bytes, of type 7; 100 are allowed")) << b_->why;
	EXPECT_EQ(b_->frames.size(), 1u);
}

TEST_F(ReconConn, RefusesTheLongestClaimAtItsHead)
{
	connect_both();
	ASSERT_TRUE(a_->send("\xff\xff\xff\xff\x01"));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_TOO_LONG);
}

/* ---- What is queued ---- */

TEST_F(ReconConn, QueuesNoMoreThanItMay)
{
	const std::string f = frame(1, std::string(100000, 'x'));
	size_t sent = 0;

	options_.queue_max = 1000000;
	connect_both();
	EXPECT_FALSE(a_->send(std::string(1000001, 'x'))) << "never fits";
	while (a_->send(f)) {
		sent++;
		ASSERT_LE(recon_conn_queued(a_->conn), options_.queue_max);
	}
	EXPECT_EQ(sent, 9u);
	EXPECT_EQ(a_->drained, 0u);
	ASSERT_TRUE(until([&] { return a_->drained > 0; }));
	EXPECT_LE(recon_conn_queued(a_->conn), options_.queue_max / 2);
	ASSERT_TRUE(until([&] { return b_->frames.size() == 9; }));
	settle();
	EXPECT_EQ(a_->drained, 1u) << "only after a refusal";
}

TEST_F(ReconConn, SendsOnWhenTheQueueHasDrained)
{
	const std::string f = frame(1, std::string(50000, 'x'));
	size_t sent = 0;

	options_.queue_max = 100000;
	a_->on_drained = [&] {
		while (sent < 500 && a_->send(f))
			sent++;
		if (sent == 500)
			recon_conn_finish(a_->conn);
	};
	connect_both();
	a_->on_drained();
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->frames.size(), 500u);
	EXPECT_EQ(a_->end, RECON_CONN_FINISHED) << a_->why;
}

TEST_F(ReconConn, SendsNothingBeforeItIsOpen)
{
	dial();
	EXPECT_FALSE(a_->send(frame(1, "early")));
	listen_to(accept_fd());
	EXPECT_FALSE(b_->send(frame(1, "early")));
	ASSERT_TRUE(until([&] { return a_->opened && b_->opened; }));
	settle();
	EXPECT_TRUE(a_->frames.empty() && b_->frames.empty());
}

/* ---- Handshakes that fail ---- */

TEST_F(ReconConn, RefusesAnotherKey)
{
	b_tls_.reset(recon_tls_new(kB, derive, const_cast<char *>("another key")));
	dial();
	listen_to(accept_fd());
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->end, RECON_CONN_REFUSED);
	EXPECT_EQ(a_->refusal, RECON_TLS_KEY_REFUSED) << a_->why;
	EXPECT_EQ(b_->refusal, RECON_TLS_OTHER_KEY) << b_->why;
	EXPECT_EQ(a_->figures.refusals[RECON_TLS_KEY_REFUSED], 1u);
	EXPECT_EQ(b_->figures.refusals[RECON_TLS_OTHER_KEY], 1u);
	EXPECT_FALSE(a_->opened || b_->opened);
}

TEST_F(ReconConn, RefusesADialerThatMeansAnother)
{
	dial("dc9:rack9:0");
	listen_to(accept_fd());
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->refusal, RECON_TLS_NAME_REFUSED) << a_->why;
	EXPECT_EQ(b_->refusal, RECON_TLS_OTHER_NAME) << b_->why;
	EXPECT_STREQ(recon_conn_peer(b_->conn), "");
}

TEST_F(ReconConn, RefusesWhatIsNotTls)
{
	const int fd = raw();

	listen_to(accept_fd());
	ASSERT_EQ(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_REFUSED);
	EXPECT_EQ(b_->refusal, RECON_TLS_NOT_TLS) << b_->why;
	close(fd);
}

TEST_F(ReconConn, TellsAHandshakeThatIsCutOff)
{
	const int fd = raw();

	listen_to(accept_fd());
	ASSERT_EQ(write(fd, "\x16\x03\x01", 3), 3);
	close(fd);
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(b_->end, RECON_CONN_REFUSED);
	EXPECT_EQ(b_->refusal, RECON_TLS_CUT) << b_->why;
}

TEST_F(ReconConn, GivesUpAHandshakeThatStalls)
{
	options_.handshake_ms = 60;
	dial(); /* connected by the kernel, and then nobody says a word */
	const int fd = raw();
	const int first = accept_fd();

	listen_to(accept_fd());
	ASSERT_TRUE(until_ended(*a_));
	ASSERT_TRUE(until_ended(*b_));
	EXPECT_EQ(a_->end, RECON_CONN_STALLED) << a_->why;
	EXPECT_EQ(b_->end, RECON_CONN_STALLED) << b_->why;
	EXPECT_TRUE(holds(b_->why, "60 ms")) << b_->why;
	close(fd);
	close(first);
}

/* A byte now and then does not put the deadline off. */
TEST_F(ReconConn, GivesUpAHandshakeThatDrips)
{
	const std::string hello = "\x16\x03\x01\x02" + std::string(600, '\0');
	size_t said = 0;

	options_.handshake_ms = 100;
	const int fd = raw();
	listen_to(accept_fd());
	ASSERT_TRUE(until([&] {
		if (said < hello.size() && send(fd, &hello[said], 1, MSG_NOSIGNAL) == 1)
			said++;
		usleep(1000);
		return b_->has_ended;
	}));
	EXPECT_EQ(b_->end, RECON_CONN_STALLED) << b_->why;
	EXPECT_LT(said, hello.size());
	close(fd);
}

TEST_F(ReconConn, TellsWhenNobodyListens)
{
	close(listening_);
	dial();
	EXPECT_FALSE(a_->has_ended) << "only from the loop";
	ASSERT_TRUE(until_ended(*a_));
	EXPECT_EQ(a_->end, RECON_CONN_UNREACHABLE);
	EXPECT_TRUE(holds(a_->why, "refused")) << a_->why;
	EXPECT_STREQ(recon_conn_peer(a_->conn), kB);
	listening_ = -1;
}

TEST_F(ReconConn, TellsAnAddressThatCannotBeReached)
{
	address_.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	dial();
	EXPECT_FALSE(a_->has_ended) << "only from the loop";
	ASSERT_TRUE(until_ended(*a_));
	EXPECT_EQ(a_->end, RECON_CONN_UNREACHABLE) << a_->why;
}

TEST_F(ReconConn, DialsNoNameThatIsNone)
{
	const recon_conn_options o = options(a_tls_, *a_);

	EXPECT_EQ(recon_conn_dial(&o, sa(), sizeof(address_), ""), nullptr);
	EXPECT_EQ(recon_conn_dial(&o, sa(), sizeof(address_), kA), nullptr) << "itself";
	recon_conn_free(nullptr);
}

/* ---- Deadlines of an open connection ---- */

TEST_F(ReconConn, GivesUpAConnectionOverWhichNothingComes)
{
	options_.idle_ms = 60;
	connect_both();
	ASSERT_TRUE(until_ended(*a_));
	EXPECT_EQ(a_->end, RECON_CONN_STALLED);
	EXPECT_TRUE(holds(a_->why, "sent nothing")) << a_->why;
}

/* A frame that comes byte by byte, each in good time. */
TEST_F(ReconConn, GivesUpAFrameThatDrips)
{
	const std::string f = frame(1, std::string(10000, 'x'));
	size_t said = 0;

	options_.idle_ms = 200;
	connect_both();
	ASSERT_TRUE(until([&] {
		if (said < f.size() && !a_->has_ended && a_->send(f.substr(said, 1)))
			said++;
		usleep(1000);
		return b_->has_ended;
	}));
	EXPECT_EQ(b_->end, RECON_CONN_STALLED) << b_->why;
	EXPECT_LT(said, f.size());
}

/* It goes on to send, but reads no more: its kernel takes some, then nothing. */
TEST_F(ReconConn, GivesUpAReaderThatStops)
{
	const std::string f = frame(1, "still here");
	const support::Owned<SSL, SSL_free> ssl(recon_tls_listener(b_tls_.get()));
	bool shaken = false;

	options_.idle_ms = 1000;
	dial();
	const int fd = accept_fd();
	ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	SSL_set_fd(ssl.get(), fd);
	a_->on_opened = a_->on_drained = [&] {
		while (a_->send(frame(1, std::string(options_.body_max, 'x'))))
			;
	};
	ASSERT_TRUE(until([&] {
		if (!shaken)
			shaken = SSL_do_handshake(ssl.get()) == 1;
		else
			SSL_write(ssl.get(), f.data(), int(f.size()));
		usleep(1000);
		return a_->has_ended;
	}));
	EXPECT_EQ(a_->end, RECON_CONN_STALLED);
	EXPECT_TRUE(holds(a_->why, "taken nothing")) << a_->why;
	EXPECT_GT(a_->frames.size(), 10u) << "of what it sent, all was heard";
	ERR_clear_error();
	close(fd);
}

/* ---- Freeing from within ---- */

TEST_F(ReconConn, MayBeFreedInItsCallbacks)
{
	for (const char *when : {"opened", "frame", "drained", "ended"}) {
		const std::string w = when;

		a_ = std::make_unique<End>();
		b_ = std::make_unique<End>();
		options_.queue_max = 400000;
		bool freed = false;
		const auto free_a = [&] {
			a_->free();
			freed = true;
		};
		if (w == "opened")
			a_->on_opened = free_a;
		else if (w == "frame")
			a_->on_frame = free_a;
		else if (w == "drained")
			a_->on_drained = free_a;
		else
			a_->on_ended = free_a;
		dial();
		listen_to(accept_fd());
		ASSERT_TRUE(until([&] { return b_->opened; })) << when;
		if (w == "frame") {
			for (int i = 0; i < 3; i++)
				ASSERT_TRUE(b_->send(frame(1, "several")));
		} else if (w == "drained") {
			ASSERT_TRUE(until([&] { return a_->opened; }));
			while (a_->send(frame(1, std::string(100000, 'x'))))
				;
		} else if (w == "ended") {
			recon_conn_finish(b_->conn);
		}
		ASSERT_TRUE(until([&] { return freed; })) << when;
		settle();
		EXPECT_LE(a_->frames.size(), 1u);
		ASSERT_TRUE(until_ended(*b_)) << when;
	}
}

TEST_F(ReconConn, MayBeFreedInAnyStateBeforeTheLoopRuns)
{
	dial();
	const int fd = accept_fd();

	a_->free();
	listen_to(fd);
	b_->free();
	settle();
	EXPECT_FALSE(a_->has_ended || b_->has_ended);
	connect_both();
	recon_conn_finish(a_->conn);
	a_->free();
	b_->free();
	settle();
	EXPECT_FALSE(a_->has_ended || b_->has_ended);
}

TEST_F(ReconConn, MayBeFinishedInAFrame)
{
	b_->on_frame = [&] { recon_conn_finish(b_->conn); };
	connect_both();
	ASSERT_TRUE(a_->send(frame(1, "first") + frame(2, "second")));
	ASSERT_TRUE(until_ended(*b_));
	ASSERT_TRUE(until_ended(*a_));
	EXPECT_EQ(b_->frames.size(), 1u) << "the second is dropped";
	EXPECT_EQ(b_->end, RECON_CONN_FINISHED) << b_->why;
	EXPECT_EQ(a_->end, RECON_CONN_CLOSED) << a_->why;
}

} // namespace
