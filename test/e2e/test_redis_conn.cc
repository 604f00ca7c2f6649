#include "e2e/redis_channel.h"
#include "entropy/redis_conn.h"
#include "support/joining_thread.h"
#include "support/net.h"
#include "support/owned.h"
#include "support/redis_server.h"
#include "support/resp.h"
#include "support/text.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <chrono>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using channel::Endpoint;
using support::holds;
using support::RedisClient;
using support::RedisServer;
using Clock = std::chrono::steady_clock;

namespace
{

struct Conn {
	redis_conn *c = nullptr;
	dyn_entropy_status status;
	dyn_entropy_error err = {};

	explicit Conn(const Endpoint &e)
	{
		const dyn_entropy_redis r = e.get();
		status = redis_conn_open(&r, DYN_ENTROPY_ERR_SOURCE, &c, &err);
	}
	~Conn()
	{
		redis_conn_free(c);
	}

	std::string call(std::vector<const char *> argv)
	{
		redisReply *reply = nullptr;
		char words[200];

		status = redis_conn_call(
			c, static_cast<int>(argv.size()), argv.data(), nullptr, &reply, &err);
		if (status != DYN_ENTROPY_OK)
			return err.message;
		const std::string text =
			reply->type == REDIS_REPLY_ERROR
				? redis_conn_error_words(reply, words, sizeof(words))
				: std::string(reply->str, reply->len);
		freeReplyObject(reply);
		return text;
	}
};

/* Something on a port that says this, whatever it is asked, and then keeps or ends the connection.
 */
class Impostor
{
      public:
	explicit Impostor(const std::string &words, bool stay)
	{
		sockaddr_in at = {};
		socklen_t len = sizeof(at);

		at.sin_family = AF_INET;
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(fd_, reinterpret_cast<sockaddr *>(&at), sizeof(at)) || listen(fd_, 1) ||
			getsockname(fd_, reinterpret_cast<sockaddr *>(&at), &len))
			throw std::runtime_error("no port");
		port_ = ntohs(at.sin_port);
		thread_ = support::JoiningThread([this, words, stay] { serve(words, stay); });
	}
	~Impostor()
	{
		shutdown(fd_, SHUT_RDWR);
		thread_.join();
		close(fd_);
	}

	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port_);
	}

      private:
	int fd_ = -1;
	uint16_t port_ = 0;
	support::JoiningThread thread_;

	void serve(const std::string &words, bool stay) const
	{
		const int fd = accept(fd_, nullptr, nullptr);
		char buf[4096];

		if (fd < 0)
			return;
		if (recv(fd, buf, sizeof(buf), 0) > 0)
			send(fd, words.data(), words.size(), MSG_NOSIGNAL);
		while (stay && recv(fd, buf, sizeof(buf), 0) > 0)
			;
		close(fd);
	}
};

TEST(RedisConn, TakesAddressesOfBothKinds)
{
	RedisServer server;

	for (const std::string &address : {server.address(), server.socket_path()}) {
		Conn conn{Endpoint(address)};
		ASSERT_EQ(DYN_ENTROPY_OK, conn.status) << conn.err.message;
		EXPECT_EQ(address, redis_conn_name(conn.c));
		EXPECT_EQ("OK", conn.call({"SET", "k", "v"}));
		EXPECT_EQ("v", conn.call({"GET", "k"}));
	}
}

TEST(RedisConn, RefusesWhatIsNoAddress)
{
	for (const char *address : {"", "localhost", "localhost:", "127.0.0.1:0", "127.0.0.1:65536",
		     ":6379", "redis.sock"}) {
		const Conn conn{Endpoint(address)};
		EXPECT_EQ(DYN_ENTROPY_ERR_CONFIG, conn.status) << address;
		EXPECT_EQ(nullptr, conn.c);
		EXPECT_TRUE(holds(conn.err.message, "host:port")) << conn.err.message;
	}
	const Conn conn{Endpoint("/" + std::string(200, 'x'))};
	EXPECT_NE(DYN_ENTROPY_OK, conn.status);
}

