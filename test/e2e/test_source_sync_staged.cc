/* Answers to SYNC that a real Redis gives only at bad times. */
#include "base/clock.h"
#include "e2e/drained_source.h"
#include "entropy/dynentropy.h"
#include "support/joining_thread.h"
#include "support/rdb_bytes.h"
#include "support/wait.h"

#include <algorithm>
#include <arpa/inet.h>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace support;

namespace
{

using Args = RedisClient::Args;
using Source = DrainedSource;

/* A Redis that answers SYNC as a test wants it. */
class FakeRedis
{
      public:
	/* After SYNC, answer() has the socket; then it is closed. */
	explicit FakeRedis(std::function<void(int)> answer) : answer_(std::move(answer))
	{
		struct sockaddr_in sa = {};
		socklen_t len = sizeof(sa);

		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(listener_, reinterpret_cast<struct sockaddr *>(&sa), sizeof(sa)) != 0 ||
			listen(listener_, 1) != 0 ||
			getsockname(listener_, reinterpret_cast<struct sockaddr *>(&sa), &len) != 0)
			throw std::runtime_error("cannot listen");
		port_ = ntohs(sa.sin_port);
		thread_ = JoiningThread([this] { serve(); });
	}
	~FakeRedis()
	{
		shutdown(listener_, SHUT_RDWR);
		thread_.join();
		close(listener_);
	}
	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port_);
	}
	static void say(int fd, const std::string &s)
	{
		size_t at = 0;

		while (at < s.size()) {
			const ssize_t n = send(fd, s.data() + at, s.size() - at, MSG_NOSIGNAL);

			if (n <= 0)
				return;
			at += static_cast<size_t>(n);
		}
	}
	/* Until the other side hangs up. */
	static void wait_for_end(int fd)
	{
		char c;

		while (recv(fd, &c, 1, 0) > 0)
			;
	}
	std::string heard() const /* what came; once the source is gone */
	{
		return heard_;
	}

      private:
	std::function<void(int)> answer_;
	std::string heard_;
	int listener_;
	uint16_t port_;
	JoiningThread thread_;

	void serve()
	{
		const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
		char piece[4096];
		ssize_t n;

		if (fd < 0)
			return;
		while (heard_.find("SYNC\r\n") == std::string::npos &&
			(n = recv(fd, piece, sizeof(piece), 0)) > 0) {
			heard_.append(piece, static_cast<size_t>(n));
			if (heard_.find("SYNC\r\n") == std::string::npos)
				say(fd, std::string(piece, static_cast<size_t>(n)).find("PING") !=
							std::string::npos
						? "+PONG\r\n"
						: "-ERR Unrecognized REPLCONF option\r\n");
		}
		answer_(fd);
		close(fd);
	}
};

const std::string kDelimiter = "0123456789abcdef0123456789abcdef01234567";

std::string small_rdb()
{
	return rdb_file(rdb_key(0, "a", rdb_string("1")) + rdb_key(0, "b", rdb_string("2")), 10);
}

std::string by_length(const std::string &rdb)
{
	return "$" + std::to_string(rdb.size()) + "\r\n" + rdb;
}

std::string by_delimiter(const std::string &rdb)
{
	return "$EOF:" + kDelimiter + "\r\n" + rdb + kDelimiter;
}

} // namespace

TEST(SourceSyncStaged, TakesTheDumpInBothFormsAndAnyPieces)
{
	for (const std::string &answer : {by_length(small_rdb()), by_delimiter(small_rdb()),
		     by_delimiter(small_rdb()) + "*1\r\n$4\r\nPING\r\n"})
		for (size_t piece : {size_t{1}, size_t{5}, SIZE_MAX}) {
			FakeRedis redis([&](int fd) {
				for (size_t at = 0; at < answer.size();
					at += std::min(piece, answer.size()))
					FakeRedis::say(fd, answer.substr(at, piece));
				FakeRedis::wait_for_end(fd);
			});
			Source s;

			s.sync(redis.address());
			s.expect_end();
			EXPECT_EQ(s.commands.size(), 2u);
		}
}

TEST(SourceSyncStaged, AsksForAnRdbAndNothingElse)
{
	std::string heard;
	{
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, by_length(small_rdb()));
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_end();
		heard = redis.heard();
	}
	std::vector<Args> commands = parse_commands(heard);
	commands.erase(std::remove_if(commands.begin(), commands.end(),
			       [](const Args &c) { return c[0] == "PING" || c[0] == "CONFIG"; }),
		commands.end());
	EXPECT_EQ(commands, (std::vector<Args>{{"REPLCONF", "capa", "eof"},
				    {"REPLCONF", "rdb-only", "1"}, {"SYNC"}}));
}

