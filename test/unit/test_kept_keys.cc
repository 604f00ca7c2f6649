#include "proxy/kept_keys.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

class KeptKeys : public testing::Test
{
      protected:
	kept_keys kept = {};

	void TearDown() override
	{
		kept_keys_fini(&kept);
	}
	void keep(const std::vector<std::string> &keys)
	{
		size_t bytes = 0;
		uint64_t mark = 0;

		for (const std::string &key : keys)
			bytes += key.size();
		ASSERT_TRUE(kept_keys_reserve(&kept, static_cast<uint32_t>(keys.size()), bytes));
		for (std::string key : keys) {
			kept_keys_add(&kept, key.data(), key.size());
			kept.keys[kept.n - 1].mark = ++mark;
			key.assign(key.size(), '?'); /* what was copied stays */
		}
	}
	/* "key=mark" of each. */
	std::vector<std::string> content()
	{
		std::vector<std::string> found;

		for (uint32_t i = 0; i < kept.n; i++) {
			const write_key &k = kept.keys[i];

			found.push_back(std::string(static_cast<const char *>(k.bytes), k.len) +
					"=" + std::to_string(k.mark));
		}
		return found;
	}
};

using Keys = std::vector<std::string>;

TEST_F(KeptKeys, HoldsNoneAtFirst)
{
	uint32_t begin[] = {0, 0};

	EXPECT_EQ(kept.n, 0u);
	EXPECT_TRUE(kept_keys_sort(&kept, nullptr, begin, 1));
}

TEST_F(KeptKeys, NeedsNoMemoryForAShortOne)
{
	keep({std::string(KEPT_KEYS_INLINE, 'k')});
	EXPECT_EQ(content(), Keys({std::string(KEPT_KEYS_INLINE, 'k') + "=1"}));
	EXPECT_EQ(kept.memory, nullptr);
}

TEST_F(KeptKeys, HoldsWhatIsThere)
{
	for (const Keys &keys : {Keys{""}, Keys{std::string(KEPT_KEYS_INLINE + 1, 'k')},
		     Keys{"a", "", std::string("b\0c", 3)}, Keys{"", ""}}) {
		keep(keys);
		Keys expected;
		for (size_t i = 0; i < keys.size(); i++)
			expected.push_back(keys[i] + "=" + std::to_string(i + 1));
		EXPECT_EQ(content(), expected);
		kept_keys_fini(&kept);
		EXPECT_EQ(kept.n, 0u);
	}
}

TEST_F(KeptKeys, IsSortedByGroup)
{
	const uint32_t group_of[] = {2, 0, 2, 1, 0};
	uint32_t begin[] = {0, 2, 3, 5};

	keep({"a", "b", "c", "d", "e"});
	ASSERT_TRUE(kept_keys_sort(&kept, group_of, begin, 3));
	EXPECT_EQ(content(), Keys({"b=2", "e=5", "d=4", "a=1", "c=3"}));
	EXPECT_EQ(std::vector<uint32_t>(begin, begin + 4), std::vector<uint32_t>({0, 2, 3, 5}));
}

} // namespace
