#include "base/clock.h"
#include "entropy/cancel.h"
#include "support/joining_thread.h"
#include "support/owned.h"
#include "support/wait.h"

#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>

namespace
{

using Cancel = support::Owned<dyn_entropy_cancel, dyn_entropy_cancel_free>;

bool readable(int fd)
{
	struct pollfd p = {};

	p.fd = fd;
	p.events = POLLIN;
	return poll(&p, 1, 0) == 1;
}

TEST(Cancel, StaysSetForEveryone)
{
	Cancel c(dyn_entropy_cancel_new());

	ASSERT_TRUE(c);
	EXPECT_FALSE(dyn_entropy_cancel_is_set(c.get()));
	EXPECT_FALSE(readable(cancel_fd(c.get())));
	for (int i = 0; i < 3; i++) {
		dyn_entropy_cancel_set(c.get());
		EXPECT_TRUE(dyn_entropy_cancel_is_set(c.get()));
		EXPECT_TRUE(readable(cancel_fd(c.get())));
	}
}

TEST(Cancel, NoneIsNeverSet)
{
	EXPECT_FALSE(dyn_entropy_cancel_is_set(nullptr));
	EXPECT_EQ(cancel_fd(nullptr), -1);
	dyn_entropy_cancel_free(nullptr);
	EXPECT_FALSE(cancel_sleep_until(nullptr, clock_monotonic_us() + 2000));
}

TEST(Cancel, SleepsUntilTheTimeHasCome)
{
	Cancel c(dyn_entropy_cancel_new());
	const int64_t until = clock_monotonic_us() + 20500;

	EXPECT_FALSE(cancel_sleep_until(c.get(), until));
	EXPECT_GE(clock_monotonic_us(), until);
	EXPECT_FALSE(cancel_sleep_until(c.get(), 0)) << "a time that is over";
}

TEST(Cancel, WakesASleeper)
{
	Cancel c(dyn_entropy_cancel_new());
	const int64_t begin = clock_monotonic_us();
	support::JoiningThread waker([&] { dyn_entropy_cancel_set(c.get()); });

	EXPECT_TRUE(cancel_sleep_until(c.get(), begin + 60 * 1000000));
	EXPECT_LT(clock_monotonic_us() - begin, support::patient_ms(10 * 1000) * 1000);
	waker.join();
	EXPECT_TRUE(cancel_sleep_until(c.get(), 0)) << "set, it does not even look at the time";
}

dyn_entropy_cancel *for_the_handler;

TEST(Cancel, CanBeSetByASignalHandler)
{
	Cancel c(dyn_entropy_cancel_new());

	for_the_handler = c.get();
	std::signal(SIGUSR1, [](int) { dyn_entropy_cancel_set(for_the_handler); });
	std::raise(SIGUSR1);
	std::signal(SIGUSR1, SIG_DFL);
	EXPECT_TRUE(dyn_entropy_cancel_is_set(c.get()));
}

} // namespace
