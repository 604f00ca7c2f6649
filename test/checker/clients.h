/*
 * clients - threads that write to the nodes of a ring, each from a seed, and note what they did.
 */
#ifndef TEST_CHECKER_CLIENTS_H
#define TEST_CHECKER_CLIENTS_H

#include "checker/history.h"
#include "proxy/ring.h"
#include "support/joining_thread.h"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace checker
{

int64_t now_us();

class Client
{
      public:
	/* It writes through one node, and when that fails through any. */
	Client(e2e::Ring &ring, size_t number, uint64_t seed);
	~Client()
	{
		stop();
	}
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	/* The operations are complete afterwards. */
	void stop()
	{
		stopping_ = true;
		thread_.join();
	}
	const std::vector<Operation> &operations() const
	{
		return operations_;
	}

      private:
	using Args = support::RedisClient::Args;

	e2e::Ring &ring_;
	const size_t number_;
	size_t node_;
	std::mt19937_64 random_;
	uint64_t n_ = 0;
	std::vector<std::string> once_;  /* keys */
	std::vector<Operation> members_; /* of sets */
	std::vector<Operation> operations_;
	std::atomic<bool> stopping_{false};
	support::JoiningThread thread_;

	void run();
	void write_some(support::RedisClient &to);
	void write(support::RedisClient &to);
	uint64_t below(uint64_t n)
	{
		return random_() % n;
	}
	std::string unique(const char *what);

	Args next(Kind kind, Operation &o);
	Args overwrite(Operation &o);
	Args erase(Operation &o);
	Args write_once(Operation &o);
	Args fleeting(Operation &o);
	Args expiring(Operation &o);
	Args set(Operation &o);
	Args hash(Operation &o);
	Args push(Operation &o);
};

} // namespace checker

#endif