TEST(SourceSyncStaged, WaitsAsLongAsRedisSaysThatItPrepares)
{
	const int64_t begun_ms = clock_monotonic_ms();
	FakeRedis redis([](int fd) {
		for (int i = 0; i < 10; i++) {
			FakeRedis::say(fd, "\n");
			std::this_thread::sleep_for(std::chrono::milliseconds(100));
		}
		FakeRedis::say(fd, "\n\n" + by_delimiter(small_rdb()));
		FakeRedis::wait_for_end(fd);
	});
	Source s;

	s.sync(redis.address(), 0, nullptr, nullptr, 500);
	s.expect_end();
	EXPECT_EQ(s.commands.size(), 2u);
	EXPECT_GE(clock_monotonic_ms() - begun_ms, 1000) << "longer than its timeout";
}

TEST(SourceSyncStaged, GivesUpOnASilentRedis)
{
	for (const std::string &said :
		{std::string(), std::string("\n"), by_length(small_rdb()).substr(0, 30)}) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, said);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address(), 0, nullptr, nullptr, 200);
		s.expect_error("nothing came in time");
		EXPECT_NE(s.message().find(redis.address()), std::string::npos) << s.message();
	}
}

TEST(SourceSyncStaged, CanBeCancelledWhileItWaits)
{
	dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "\n");
		dyn_entropy_cancel_set(cancel);
		FakeRedis::wait_for_end(fd);
	});
	const int64_t begun_ms = clock_monotonic_ms();
	{
		Source s;

		s.sync(redis.address(), 0, nullptr, nullptr, 60000, cancel);
		EXPECT_EQ(s.status, DYN_ENTROPY_ERR_CANCELLED) << s.message();
	}
	EXPECT_LT(clock_monotonic_ms() - begun_ms, patient_ms(5000));
	dyn_entropy_cancel_free(cancel);
}

TEST(SourceSyncStaged, PassesRefusalsOnWithTheirRemedy)
{
	const struct {
		const char *reply, *words, *remedy;
	} refusals[] = {
		{"-LOADING Redis is loading the dataset in memory\r\n", "LOADING", "try again"},
		{"-NOAUTH Authentication required.\r\n", "NOAUTH", "requirepass"},
		{"-ERR unknown command 'SYNC', with args beginning with: \r\n", "unknown command",
			"scan source"},
		{"-BGSAVE failed, replication can't continue\r\n", "BGSAVE failed", ""},
		{"\n\n-ERR late\r\n", "ERR late", ""},
		{"+FULLRESYNC x 1\r\n", "neither a dump nor an error", ""},
		{"$0\r\n", "neither a dump nor an error", ""},
		{"$-1\r\n", "neither a dump nor an error", ""},
		{"$99999999999999999999\r\n", "neither a dump nor an error", ""},
		{"$EOF:short\r\n", "neither a dump nor an error", ""},
		{"HTTP/1.1 400 Bad Request\r\n", "neither a dump nor an error", ""},
	};

	for (const auto &r : refusals) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, r.reply);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_error(r.words);
		EXPECT_NE(s.message().find(r.remedy), std::string::npos) << s.message();
		EXPECT_NE(s.message().find(redis.address()), std::string::npos) << s.message();
	}
}

TEST(SourceSyncStaged, RefusesALineWithoutEnd)
{
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "$" + std::string(100000, '1'));
		FakeRedis::wait_for_end(fd);
	});
	Source s;

	s.sync(redis.address());
	s.expect_error("neither a dump nor an error");
}

/* Cut at any byte, in either form, it is an error, and what came of it is not given out. */
TEST(SourceSyncStaged, CutAtEveryByteItFails)
{
	for (const std::string &whole : {by_length(small_rdb()), by_delimiter(small_rdb())})
		for (size_t len = 0; len < whole.size(); len++) {
			FakeRedis redis([&](int fd) { FakeRedis::say(fd, whole.substr(0, len)); });
			Source s;

			s.sync(redis.address());
			s.expect_error("closed the connection");
		}
}

TEST(SourceSyncStaged, RefusesADumpThatDoesNotEndWhereItShould)
{
	const std::string rdb = small_rdb();
	const struct {
		std::string answer;
		const char *words;
	} cases[] = {
		{"$" + std::to_string(rdb.size() + 4) + "\r\n" + rdb + "more",
			"does not end where"},
		{"$EOF:" + kDelimiter + "\r\n" + rdb + kDelimiter.substr(1) + kDelimiter,
			"does not end where"},
		{"$EOF:" + kDelimiter + "\r\n" + rdb + std::string(40, 'x'),
			"before the end of its dump"},
	};

	for (const auto &c : cases) {
		FakeRedis redis([&](int fd) {
			FakeRedis::say(fd, c.answer);
			shutdown(fd, SHUT_WR);
			FakeRedis::wait_for_end(fd);
		});
		Source s;

		s.sync(redis.address());
		s.expect_error(c.words);
	}
	FakeRedis redis([&](int fd) {
		FakeRedis::say(fd, "$" + std::to_string(rdb.size() - 3) + "\r\n" + rdb);
		FakeRedis::wait_for_end(fd);
	});
	Source s;
	s.sync(redis.address());
	s.expect_error("cut short");
}
