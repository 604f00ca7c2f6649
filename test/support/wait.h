/*
 * wait - how a test waits: for a condition, with a deadline.
 */
#ifndef TEST_SUPPORT_WAIT_H
#define TEST_SUPPORT_WAIT_H

#include <chrono>
#include <thread>

namespace support
{

/* Ask predicate() every few milliseconds until it holds.  False when it did not within limit. */
template <typename Predicate>
bool wait_until(Predicate predicate, std::chrono::milliseconds limit = std::chrono::seconds(10))
{
	const auto deadline = std::chrono::steady_clock::now() + limit;

	for (;;) {
		if (predicate())
			return true;
		if (std::chrono::steady_clock::now() >= deadline)
			return false;
		std::this_thread::sleep_for(std::chrono::milliseconds(5));
	}
}

} // namespace support

#endif
