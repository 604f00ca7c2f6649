#include "support/sanitized.h"
#include "tools/compare_pair.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>

// The lists of so many arguments find no memory, before anything is asked.
TEST(ComparePair, SaysThatMemoryIsShort)
{
	if (SANITIZED)
		GTEST_SKIP() << "a sanitizer ends the program where calloc() fails";
	struct compare_pair pair = {};
	struct compare_command command;
	struct dyn_entropy_error err = {};
	redisReply items = {};
	redisReply *reply = &items;

	items.elements = SIZE_MAX / 16;
	compare_command_begin(&command, "EXISTS");
	EXPECT_EQ(compare_pair_items(&pair, SIDE_A, &command, &items, 1, &reply, &err),
		DYN_ENTROPY_ERR_NO_MEMORY);
	EXPECT_EQ(reply, nullptr);
	EXPECT_EQ(std::string(err.message), "out of memory");
}
