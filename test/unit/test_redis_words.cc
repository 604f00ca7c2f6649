#include "entropy/redis_words.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string clean(const std::string &reply, size_t cap = REDIS_WORDS_SIZE)
{
	std::string text(cap, 'x');

	redis_words_clean(reply.data(), reply.size(), &text[0], cap);
	return text.c_str();
}

TEST(RedisWords, ArgumentsDoNotShow)
{
	EXPECT_EQ("ERR unknown command 'FOO'",
		clean("ERR unknown command 'FOO', with args beginning with: 'secret' 'x' "));
	EXPECT_EQ("ERR unknown command `FOO`",
		clean("ERR unknown command `FOO`, with args beginning with: `secret`, `x`, "));
	EXPECT_EQ("NOGROUP No such key ...",
		clean("NOGROUP No such key 'secret' or consumer group 'other'"));
	EXPECT_EQ("ERR unknown subcommand .... Try OBJECT HELP.",
		clean("ERR unknown subcommand 'secret'. Try OBJECT HELP."));
	EXPECT_EQ("NOGROUP No such key ... here", clean("NOGROUP No such key 'it's secret' here"));
	EXPECT_EQ("NOGROUP No such key ...", clean("NOGROUP No such key 'secret"));
	EXPECT_EQ("ERR ", clean("ERR invalid longitude,latitude pair 13.361389,98.115556"));
}

TEST(RedisWords, RedisOwnWordsStay)
{
	for (const char *words : {"OOM command not allowed when used memory > 'maxmemory'.",
		     "READONLY You can't write against a read only replica.",
		     "ERR wrong number of arguments for 'restore' command",
		     "BUSYKEY Target key name already exists.",
		     "ERR DUMP payload version or checksum are wrong", ""})
		EXPECT_EQ(words, clean(words));
}

TEST(RedisWords, BytesArePrintableAndBounded)
{
	EXPECT_EQ("ERR a??b?", clean("ERR a\r\nb\x1b"));
	EXPECT_EQ("ERR", clean("ERR long", 4));
	EXPECT_EQ("", clean("ERR", 1));
	EXPECT_EQ("E?R", clean(std::string("E\0R", 3)));
}

TEST(RedisWords, BeginsWithAWholeWord)
{
	EXPECT_TRUE(redis_words_begin("OOM x", "OOM"));
	EXPECT_TRUE(redis_words_begin("OOM", "OOM"));
	EXPECT_FALSE(redis_words_begin("BUSYKEY x", "BUSY"));
	EXPECT_FALSE(redis_words_begin("OO", "OOM"));
}

TEST(RedisWords, KnowsARemedy)
{
	for (const char *words : {"OOM x", "READONLY x", "NOAUTH x", "LOADING x", "MISCONF x",
		     "NOPERM x", "WRONGPASS x", "ERR DUMP payload version or checksum are wrong"})
		EXPECT_STRNE("", redis_words_remedy(words)) << words;
	EXPECT_STREQ("", redis_words_remedy("ERR something new"));
	EXPECT_STREQ("", redis_words_remedy("BUSYKEY Target key name already exists."));
}

} // namespace
