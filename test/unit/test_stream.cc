#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/stream.h"
#include "support/joining_thread.h"
#include "support/status.h"
#include "support/tempdir.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

struct addr loopback(uint16_t port)
{
	struct addr a = {};

	strcpy(a.host, "127.0.0.1");
	a.port = port;
	return a;
}

/* A listening socket on a free port. */
struct Listener {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port = 0;

	explicit Listener(int backlog = 8)
	{
		struct sockaddr_in sin = {};
		socklen_t len = sizeof(sin);

		sin.sin_family = AF_INET;
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(bind(fd, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)), 0);
		EXPECT_EQ(listen(fd, backlog), 0);
		EXPECT_EQ(getsockname(fd, reinterpret_cast<struct sockaddr *>(&sin), &len), 0);
		port = ntohs(sin.sin_port);
	}
	~Listener()
	{
		close(fd);
	}
};

/* Two ends of a connection: ours, a stream, and a plain blocking descriptor. */
class Stream : public ::testing::Test
{
      protected:
	Listener listener_;
	dyn_entropy_cancel *cancel_ = dyn_entropy_cancel_new();
	struct stream s_;
	int other_ = -1;
	Error err_;

	void SetUp() override
	{
		open(10000);
	}
	void open(uint32_t timeout_ms)
	{
		const struct addr to = loopback(listener_.port);

		ASSERT_TRUE(succeeds(
			stream_connect(&s_, &to, nullptr, timeout_ms, cancel_, err_), err_));
		other_ = accept(listener_.fd, nullptr, nullptr);
		ASSERT_GE(other_, 0);
	}
	void TearDown() override
	{
		stream_close(&s_);
		if (other_ >= 0)
			close(other_);
		dyn_entropy_cancel_free(cancel_);
	}
	/* What the other end finds when it reads. */
	ssize_t other_reads(int *error)
	{
		char byte;
		const ssize_t n = recv(other_, &byte, 1, 0);

		*error = n < 0 ? errno : 0;
		return n;
	}
};

