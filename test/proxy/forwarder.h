/*
 * forwarder - a network connection between two nodes that a test can cut, stall and restore.
 *
 * It listens on two ports, the second four above the first, and passes what comes to the same two
 * of its target: the link between nodes and the entropy channel go the same way.
 */
#ifndef TEST_PROXY_FORWARDER_H
#define TEST_PROXY_FORWARDER_H

#include "support/joining_thread.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace e2e
{

class Forwarder
{
      public:
	explicit Forwarder(uint16_t target);
	~Forwarder();
	Forwarder(const Forwarder &) = delete;
	Forwarder &operator=(const Forwarder &) = delete;

	uint16_t port() const
	{
		return port_;
	}

	/* Close all connections, and stop listening. */
	void cut()
	{
		tell(State::kCut);
	}
	/* Accept connections, and forward nothing. */
	void stall()
	{
		tell(State::kStalled);
	}
	void mend()
	{
		tell(State::kOpen);
	}

      private:
	enum class State {
		kOpen,
		kCut,
		kStalled,
		kEnded
	};
	struct Pipe;

	uint16_t port_, target_;
	int listeners_[2] = {-1, -1};
	int wake_[2] = {-1, -1};
	std::atomic<State> state_{State::kOpen};
	std::vector<std::unique_ptr<Pipe>> pipes_;
	support::JoiningThread thread_;

	void tell(State state);
	void run();
	void turn();
	void accept_from(size_t which);
	void listen_as_told();
};

} // namespace e2e

#endif
