/*
 * load - writes that go on while things happen to the nodes, and what was acknowledged of them.
 */
#ifndef TEST_PROXY_LOAD_H
#define TEST_PROXY_LOAD_H

#include "proxy/ring.h"
#include "support/joining_thread.h"

#include <atomic>
#include <string>
#include <vector>

namespace e2e
{

class Load
{
      public:
	/* Write through this node, one key after the other, each with a value of its own, until
	 * stop().  A connection that breaks is made again. */
	Load(Member &member, std::string prefix)
	    : member_(member), prefix_(std::move(prefix)), thread_([this] { run(); })
	{
	}
	~Load()
	{
		stop();
	}
	Load(const Load &) = delete;
	Load &operator=(const Load &) = delete;

	void stop()
	{
		stopping_ = true;
		if (thread_.joinable())
			thread_.join();
	}

	size_t acknowledged() const
	{
		return acknowledged_;
	}
	/* Wait until n more writes are acknowledged. */
	bool more(size_t n, std::chrono::milliseconds limit = std::chrono::seconds(30));

	/* After stop(): the keys that were acknowledged; error replies; connections that broke. */
	const std::vector<std::string> &keys() const
	{
		return keys_;
	}
	size_t errors() const
	{
		return errors_;
	}
	size_t broken() const
	{
		return broken_;
	}
	/* How many of the keys a store lacks, or has with another value. */
	size_t missing(support::RedisClient store) const;

      private:
	Member &member_;
	std::string prefix_;
	std::atomic<bool> stopping_{false};
	std::atomic<size_t> acknowledged_{0};
	std::vector<std::string> keys_;
	size_t errors_ = 0, broken_ = 0;
	support::JoiningThread thread_;

	void run();
	void write(support::RedisClient &c, size_t *n);
};

} // namespace e2e

#endif
