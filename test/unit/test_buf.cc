#include "base/buf.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

class Buf : public ::testing::Test
{
      protected:
	struct buf b = {};

	std::string content() const
	{
		return std::string(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b));
	}
	void TearDown() override
	{
		buf_fini(&b);
	}
};

TEST_F(Buf, IsEmptyWhenZeroed)
{
	EXPECT_EQ(buf_len(&b), 0u);
	EXPECT_TRUE(buf_append(&b, nullptr, 0));
	EXPECT_EQ(b.cap, 0u) << "nothing is allocated for nothing";
}

TEST_F(Buf, KeepsItsBytesWhileItGrowsAndIsRead)
{
	std::string expected;
	unsigned char next = 0;

	for (size_t round = 1; round < 300; round++) {
		for (size_t i = 0; i < round; i++) {
			const char byte = static_cast<char>(next++);

			ASSERT_TRUE(buf_append(&b, &byte, 1));
			expected += byte;
		}
		buf_consume(&b, round / 2);
		expected.erase(0, round / 2);
		ASSERT_EQ(content(), expected) << "round " << round;
	}
}

TEST_F(Buf, ReusesItsMemoryForAQueueOfBoundedLength)
{
	const std::string piece(100, 'x');

	for (int i = 0; i < 1000; i++) {
		ASSERT_TRUE(buf_append(&b, piece.data(), piece.size()));
		buf_consume(&b, piece.size() - (i % 10 == 0));
		if (i % 10 == 9)
			buf_consume(&b, 1);
	}
	EXPECT_LE(b.cap, 1024u);
}

TEST_F(Buf, RefusesMoreThanThereIsAndKeepsItsContent)
{
	ASSERT_TRUE(buf_append(&b, "abc", 3));
	for (size_t extra : {SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 2 - 2}) {
		EXPECT_EQ(buf_reserve(&b, extra), nullptr) << extra;
		EXPECT_EQ(content(), "abc");
	}
}

TEST_F(Buf, ReserveThenCommit)
{
	uint8_t *to = buf_reserve(&b, 1000);

	ASSERT_NE(to, nullptr);
	to[0] = 'h';
	to[1] = 'i';
	EXPECT_EQ(buf_len(&b), 0u);
	buf_commit(&b, 2);
	EXPECT_EQ(content(), "hi");
}

TEST_F(Buf, PrintsWithoutTheNul)
{
	const std::string text(5000, 't');

	ASSERT_TRUE(buf_printf(&b, "%d:%s", 42, text.c_str()));
	ASSERT_TRUE(buf_printf(&b, "."));
	EXPECT_EQ(content(), "42:" + text + ".");
}

TEST_F(Buf, ClearKeepsTheMemoryFiniDoesNot)
{
	ASSERT_TRUE(buf_append(&b, "abc", 3));
	buf_clear(&b);
	EXPECT_EQ(buf_len(&b), 0u);
	EXPECT_NE(b.data, nullptr);
	buf_fini(&b);
	EXPECT_EQ(b.data, nullptr);
	EXPECT_EQ(b.cap, 0u);
}

} // namespace
