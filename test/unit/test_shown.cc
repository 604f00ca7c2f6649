#include "base/shown.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

using Show = const char *(*)(const void *, size_t, char *, size_t);

std::string show(Show how, const std::string &text, size_t cap = 100)
{
	std::string out(cap, 'x');

	EXPECT_EQ(how(text.data(), text.size(), &out[0], cap), out.data());
	return out.c_str();
}

TEST(Shown, AsciiIsPrintableAndCut)
{
	EXPECT_EQ(show(shown_ascii, "a b~"), "a b~");
	EXPECT_EQ(show(shown_ascii, std::string("\0\n\x1b\x7f\x80\xff", 6)), "??????");
	EXPECT_EQ(show(shown_ascii, "abc", 4), "abc");
	EXPECT_EQ(show(shown_ascii, "abc", 3), "ab");
	EXPECT_EQ(show(shown_ascii, "abc", 1), "");
}

TEST(Shown, AWordHasNoBlank)
{
	EXPECT_EQ(show(shown_word, "a b\n~"), "a?b?~");
	EXPECT_EQ(show(shown_word, "abc", 3), "ab");
}

TEST(Shown, EscapesAreThoseOfC)
{
	EXPECT_EQ(show(shown_escaped, std::string("a\0\n\r\t\"\\\x7f\xff", 9)),
		"a\\x00\\n\\r\\t\\\"\\\\\\x7f\\xff");
	EXPECT_EQ(show(shown_escaped, "a\xff", 6), "a\\xff");
	EXPECT_EQ(show(shown_escaped, "a\xff", 5), "a") << "half an escape";
}

TEST(Shown, QuotedIsPrintableShortAndWhole)
{
	char out[SHOWN_QUOTED_MAX];

	EXPECT_STREQ(shown_quoted("a b", out), "\"a b\"");
	EXPECT_STREQ(shown_quoted("\t\x7f\x1b", out), "\"\\x09\\x7f\\x1b\"");
	EXPECT_STREQ(shown_quoted("\xc2\x9b[2J", out), "\"\\x9b[2J\"");
	for (size_t pad = 0; pad < 8; pad++) {
		for (const char *unit :
			{"x", "\x01", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
			std::string text(pad, 'p');
			while (text.size() < 200)
				text += unit;
			const std::string shown = shown_quoted(text.c_str(), out);
			ASSERT_LT(shown.size(), size_t(SHOWN_QUOTED_MAX));
			ASSERT_EQ(shown.substr(shown.size() - 4), "...\"");
			if (*unit == 'x' || *unit == '\x01')
				continue;
			EXPECT_EQ((shown.size() - 5 - pad) % strlen(unit), 0u)
				<< "half a character";
		}
	}
}

} // namespace
