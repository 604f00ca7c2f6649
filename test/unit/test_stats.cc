#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

extern "C" {
#include "stats.h"
}

namespace
{

/* Every counter has another value. */
struct stats numbered()
{
	struct stats s;
	uint64_t n = 1000;

	for (size_t at = 0; at < sizeof(s); at += sizeof(n), n++)
		memcpy(reinterpret_cast<char *>(&s) + at, &n, sizeof(n));
	return s;
}

TEST(Stats, FormatsEveryCounterOnce)
{
	const struct stats s = numbered();
	char text[4096];
	const std::string all = std::string(", ") + stats_format(&s, text, sizeof(text)) + ",";

	for (uint64_t i = 0; i < sizeof(s) / sizeof(uint64_t); i++) {
		const std::string value = " " + std::to_string(1000 + i) + ",";
		const size_t at = all.find(value);

		EXPECT_NE(at, std::string::npos) << "no counter for field " << i;
		EXPECT_EQ(all.find(value, at + 1), std::string::npos) << "two for field " << i;
	}
	EXPECT_NE(all.find(", rounds 1000,"), std::string::npos) << all;
	EXPECT_NE(all.find(", keys_kept 1015,"), std::string::npos) << all;
}

TEST(Stats, CutsToTheSpaceThereIs)
{
	const struct stats s = numbered();
	char all[4096], text[4096];

	stats_format(&s, all, sizeof(all));
	for (size_t cap = 1; cap <= strlen(all) + 1; cap++) {
		memset(text, '#', sizeof(text));
		stats_format(&s, text, cap);
		ASSERT_EQ(std::string(text), std::string(all).substr(0, cap - 1));
		ASSERT_EQ(text[cap], '#') << "cap " << cap;
	}
}

TEST(Stats, DescribesEveryCounter)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	stats_describe(to);
	fclose(to);
	std::istringstream lines{std::string(text, len)};
	std::string name, unit, rest;
	size_t n = 0;
	while (lines >> name >> unit && std::getline(lines, rest)) {
		EXPECT_GT(rest.size(), 5u) << name;
		n++;
	}
	EXPECT_EQ(n, sizeof(struct stats) / sizeof(uint64_t));
	free(text);
}

} // namespace
