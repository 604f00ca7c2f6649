#include "entropy/lzf.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace
{

/* Into and out of buffers of the exact size, so that a sanitizer sees a byte too many. */
bool expand(const std::string &in, size_t out_len, std::string *out = nullptr)
{
	std::unique_ptr<uint8_t[]> from(new uint8_t[in.size()]);
	std::unique_ptr<uint8_t[]> to(new uint8_t[out_len]);

	std::copy(in.begin(), in.end(), from.get());
	if (!lzf_expand(from.get(), in.size(), to.get(), out_len))
		return false;
	if (out)
		out->assign(reinterpret_cast<char *>(to.get()), out_len);
	return true;
}

std::string bytes(std::initializer_list<int> list)
{
	std::string s;

	for (int b : list)
		s.push_back(static_cast<char>(b));
	return s;
}

} // namespace

TEST(Lzf, ExpandsLiterals)
{
	std::string out;

	ASSERT_TRUE(expand(bytes({2}) + "abc", 3, &out));
	EXPECT_EQ(out, "abc");
	ASSERT_TRUE(expand(bytes({31}) + std::string(32, 'x') + bytes({0}) + "y", 33, &out));
	EXPECT_EQ(out, std::string(32, 'x') + "y");
}

TEST(Lzf, ExpandsBackReferences)
{
	std::string out;

	/* Three bytes, from three back. */
	ASSERT_TRUE(expand(bytes({2}) + "abc" + bytes({1 << 5, 2}), 6, &out));
	EXPECT_EQ(out, "abcabc");
	/* Overlapping: one byte repeated, in the long form: 7 + 255 + 2 bytes. */
	ASSERT_TRUE(expand(bytes({0}) + "z" + bytes({7 << 5, 255, 0}), 265, &out));
	EXPECT_EQ(out, std::string(265, 'z'));
	/* A distance that needs its upper bits. */
	std::string far;
	for (int i = 0; i < 10; i++)
		far += bytes({31}) + std::string(31, 'x') + static_cast<char>('0' + i);
	ASSERT_TRUE(expand(far + bytes({1 << 5 | 1, 31}), 323, &out));
	EXPECT_EQ(out.substr(320), "xxx");
	ASSERT_TRUE(expand(far + bytes({1 << 5 | 1, 32}), 323, &out));
	EXPECT_EQ(out.substr(320), "0xx");
}

TEST(Lzf, RefusesWhatReachesOutside)
{
	EXPECT_FALSE(expand(bytes({2}) + "ab", 3)) << "literals behind the input";
	EXPECT_FALSE(expand(bytes({2}) + "abc", 2)) << "literals behind the output";
	EXPECT_FALSE(expand(bytes({0}) + "a" + bytes({1 << 5, 1}), 4)) << "before the output";
	EXPECT_FALSE(expand(bytes({1 << 5, 0}), 3)) << "a reference to nothing";
	EXPECT_FALSE(expand(bytes({0}) + "a" + bytes({1 << 5, 0}), 3)) << "behind the output";
	EXPECT_FALSE(expand(bytes({0}) + "a" + bytes({1 << 5}), 4)) << "no distance";
	EXPECT_FALSE(expand(bytes({0}) + "a" + bytes({7 << 5}), 10)) << "no length";
	EXPECT_FALSE(expand(bytes({0}) + "a" + bytes({7 << 5, 0}), 10)) << "no distance, long form";
}

TEST(Lzf, RefusesAnotherLengthThanPromised)
{
	EXPECT_FALSE(expand(bytes({2}) + "abc", 4));
	EXPECT_FALSE(expand("", 1));
	EXPECT_TRUE(expand("", 0));
}

TEST(Lzf, NothingExpandsFurtherThanTheRatio)
{
	/* The most that one reference gives. */
	EXPECT_EQ((7 + 255 + 2) / 3, LZF_RATIO_MAX);
}