TEST_F(Stream, NamesItsPeerAndClosesOnExec)
{
	EXPECT_EQ(std::string(s_.peer), "127.0.0.1:" + std::to_string(listener_.port));
	EXPECT_TRUE(fcntl(s_.fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_TRUE(fcntl(s_.fd, F_GETFL) & O_NONBLOCK);
}

TEST_F(Stream, WritesAllAndReadsToTheEnd)
{
	const std::string sent(3 * 1024 * 1024, 'w');
	std::string got;
	support::JoiningThread echo(
		[&] {
			char buf[65536];
			ssize_t n;

			while ((n = recv(other_, buf, sizeof(buf), 0)) > 0)
				got.append(buf, static_cast<size_t>(n));
			EXPECT_EQ(send(other_, "bye", 3, 0), 3);
			shutdown(other_, SHUT_WR);
		},
		[&] { shutdown(other_, SHUT_RDWR); });

	EXPECT_TRUE(succeeds(stream_write(&s_, sent.data(), sent.size(), err_), err_));
	stream_half_close(&s_);
	std::string answer;
	char buf[2];
	size_t len = 0;
	do {
		ASSERT_TRUE(succeeds(
			stream_read(&s_, buf, sizeof(buf), clock_deadline_ms(10000), &len, err_),
			err_));
		answer.append(buf, len);
	} while (len > 0);
	echo.join();
	EXPECT_EQ(answer, "bye");
	EXPECT_TRUE(got == sent);
}

TEST_F(Stream, ReadRunsOutOfTimeAndSaysSo)
{
	char byte;
	size_t len = 1;

	EXPECT_TRUE(fails(stream_read(&s_, &byte, 1, clock_deadline_ms(20), &len, err_), err_,
		DYN_ENTROPY_ERR_IO, "in time"));
	EXPECT_TRUE(s_.timed_out);
	close(other_);
	other_ = -1;
	EXPECT_TRUE(
		succeeds(stream_read(&s_, &byte, 1, clock_deadline_ms(10000), &len, err_), err_));
	EXPECT_EQ(len, 0u);
}

TEST_F(Stream, WriteGivesUpOnAPeerThatTakesNothing)
{
	const std::string much(32 * 1024 * 1024, 'w');

	s_.timeout_ms = 50;
	EXPECT_TRUE(fails(stream_write(&s_, much.data(), much.size(), err_), err_,
		DYN_ENTROPY_ERR_IO, "took no byte for 50 ms"));
	EXPECT_TRUE(s_.timed_out);
}

TEST_F(Stream, AResetIsAnErrorAndNoTimeout)
{
	const struct linger reset = {1, 0};
	char byte;
	size_t len;

	setsockopt(other_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(other_);
	other_ = -1;
	EXPECT_TRUE(fails(stream_read(&s_, &byte, 1, clock_deadline_ms(10000), &len, err_), err_,
		DYN_ENTROPY_ERR_IO, "cannot read"));
	EXPECT_FALSE(s_.timed_out);
	/* SIGPIPE would end this program. */
	EXPECT_TRUE(
		fails(stream_write(&s_, "x", 1, err_), err_, DYN_ENTROPY_ERR_IO, "cannot write"));
	EXPECT_FALSE(s_.timed_out);
}

TEST_F(Stream, CancelEndsEveryWait)
{
	const std::string much(32 * 1024 * 1024, 'w');
	char byte;
	size_t len;
	short revents;
	const int64_t begin = clock_monotonic_ms();
	support::JoiningThread waker([&] {
		const timespec moment = {0, 30000000};

		nanosleep(&moment, nullptr);
		dyn_entropy_cancel_set(cancel_);
	});

	EXPECT_TRUE(fails(stream_write(&s_, much.data(), much.size(), err_), err_,
		DYN_ENTROPY_ERR_CANCELLED));
	waker.join();
	EXPECT_TRUE(fails(stream_read(&s_, &byte, 1, CLOCK_NEVER, &len, err_), err_,
		DYN_ENTROPY_ERR_CANCELLED));
	EXPECT_TRUE(fails(stream_wait(&s_, POLLIN, CLOCK_NEVER, &revents, err_), err_,
		DYN_ENTROPY_ERR_CANCELLED));
	/* Also where no wait is needed: data is there. */
	ASSERT_EQ(send(other_, "x", 1, 0), 1);
	EXPECT_TRUE(fails(stream_read(&s_, &byte, 1, CLOCK_NEVER, &len, err_), err_,
		DYN_ENTROPY_ERR_CANCELLED));
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(5000));
}

TEST_F(Stream, WaitTellsTimeFromEvents)
{
	short revents = 1;

	EXPECT_TRUE(
		succeeds(stream_wait(&s_, POLLIN, clock_deadline_ms(10), &revents, err_), err_));
	EXPECT_EQ(revents, 0);
	EXPECT_TRUE(succeeds(stream_wait(&s_, POLLOUT, CLOCK_NEVER, &revents, err_), err_));
	EXPECT_EQ(revents, POLLOUT);
}

TEST_F(Stream, EndsAsItIsTold)
{
	const struct {
		const char *what;
		void (*end)(struct stream *);
		bool reset;
	} cases[] = {
		{"close", stream_close, false},
		{"abort", stream_abort, true},
		{"close after all",
			[](struct stream *s) {
				stream_reset_by_default(s);
				stream_close(s);
			},
			false},
		{"neither, as when the process ends",
			[](struct stream *s) {
				stream_reset_by_default(s);
				::close(s->fd);
				s->fd = -1;
			},
			true},
	};

	for (const auto &c : cases) {
		int error;

		c.end(&s_);
		EXPECT_EQ(s_.fd, -1);
		EXPECT_EQ(other_reads(&error), c.reset ? -1 : 0) << c.what;
		EXPECT_EQ(error, c.reset ? ECONNRESET : 0) << c.what;
		stream_close(&s_); /* harmless on what is closed */
		stream_abort(&s_);
		close(other_);
		open(10000);
	}
}

TEST(StreamConnect, SaysWhyNot)
{
	Listener *gone = new Listener;
	const struct addr closed = loopback(gone->port);
	struct addr unknown = loopback(1), local = loopback(0), elsewhere = {};
	struct stream s;
	Error err;

	delete gone;
	strcpy(unknown.host, "no-such-host.invalid");
	strcpy(elsewhere.host, "192.0.2.1"); /* documentation: nobody's own */
	EXPECT_TRUE(fails(stream_connect(&s, &closed, nullptr, 5000, nullptr, err), err,
		DYN_ENTROPY_ERR_IO, "Connection refused"));
	EXPECT_EQ(s.fd, -1);
	EXPECT_EQ(err.text().rfind("127.0.0.1:", 0), 0u) << err.text();
	EXPECT_TRUE(fails(stream_connect(&s, &unknown, nullptr, 5000, nullptr, err), err,
		DYN_ENTROPY_ERR_IO, "cannot resolve"));
	EXPECT_EQ(s.fd, -1);
	EXPECT_TRUE(fails(stream_connect(&s, &closed, &elsewhere, 5000, nullptr, err), err,
		DYN_ENTROPY_ERR_IO, "cannot bind"));
	strcpy(local.host, "::1");
	EXPECT_TRUE(fails(stream_connect(&s, &closed, &local, 5000, nullptr, err), err,
		DYN_ENTROPY_ERR_IO, "another family"));
	EXPECT_EQ(s.fd, -1);
}

TEST(StreamConnect, GivesUpOnAListenerThatAcceptsNobody)
{
	Listener full(0);
	const struct addr to = loopback(full.port);
	struct stream filler[3], s;
	dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
	int timed_out = 0;
	Error err;

	/* The backlog holds one or two; later connections get no answer. */
	for (auto &f : filler)
		timed_out += stream_connect(&f, &to, nullptr, 50, nullptr, err) != DYN_ENTROPY_OK;
	EXPECT_GE(timed_out, 1);
	EXPECT_TRUE(fails(stream_connect(&s, &to, nullptr, 50, cancel, err), err,
		DYN_ENTROPY_ERR_IO, "within 50 ms"));
	dyn_entropy_cancel_set(cancel);
	EXPECT_TRUE(fails(stream_connect(&s, &to, nullptr, 60000, cancel, err), err,
		DYN_ENTROPY_ERR_CANCELLED));
	for (auto &f : filler)
		stream_close(&f);
	dyn_entropy_cancel_free(cancel);
}

TEST(StreamConnect, BindsToTheLocalAddressAsked)
{
	Listener listener;
	const struct addr to = loopback(listener.port);
	struct addr from = loopback(0);
	struct sockaddr_in sin = {};
	socklen_t len = sizeof(sin);
	struct stream s;
	Error err;

	strcpy(from.host, "127.0.0.77");
	ASSERT_TRUE(succeeds(stream_connect(&s, &to, &from, 5000, nullptr, err), err));
	const int other = accept(listener.fd, reinterpret_cast<struct sockaddr *>(&sin), &len);
	EXPECT_EQ(ntohl(sin.sin_addr.s_addr), 0x7F00004Du);
	close(other);
	stream_close(&s);
}

TEST(StreamConnect, ReachesUnixSocketsAndNames)
{
	support::TempDir dir;
	const std::string path = dir.file("s"), too_long = dir.file(std::string(120, 'l'));
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un = {};
	struct stream s;
	Error err;

	un.sun_family = AF_UNIX;
	strcpy(un.sun_path, path.c_str());
	ASSERT_EQ(bind(fd, reinterpret_cast<struct sockaddr *>(&un), sizeof(un)), 0);
	EXPECT_TRUE(fails(stream_connect_unix(&s, path.c_str(), 1000, nullptr, err), err,
		DYN_ENTROPY_ERR_IO, "refused"));
	ASSERT_EQ(listen(fd, 1), 0);
	EXPECT_TRUE(succeeds(stream_connect_unix(&s, path.c_str(), 1000, nullptr, err), err));
	EXPECT_EQ(std::string(s.peer), path);
	stream_close(&s);
	EXPECT_TRUE(fails(stream_connect_unix(&s, too_long.c_str(), 1000, nullptr, err), err,
		DYN_ENTROPY_ERR_CONFIG, "at the most"));
	EXPECT_TRUE(fails(stream_connect_unix(&s, dir.file("none").c_str(), 1000, nullptr, err),
		err, DYN_ENTROPY_ERR_IO, "No such file"));
	EXPECT_EQ(s.fd, -1);
	close(fd);

	Listener listener;
	struct addr to = loopback(listener.port);
	strcpy(to.host, "localhost");
	EXPECT_TRUE(succeeds(stream_connect(&s, &to, nullptr, 10000, nullptr, err), err));
	stream_close(&s);
}

} // namespace