TEST(RedisConn, NamesTheAddressThatDoesNotAnswer)
{
	const std::string address = "127.0.0.1:" + std::to_string(support::free_port());
	const Conn conn{Endpoint(address)};

	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, conn.status);
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, conn.err.status);
	EXPECT_TRUE(holds(conn.err.message, address)) << conn.err.message;
	EXPECT_TRUE(holds(conn.err.message, "refused")) << conn.err.message;
	const Conn path{Endpoint("/nonexistent/redis.sock")};
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, path.status);
	EXPECT_TRUE(holds(path.err.message, "/nonexistent/redis.sock")) << path.err.message;
}

TEST(RedisConn, GivesThePassword)
{
	RedisServer server({"--requirepass", "the secret"});

	for (const std::string &address : {server.address(), server.socket_path()}) {
		Conn right{Endpoint(address, "the secret")};
		ASSERT_EQ(DYN_ENTROPY_OK, right.status) << right.err.message;
		EXPECT_EQ("OK", right.call({"SET", "k", "v"}));

		const Conn wrong{Endpoint(address, "p4ssw0rd")};
		EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, wrong.status);
		EXPECT_TRUE(holds(wrong.err.message, "WRONGPASS")) << wrong.err.message;
		EXPECT_FALSE(holds(wrong.err.message, "p4ssw0rd")) << wrong.err.message;

		const Conn none{Endpoint(address)};
		EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, none.status);
		EXPECT_TRUE(holds(none.err.message, "NOAUTH")) << none.err.message;
		EXPECT_TRUE(holds(none.err.message, "requirepass")) << none.err.message;
	}
}

TEST(RedisConn, GivesTheUser)
{
	RedisServer server;
	RedisClient client = server.connect();

	client.cmd("ACL", "SETUSER", "healer", "on", ">pw", "~*", "+@all");
	Conn right{Endpoint(server.address(), "pw", "healer")};
	ASSERT_EQ(DYN_ENTROPY_OK, right.status) << right.err.message;
	EXPECT_EQ("healer", right.call({"ACL", "WHOAMI"}));
	const Conn wrong{Endpoint(server.address(), "pw", "nobody")};
	EXPECT_TRUE(holds(wrong.err.message, "WRONGPASS")) << wrong.err.message;
	/* A password for a Redis that has none is a configuration error. */
	const Conn needless{Endpoint(server.address(), "pw")};
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, needless.status);
	EXPECT_FALSE(holds(needless.err.message, "'pw'"));
}

TEST(RedisConn, AUserThatMayNotPingIsServed)
{
	RedisServer server;
	RedisClient client = server.connect();

	client.cmd("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+get", "+set");
	Conn conn{Endpoint(server.address(), "pw", "reader")};
	ASSERT_EQ(DYN_ENTROPY_OK, conn.status) << conn.err.message;
	EXPECT_EQ("OK", conn.call({"SET", "k", "v"}));
	EXPECT_TRUE(holds(conn.call({"FLUSHALL"}), "NOPERM"));
}

TEST(RedisConn, SaysWhenItIsNoRedis)
{
	for (const bool stay : {true, false}) {
		Impostor http("HTTP/1.1 400 Bad Request\r\n\r\n", stay);
		const Conn conn{Endpoint(http.address())};
		EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, conn.status);
		EXPECT_TRUE(holds(conn.err.message, "is that a Redis?")) << conn.err.message;
		EXPECT_TRUE(holds(conn.err.message, http.address())) << conn.err.message;
	}
	Impostor closes("", false);
	const Conn closed{Endpoint(closes.address())};
	EXPECT_TRUE(holds(closed.err.message, "closed the connection")) << closed.err.message;
	Impostor partial("+PON", false);
	const Conn cut{Endpoint(partial.address())};
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, cut.status);
	Impostor integer(":1\r\n", true);
	const Conn odd{Endpoint(integer.address())};
	EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, odd.status);
}

TEST(RedisConn, WaitsNoLongerThanItIsTold)
{
	for (const char *words : {"", "+PON", "$100\r\nabc"}) {
		Impostor silent(words, true);
		Endpoint e(silent.address());
		e.timeout_ms = 200;
		const auto begin = Clock::now();
		const Conn conn{e};
		EXPECT_EQ(DYN_ENTROPY_ERR_SOURCE, conn.status);
		EXPECT_TRUE(holds(conn.err.message, "no answer for 200 ms")) << conn.err.message;
		EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(190));
		EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(5)));
	}
}

