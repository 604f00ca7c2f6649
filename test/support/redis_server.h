/*
 * redis_server - a real Redis of its own for a test, on a free loopback port and a Unix socket, and
 * a client that throws when something goes wrong.
 */
#ifndef TEST_SUPPORT_REDIS_SERVER_H
#define TEST_SUPPORT_REDIS_SERVER_H

#include "support/owned.h"
#include "support/process.h"
#include "support/tempdir.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <hiredis.h>

namespace support
{

using RedisReply = Owned<redisReply, freeReplyObject>;

/* An error reply, or a reply of another type than was asked for. */
class RedisError : public std::runtime_error
{
	using std::runtime_error::runtime_error;
};

/*
 * One connection.  Arguments are binary-safe; anything that a std::string can be made of, and
 * integers.  A broken connection throws std::runtime_error, an error reply RedisError, except where
 * noted.
 */
class RedisClient
{
      public:
	using Args = std::vector<std::string>;

	RedisClient(const std::string &host, uint16_t port, const std::string &password = "");
	explicit RedisClient(const std::string &socket_path, const std::string &password = "");

	/* The raw reply, error replies included. */
	RedisReply call(const Args &args);

	/* A reply as text: strings and statuses as they are, integers in digits, nil as "(nil)". */
	template <typename... A> std::string cmd(const A &...args)
	{
		return text(Args{to_string(args)...});
	}
	/* An integer reply. */
	template <typename... A> int64_t integer(const A &...args)
	{
		return number(Args{to_string(args)...});
	}
	/* An array reply of texts, nested ones flattened. */
	template <typename... A> std::vector<std::string> list(const A &...args)
	{
		return texts(Args{to_string(args)...});
	}
	/* The words of the error reply that the command must get. */
	template <typename... A> std::string error(const A &...args)
	{
		return error_words(Args{to_string(args)...});
	}

	std::string text(const Args &args);
	int64_t number(const Args &args);
	std::vector<std::string> texts(const Args &args);
	std::string error_words(const Args &args);

	/* Send many commands at once and read every reply; throws RedisError for the first error.
	 */
	void pipeline(const std::vector<Args> &commands);

	void set(const std::string &key, const std::string &value);
	std::string get(const std::string &key); /* "(nil)" when it is not there */
	bool exists(const std::string &key);
	/* Without those by which a node marks its Redis. */
	int64_t dbsize();
	std::vector<std::string> keys();
	std::string info(const std::string &field); /* of INFO everything; "" when there is none */

	redisContext *context()
	{
		return context_.get();
	}

      private:
	Owned<redisContext, redisFree> context_;

	void begin(redisContext *c, const std::string &where, const std::string &password);
	void append(const Args &args);
	RedisReply next_reply(const std::string &command);

	static std::string to_string(const std::string &s)
	{
		return s;
	}
	static std::string to_string(const char *s)
	{
		return s;
	}
	template <typename N, typename = typename std::enable_if<std::is_integral<N>::value>::type>
	static std::string to_string(N n)
	{
		return std::to_string(n);
	}
};

class RedisServer
{
      public:
	/*
	 * Start it with further arguments, such as {"--requirepass", "x"}, and wait until it
	 * serves.  Saving is off.  Throws std::runtime_error, with what Redis wrote.
	 */
	explicit RedisServer(std::vector<std::string> extra_args = {});
	~RedisServer();
	RedisServer(const RedisServer &) = delete;
	RedisServer &operator=(const RedisServer &) = delete;

	uint16_t port() const
	{
		return port_;
	}
	std::string address() const /* "127.0.0.1:port" */
	{
		return "127.0.0.1:" + std::to_string(port_);
	}
	std::string socket_path() const
	{
		return dir_.file("r.sock");
	}
	const std::string &dir() const /* where it keeps its files; stays over start_again */
	{
		return dir_.path();
	}
	pid_t pid() const
	{
		return process_ ? process_->pid() : -1;
	}
	std::string log() const
	{
		return process_ ? process_->output() : log_;
	}

	void stop();  /* by SIGTERM, which saves nothing unless configured */
	void kill9(); /* by SIGKILL */
	void pause(); /* by SIGSTOP: it takes connections and answers nothing */
	void resume();

	/* On the same port and directory, loading dump.rdb if there is one.  With ready false it
	 * returns as soon as Redis takes connections, which it does while it still loads. */
	void start_again(bool ready = true);
	void start_again(std::vector<std::string> extra_args, bool ready = true);

	/* A new connection, authenticated with the password of extra_args. */
	RedisClient connect() const;

      private:
	TempDir dir_;
	std::vector<std::string> extra_args_;
	uint16_t port_ = 0;
	std::unique_ptr<Process> process_;
	std::string log_;

	bool launch(uint16_t port, bool ready);
	bool answers(bool ready) const;
	std::string password() const;
	void end(int signo);
};

} // namespace support

#endif
