/* What other tests rely on when they fail, or wait. */
#include "support/joining_thread.h"
#include "support/wait.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

namespace
{

using std::chrono::milliseconds;
using support::JoiningThread;

TEST(JoiningThread, IsToldToEndAndJoinedWhenItsObjectGoes)
{
	std::atomic<bool> stop{false}, ended{false};

	{
		JoiningThread t(
			[&] {
				while (!stop)
					std::this_thread::yield();
				ended = true;
			},
			[&] { stop = true; });
	}
	EXPECT_TRUE(ended);
}

TEST(JoiningThread, ThatThrowsFailsItsTestAlone)
{
	EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(
		{ JoiningThread t([] { throw std::runtime_error("its words"); }); },
		"a thread threw: its words");
}

TEST(Wait, AllLimitsGrowByTheFactorOfTheEnvironment)
{
	const char *const before = getenv("DYN_TEST_SLOWNESS");
	const std::string kept = before ? before : "";

	setenv("DYN_TEST_SLOWNESS", "1", 1);
	const int once = support::patient_ms(100);
	EXPECT_GE(once, 100) << "more under sanitizers";
	setenv("DYN_TEST_SLOWNESS", "2.5", 1);
	EXPECT_EQ(support::patient_ms(1000), 25 * once);
	EXPECT_EQ(support::patient(std::chrono::seconds(1)), milliseconds(25 * once));
	const auto begin = std::chrono::steady_clock::now();
	EXPECT_FALSE(support::wait_until([] { return false; }, milliseconds(20)));
	EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(50));
	setenv("DYN_TEST_SLOWNESS", "0.1", 1);
	EXPECT_EQ(support::patient_ms(100), once) << "never shorter";
	unsetenv("DYN_TEST_SLOWNESS");
	EXPECT_EQ(support::patient_ms(100), once);
	if (before)
		setenv("DYN_TEST_SLOWNESS", kept.c_str(), 1);
}

} // namespace
