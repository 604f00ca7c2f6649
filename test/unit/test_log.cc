#include "base/log.h"
#include "support/joining_thread.h"
#include "support/tempdir.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace
{

class Log : public ::testing::Test
{
      protected:
	support::TempDir dir_;
	const std::string path_ = dir_.file("log");

	void SetUp() override
	{
		ASSERT_TRUE(log_open(path_.c_str(), LOG_LEVEL_NOTICE));
	}
	void TearDown() override
	{
		log_close();
		log_set_level(LOG_LEVEL_DEFAULT);
	}
	std::vector<std::string> lines(const std::string &path) const
	{
		const std::string all = support::read_file(path);
		std::vector<std::string> out;

		for (size_t at = 0, end; at < all.size(); at = end + 1) {
			end = all.find('\n', at);
			if (end == std::string::npos) {
				ADD_FAILURE() << "the last line has no end";
				break;
			}
			out.push_back(all.substr(at, end - at));
		}
		return out;
	}
};

TEST_F(Log, ALineHasTimeLevelAndText)
{
	log_warn("it is %d", 42);
	ASSERT_EQ(lines(path_).size(), 1u);
	std::string form = lines(path_)[0].substr(0, 24);
	for (char &c : form)
		c = isdigit(static_cast<unsigned char>(c)) ? 'd' : c;
	EXPECT_EQ(form, "dddd-dd-ddTdd:dd:dd.dddZ");
	EXPECT_EQ(lines(path_)[0].substr(24), " warn: it is 42");
}

TEST_F(Log, TheLevelDecides)
{
	for (int level = 0; level <= LOG_LEVEL_MAX; level++) {
		log_set_level(level);
		EXPECT_EQ(log_get_level(), level);
		for (int of = 0; of <= LOG_LEVEL_MAX; of++)
			log_line(of, "level %d", of);
		EXPECT_EQ(lines(path_).size(), static_cast<size_t>(level) + 1);
		ASSERT_EQ(truncate(path_.c_str(), 0), 0);
	}
	log_set_level(-5);
	EXPECT_EQ(log_get_level(), 0);
	log_set_level(99);
	EXPECT_EQ(log_get_level(), LOG_LEVEL_MAX);
}

TEST_F(Log, NamesLevels)
{
	EXPECT_STREQ(log_level_name(LOG_LEVEL_EMERG), "emerg");
	EXPECT_STREQ(log_level_name(LOG_LEVEL_DEBUG), "debug");
	EXPECT_STREQ(log_level_name(LOG_LEVEL_VERBOSE), "verbose");
	EXPECT_STREQ(log_level_name(-1), "verbose");
}

TEST_F(Log, ReopensUnderItsNameAfterARotation)
{
	const std::string old = dir_.file("log.1");

	log_notice("first");
	ASSERT_EQ(rename(path_.c_str(), old.c_str()), 0);
	log_notice("second");
	ASSERT_TRUE(log_reopen());
	log_notice("third");
	EXPECT_EQ(lines(old).size(), 2u);
	ASSERT_EQ(lines(path_).size(), 1u);
	EXPECT_NE(lines(path_)[0].find("third"), std::string::npos);
}

TEST_F(Log, KeepsTheOldFileWhenItCannotReopen)
{
	const std::string old = dir_.file("log.1");

	ASSERT_EQ(rename(path_.c_str(), old.c_str()), 0);
	ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
	EXPECT_FALSE(log_reopen());
	log_notice("still here");
	EXPECT_EQ(lines(old).size(), 1u);
}

TEST_F(Log, CutsALongLineAndEndsIt)
{
	for (size_t len = 1990; len < 2060; len++)
		log_notice("%s", std::string(len, 'x').c_str());
	log_notice("%s", std::string(100000, 'y').c_str());
	log_notice("after");
	const auto all = lines(path_);
	ASSERT_EQ(all.size(), 72u);
	for (const auto &line : all)
		EXPECT_LT(line.size(), 2048u);
	EXPECT_GT(all[70].size(), 2000u);
	EXPECT_NE(all[71].find("after"), std::string::npos);
}

TEST_F(Log, AppendsAndSaysWhenAFileCannotBeOpened)
{
	log_notice("first");
	ASSERT_TRUE(log_open(path_.c_str(), LOG_LEVEL_NOTICE));
	log_notice("second");
	EXPECT_EQ(lines(path_).size(), 2u);
	EXPECT_FALSE(log_open(dir_.file("no/such").c_str(), LOG_LEVEL_NOTICE));
	EXPECT_EQ(errno, ENOENT);
	EXPECT_TRUE(log_reopen()) << "standard error needs no reopening";
}

TEST_F(Log, ManyThreadsWriteWholeLinesAcrossReopens)
{
	std::vector<support::JoiningThread> threads;

	for (int t = 0; t < 4; t++)
		threads.emplace_back([] {
			for (int i = 0; i < 200; i++)
				log_notice("%s", std::string(100, 'z').c_str());
		});
	for (int i = 0; i < 50; i++)
		EXPECT_TRUE(log_reopen());
	for (auto &t : threads)
		t.join();
	const auto all = lines(path_);
	EXPECT_EQ(all.size(), 800u);
	for (const auto &line : all)
		EXPECT_EQ(line.size(), all[0].size());
}

/* What strangers cause fills no disk. */
TEST_F(Log, TellsAFewOfMany)
{
	struct log_gate gate = {};

	for (int i = 0; i < 1000; i++)
		log_rarely(&gate, LOG_LEVEL_WARN, "stranger %d", i);
	ASSERT_EQ(lines(path_).size(), 10u);
	EXPECT_EQ(lines(path_)[9].substr(24), " warn: stranger 9");
	gate.until_ms = 0; /* ten seconds later */
	log_rarely(&gate, LOG_LEVEL_WARN, "stranger %d", 1000);
	log_rarely(&gate, LOG_LEVEL_WARN, "stranger %d", 1001);
	ASSERT_EQ(lines(path_).size(), 12u);
	EXPECT_EQ(lines(path_)[10].substr(24),
		" warn: stranger 1000 (and 990 more like this before)");
	EXPECT_EQ(lines(path_)[11].substr(24), " warn: stranger 1001");
}

} // namespace
