/*
 * The keys that were written of late, asked for by threads while they are noted.
 */
#include "journal/recent.h"
#include "support/joining_thread.h"
#include "support/owned.h"

#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

constexpr int64_t kMade = 1000000;

using Recent = support::Owned<recent, recent_free>;

std::string key_of(int i)
{
	return "key:" + std::to_string(i);
}

TEST(RecentThreaded, LooksSeeWhatIsNotedMeanwhile)
{
	Recent r(recent_new(kMade));
	std::atomic<int> noted{-1};
	std::atomic<int> missed{0};
	std::vector<support::JoiningThread> lookers;

	for (int t = 0; t < 3; t++)
		lookers.emplace_back([&] {
			for (int n = 0; n < 19999;) {
				n = noted.load(std::memory_order_acquire);
				const std::string key = key_of(n);

				if (n >= 0 &&
					!recent_since(r.get(), key.data(), key.size(), kMade + n))
					missed++;
			}
		});
	for (int i = 0; i < 20000; i++) {
		const std::string key = key_of(i);

		recent_note(r.get(), key.data(), key.size(), kMade + i);
		noted.store(i, std::memory_order_release);
	}
	for (support::JoiningThread &t : lookers)
		t.join();
	EXPECT_EQ(missed, 0);
}

} // namespace
