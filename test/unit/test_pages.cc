#include "entropy/pages.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

TEST(Pages, GrowAndKeepWhatIsInThem)
{
	struct pages p = {};
	std::string content;

	for (size_t len = 1; len < 20 * 1024 * 1024; len = len * 3 + 1) {
		ASSERT_TRUE(pages_reserve(&p, len));
		ASSERT_GE(p.cap, len);
		ASSERT_EQ(memcmp(p.bytes, content.data(), content.size()), 0) << len;
		content.resize(len, static_cast<char>('a' + len % 26));
		memcpy(p.bytes, content.data(), len);
	}
	const uint8_t *before = p.bytes;
	ASSERT_TRUE(pages_reserve(&p, 1));
	EXPECT_EQ(p.bytes, before) << "there is room";
	pages_fini(&p);
	EXPECT_EQ(p.bytes, nullptr);
	EXPECT_EQ(p.cap, 0u);
	pages_fini(&p);
	pages_free(nullptr, 100);
}

#ifndef PAGES_FROM_HEAP
TEST(Pages, KeepTheirContentWhenThereAreNoMore)
{
	struct pages p = {};

	ASSERT_TRUE(pages_reserve(&p, 4096));
	memset(p.bytes, 'x', 4096);
	EXPECT_FALSE(pages_reserve(&p, SIZE_MAX / 2));
	ASSERT_EQ(p.cap, 4096u);
	EXPECT_EQ(p.bytes[4095], 'x');
	pages_fini(&p);
}
#endif

} // namespace
