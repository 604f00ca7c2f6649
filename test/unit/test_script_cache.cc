#include "proxy/script_cache.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

/* SHA1 of "return 1". */
const std::string kSha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

class ScriptCache : public testing::Test
{
      protected:
	script_cache cache = {};

	void SetUp() override
	{
		script_cache_init(&cache);
	}
	void TearDown() override
	{
		script_cache_fini(&cache);
		EXPECT_EQ(cache.n + cache.bytes, 0u);
	}
	void keep(const std::string &body, script_kind kind = SCRIPT_OF_EVAL)
	{
		script_cache_keep(&cache, kind, body.data(), body.size());
	}
	std::string find(const std::string &name, script_kind kind = SCRIPT_OF_EVAL)
	{
		const script *s = script_cache_find(&cache, kind, name.data(), name.size());

		return s ? std::string(reinterpret_cast<const char *>(s->body), s->len) : "-";
	}
};

TEST_F(ScriptCache, KeepsScriptsByTheirSha1)
{
	EXPECT_EQ(find(kSha), "-");
	keep("return 1");
	keep("return 1");
	keep("");
	EXPECT_EQ(cache.n, 2u);
	EXPECT_EQ(find(kSha), "return 1");
	EXPECT_EQ(find("E0E1F9FABFC9D4800C877A703B823AC0578FF8DB"), "return 1");
	EXPECT_EQ(find("da39a3ee5e6b4b0d3255bfef95601890afd80709"), "");
	EXPECT_EQ(find(kSha, SCRIPT_FUNCTIONS), "-");
	for (const std::string &name :
		{std::string(), kSha.substr(1), kSha + "0", std::string(1000, 'e')})
		EXPECT_EQ(find(name), "-") << name;
}

TEST_F(ScriptCache, KeepsLibrariesByTheirNames)
{
	keep("#!lua name=one\nfirst", SCRIPT_FUNCTIONS);
	keep("#!lua name=one\nsecond", SCRIPT_FUNCTIONS);
	keep("#!js other=1 name=two \r\nx", SCRIPT_FUNCTIONS);
	for (const char *body :
		{"", "x", "#!lua\nname=x", "#!lua name=\nx", "#!lua name=x", " #!lua name=x\n"})
		keep(body, SCRIPT_FUNCTIONS);
	keep("#!lua name=" + std::string(SCRIPT_NAME_MAX + 1, 'n') + "\n", SCRIPT_FUNCTIONS);
	EXPECT_EQ(cache.n, 2u);
	EXPECT_EQ(find("one", SCRIPT_FUNCTIONS), "#!lua name=one\nsecond");
	EXPECT_EQ(find("two", SCRIPT_FUNCTIONS), "#!js other=1 name=two \r\nx");
	EXPECT_EQ(find("ONE", SCRIPT_FUNCTIONS), "-");
	EXPECT_EQ(find("one"), "-");
}

TEST_F(ScriptCache, ForgetsOneOrAllOfAKind)
{
	keep("return 1");
	keep("#!lua name=one\n", SCRIPT_FUNCTIONS);
	keep("#!lua name=two\n", SCRIPT_FUNCTIONS);
	script_cache_drop(&cache, SCRIPT_FUNCTIONS, "one", 3);
	script_cache_drop(&cache, SCRIPT_FUNCTIONS, "one", 3);
	EXPECT_EQ(find("one", SCRIPT_FUNCTIONS), "-");
	EXPECT_EQ(find("two", SCRIPT_FUNCTIONS), "#!lua name=two\n");
	script_cache_clear(&cache, SCRIPT_OF_EVAL);
	EXPECT_EQ(find(kSha), "-");
	EXPECT_EQ(find("two", SCRIPT_FUNCTIONS), "#!lua name=two\n");
	script_cache_clear(&cache, SCRIPT_FUNCTIONS);
	EXPECT_EQ(cache.n, 0u);
}

TEST_F(ScriptCache, DropsWhatWasNotUsedForLongest)
{
	keep("return 1");
	for (int i = 0; i < 2 * SCRIPT_CACHE_MAX; i++) {
		keep("return 'number " + std::to_string(i) + "'");
		EXPECT_TRUE(i % 100 > 0 || find(kSha) == "return 1") << i;
	}
	EXPECT_EQ(cache.n, static_cast<size_t>(SCRIPT_CACHE_MAX));
	EXPECT_EQ(find(kSha), "return 1");
	keep(std::string(SCRIPT_CACHE_BYTES_MAX + 1, 'x'));
	EXPECT_EQ(find(kSha), "return 1");
	keep(std::string(SCRIPT_CACHE_BYTES_MAX - 8, 'x'));
	EXPECT_EQ(cache.n, 2u);
	EXPECT_EQ(cache.bytes, SCRIPT_CACHE_BYTES_MAX);
	EXPECT_EQ(find(kSha), "return 1");
	keep(std::string(SCRIPT_CACHE_BYTES_MAX, 'x'));
	EXPECT_EQ(cache.n, 1u);
	EXPECT_EQ(find(kSha), "-");
}

} // namespace
