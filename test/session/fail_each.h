/*
 * fail_each - an operation of which each allocation fails once.
 */
#ifndef TEST_SESSION_FAIL_EACH_H
#define TEST_SESSION_FAIL_EACH_H

#include "entropy/dynentropy.h"
#include "session/alloc.h"
#include "session/channel.h"
#include "support/status.h"
#include "support/wait.h"

#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace session
{

/*
 * Run operation with its first allocation failing, then its second, and so on, until it gets by
 * without the one that would have failed.  How many it has made.
 */
inline uint64_t fail_each(const std::string &what,
	const std::function<enum dyn_entropy_status(support::Error &)> &operation,
	bool only_no_memory = true)
{
	session::sample_material(); /* which is there to stay */
	for (uint64_t n = 1; n < 10000; n++) {
		const int64_t before = alloc::live_bytes();
		support::Error err;

		alloc::fail_nth(n);
		const auto status = operation(err);
		const bool failed = alloc::has_failed();
		alloc::fail_nth(0);
		/* A thread that nobody waits for may still have to let go of its own. */
		EXPECT_TRUE(support::wait_until([&] { return alloc::live_bytes() == before; }))
			<< what << ": " << n << " leaves " << alloc::live_bytes() - before;
		if (!failed) {
			EXPECT_TRUE(support::succeeds(status, err)) << what;
			return n - 1;
		}
		if (only_no_memory) {
			EXPECT_EQ(status, DYN_ENTROPY_ERR_NO_MEMORY)
				<< what << ": " << n << ": " << err.text();
		}
		if (status != DYN_ENTROPY_OK) {
			EXPECT_FALSE(err.text().empty()) << what << ": " << n;
			EXPECT_EQ(err.e.status, status) << what << ": " << n;
		}
	}
	ADD_FAILURE() << what << " never gets by";
	return 0;
}

inline enum dyn_entropy_status drain(struct dyn_entropy_source *source, support::Error &err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	std::vector<char> buf(65536);

	while (status == DYN_ENTROPY_OK) {
		uint32_t announced = 0;
		size_t len = 1;

		status = source->ops->next(source->self, &announced, err);
		while (status == DYN_ENTROPY_OK && len > 0)
			status = source->ops->read(source->self, buf.data(), buf.size(), &len, err);
	}
	return status == DYN_ENTROPY_END ? DYN_ENTROPY_OK : status;
}

} // namespace session

#endif
