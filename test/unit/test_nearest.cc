#include "base/nearest.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

const char *const kNames[] = {"count", "connections", "wait", "max-snapshot", "password-file"};

std::string of(const std::string &text)
{
	return kNames[nearest(
		text.c_str(), kNames, sizeof(kNames) / sizeof(kNames[0]), sizeof(kNames[0]))];
}

TEST(Nearest, FewLettersOffIsNearest)
{
	EXPECT_EQ("count", of("cuont"));
	EXPECT_EQ("wait", of("wiat"));
	EXPECT_EQ("connections", of("conections"));
	EXPECT_EQ("count", of("COUNT"));
}

TEST(Nearest, APartIsNearerThanAnythingElse)
{
	EXPECT_EQ("max-snapshot", of("snap"));
	EXPECT_EQ("password-file", of("password"));
	EXPECT_EQ("connections", of("connect")) << "count is fewer letters away";
}

TEST(Nearest, ABeginningSpeaksForAName)
{
	EXPECT_EQ("password-file", of("password-text"));
}

TEST(Nearest, ASlipIsToldFromAnotherWord)
{
	EXPECT_TRUE(nearest_is_slip("cuont", "count"));
	EXPECT_TRUE(nearest_is_slip("snap", "max-snapshot"));
	EXPECT_FALSE(nearest_is_slip("entirely-else", "max-snapshot"));
	EXPECT_FALSE(nearest_is_slip("x", "wait"));
	EXPECT_FALSE(nearest_is_slip("ma", "max-snapshot")) << "too short to be meant";
	EXPECT_FALSE(nearest_is_slip("", "count"));
}

TEST(Nearest, LongTextsAreCutNotOverrun)
{
	EXPECT_FALSE(of(std::string(100000, 'x')).empty());
	EXPECT_FALSE(of("").empty());
}

} // namespace
