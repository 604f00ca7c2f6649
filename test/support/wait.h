/*
 * wait - how a test waits: for a condition, with a deadline.
 *
 * Limits are those of an idle machine.  All that waits multiplies them by one factor: the
 * environment's DYN_TEST_SLOWNESS, for a slow or busy machine, times that of the sanitizers.
 */
#ifndef TEST_SUPPORT_WAIT_H
#define TEST_SUPPORT_WAIT_H

#include <chrono>
#include <cstdint>
#include <thread>

namespace support
{

/* The factor, 1 or more. */
double slowness();

/* A limit times the factor. */
template <typename Rep, typename Period>
std::chrono::milliseconds patient(std::chrono::duration<Rep, Period> limit)
{
	return std::chrono::duration_cast<std::chrono::milliseconds>(limit * slowness());
}
inline int patient_ms(int limit_ms)
{
	return static_cast<int>(limit_ms * slowness());
}

/* Call predicate() every few milliseconds until it is true.  False if it is not within limit times
 * the factor. */
template <typename Predicate>
bool wait_until(Predicate predicate, std::chrono::milliseconds limit = std::chrono::seconds(10))
{
	const auto deadline = std::chrono::steady_clock::now() + patient(limit);

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