TEST(RedisConn, CancelEndsAWait)
{
	Impostor silent("", true);
	const support::Owned<dyn_entropy_cancel, dyn_entropy_cancel_free> cancel(
		dyn_entropy_cancel_new());
	Endpoint e(silent.address());
	e.cancel = cancel.get();
	const auto begin = Clock::now();
	support::JoiningThread later([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
		dyn_entropy_cancel_set(cancel.get());
	});
	const Conn conn{e};
	later.join();

	EXPECT_EQ(DYN_ENTROPY_ERR_CANCELLED, conn.status);
	EXPECT_LT(Clock::now() - begin, support::patient(std::chrono::seconds(1)));
}

/* The socket buffers are far smaller than the data: a side that only writes would block forever. */
TEST(RedisConn, TakesInRepliesWhileItSends)
{
	constexpr int kCommands = 300;
	RedisServer server;
	Conn conn{Endpoint(server.address())};
	const std::string payload(100000, 'x');
	std::string bytes;
	redisReply *reply = nullptr;

	ASSERT_EQ(DYN_ENTROPY_OK, conn.status) << conn.err.message;
	for (int i = 0; i < kCommands; i++)
		bytes += support::resp({"ECHO", payload});
	ASSERT_EQ(DYN_ENTROPY_OK, redis_conn_send(conn.c, bytes.data(), bytes.size(), &conn.err))
		<< conn.err.message;
	for (int i = 0; i < kCommands; i++) {
		ASSERT_EQ(DYN_ENTROPY_OK, redis_conn_reply(conn.c, &reply, &conn.err))
			<< conn.err.message;
		ASSERT_EQ(payload.size(), reply->len);
		freeReplyObject(reply);
	}
	ASSERT_EQ(DYN_ENTROPY_OK, redis_conn_buffered_reply(conn.c, &reply, &conn.err));
	EXPECT_EQ(nullptr, reply);
}

TEST(RedisConn, ErrorRepliesRepeatNoArguments)
{
	RedisServer server;
	Conn conn{Endpoint(server.address())};

	ASSERT_EQ(DYN_ENTROPY_OK, conn.status) << conn.err.message;
	for (const auto &argv :
		std::vector<std::vector<const char *>>{{"NOSUCHCOMMAND", "secret", "secret2"},
			{"XREADGROUP", "GROUP", "secret", "c", "STREAMS", "secret2", ">"},
			{"GEOADD", "k", "9999", "7777", "secret"},
			{"XGROUP", "SETID", "secret", "secret2", "0"}, {"OBJECT", "secret", "k"},
			{"SET", "k", "v", "secret"}}) {
		const std::string words = conn.call(argv);
		EXPECT_FALSE(holds(words, "secret")) << words;
		EXPECT_FALSE(holds(words, "9999")) << words;
		EXPECT_FALSE(words.empty());
	}
	EXPECT_EQ("ERR unknown command 'NOSUCHCOMMAND'", conn.call({"NOSUCHCOMMAND", "secret"}));
}

TEST(RedisConn, EndpointsAreCopiedWhole)
{
	dyn_entropy_redis copy, from = Endpoint("127.0.0.1:1", "pw", "user").get();
	std::string address = "127.0.0.1:1", password = "pw";
	dyn_entropy_error err = {};

	from.address = address.c_str();
	from.password = password.c_str();
	from.user = nullptr;
	from.timeout_ms = 0;
	ASSERT_EQ(DYN_ENTROPY_OK, redis_endpoint_copy(&copy, &from, &err));
	address = "x";
	password = "y";
	EXPECT_STREQ("127.0.0.1:1", copy.address);
	EXPECT_STREQ("pw", copy.password);
	EXPECT_EQ(nullptr, copy.user);
	EXPECT_EQ(uint32_t(DYN_ENTROPY_DEFAULT_TIMEOUT_MS), copy.timeout_ms);
	redis_endpoint_fini(&copy);
	EXPECT_EQ(nullptr, copy.password);
	from.address = "nonsense";
	EXPECT_EQ(DYN_ENTROPY_ERR_CONFIG, redis_endpoint_copy(&copy, &from, &err));
}

} // namespace
