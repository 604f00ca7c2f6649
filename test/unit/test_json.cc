/*
 * json and json_view: what is written is read again, and nothing else is taken for JSON.
 */
#include "base/json.h"
#include "base/json_view.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

template <typename Write> std::string written(Write write)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct json j;

	json_init(&j, to);
	write(&j);
	fclose(to);
	const std::string all(text, len);
	free(text);
	return all;
}

std::string quoted(const std::string &text)
{
	return written([&](struct json *j) { json_text(j, nullptr, text.c_str()); });
}

/* In memory of its very size, so that a sanitizer sees a step beyond it. */
bool is_json(const std::string &text)
{
	const std::unique_ptr<char[]> exact(new char[text.size()]);
	struct json_view v;

	text.copy(exact.get(), text.size());
	return json_view_init(&v, exact.get(), text.size());
}

std::string text_of(const std::string &json, size_t cap = 1000)
{
	std::vector<char> out(cap, '#');
	struct json_view v;

	if (!json_view_init(&v, json.data(), json.size()) || !json_view_text(&v, out.data(), cap))
		return "(none)";
	return out.data();
}

/* ---- Writing ---- */

TEST(Json, WritesValuesWithinEachOther)
{
	EXPECT_EQ(written([](struct json *j) {
		json_open_object(j, nullptr);
		json_text(j, "a", "b");
		json_text(j, "none", nullptr);
		json_open_array(j, "list");
		json_number(j, nullptr, UINT64_MAX);
		json_real(j, nullptr, -1.25);
		json_real(j, nullptr, NAN);
		json_real(j, nullptr, INFINITY);
		json_open_object(j, nullptr);
		json_close_object(j);
		json_open_array(j, nullptr);
		json_close_array(j);
		json_close_array(j);
		json_bool(j, "yes", true);
		json_raw(j, "raw", "{\n\"x\":\r1}", 9);
		json_bool(j, "no\"", false);
		json_close_object(j);
	}),
		"{\"a\":\"b\",\"none\":null,\"list\":[18446744073709551615,-1.250,null,null,{},[]],"
		"\"yes\":true,\"raw\":{ \"x\": 1},\"no\\\"\":false}");
}

TEST(Json, AnEventIsALine)
{
	EXPECT_EQ(written([](struct json *j) {
		FILE *to = j->to;

		json_begin(j, to, "x");
		json_number(j, "n", 1);
		json_end(j);
		json_begin(j, to, "y");
		json_end(j);
	}),
		"{\"event\":\"x\",\"n\":1}\n{\"event\":\"y\"}\n");
}

TEST(Json, WritesAnyBytesAsAText)
{
	EXPECT_EQ(quoted("a\"b\\c/\n\t\x01\x7f"), "\"a\\\"b\\\\c/\\u000a\\u0009\\u0001\\u007f\"");
	for (const char *good : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
		     "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
		EXPECT_EQ(quoted(good), "\"" + std::string(good) + "\"");
	/* Cut, too long, half a pair, beyond the last, no beginning. */
	for (const char *bad : {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xe0\x80\xaf",
		     "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xff", "\xc3\x28"}) {
		const std::string text = quoted(bad);

		EXPECT_EQ(text.substr(0, 7), "\"\\ufffd");
		EXPECT_TRUE(is_json(text)) << text;
	}
	for (int c = 1; c < 256; c++)
		EXPECT_TRUE(is_json(quoted(std::string(1, static_cast<char>(c))))) << c;
}

/* ---- Reading ---- */

TEST(JsonView, TakesJson)
{
	for (const char *good : {"{}", "[]", " [ ] ", "0", "-0", "12", "-1.5", "1e9", "1.5E-3",
		     "1E+2", "\"\"", "true", "false", "null", "[1,2 , 3]", "{\"a\":1,\"b\":[{}]}",
		     "\r\n\t{ \"a\" : null }", "\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "[[],{}]"})
		EXPECT_TRUE(is_json(good)) << good;
}

TEST(JsonView, RefusesWhatIsNot)
{
	for (const char *bad : {"", " ", "{", "[", "}", "]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
		     "{\"a\":1,}", "{a:1}", "{1:2}", "01", "-", "1.", ".5", "1e", "1e+", "+1", "\"",
		     "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\nb\"", "tru", "nul",
		     "True", "1 2", "{} {}", "[1 2]", "{\"a\" 1}", "nan", "[1", "{\"a\":1",
		     "{\"a\":[}", "\\"})
		EXPECT_FALSE(is_json(bad)) << bad;
	EXPECT_FALSE(is_json(std::string("\"a\0b\"", 5)));
	EXPECT_FALSE(is_json(std::string("\"\\\0\"", 4)));
}

/* A text that is cut anywhere is none. */
TEST(JsonView, RefusesEveryBeginning)
{
	const std::string whole = "{\"a\":[1.5,true,\"x\\u00e9\\n\"],\"b\":{\"c\":null}}";

	EXPECT_TRUE(is_json(whole));
	for (size_t len = 0; len < whole.size(); len++)
		EXPECT_FALSE(is_json(whole.substr(0, len))) << len;
}

TEST(JsonView, RefusesWhatIsTooDeep)
{
	const auto deep = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };

	EXPECT_TRUE(is_json(deep(JSON_VIEW_DEPTH_MAX)));
	EXPECT_FALSE(is_json(deep(JSON_VIEW_DEPTH_MAX + 1)));
	EXPECT_FALSE(is_json(std::string(1000000, '[')));
}

TEST(JsonView, FindsMembersAndElements)
{
	const std::string text = "{\"ab\":0, \"a\" : [ 10 ,{\"x\":1},\"t\"] ,\"b\":{\"a\":5},"
				 "\"empty\":[],\"c\":true}";
	struct json_view v, a, b, at;

	ASSERT_TRUE(json_view_init(&v, text.data(), text.size()));
	ASSERT_TRUE(json_view_member(&v, "a", &a));
	ASSERT_TRUE(json_view_first(&a, &at));
	EXPECT_EQ(json_view_number(&at, -1), 10);
	ASSERT_TRUE(json_view_next(&at));
	EXPECT_EQ(json_view_number(&at, -1), -1) << "an object is no number";
	ASSERT_TRUE(json_view_member(&at, "x", &b));
	EXPECT_EQ(json_view_number(&b, -1), 1);
	ASSERT_TRUE(json_view_next(&at));
	EXPECT_FALSE(json_view_member(&at, "x", &b)) << "a text has no members";
	EXPECT_FALSE(json_view_next(&at));
	ASSERT_TRUE(json_view_member(&v, "b", &b) && json_view_member(&b, "a", &at));
	EXPECT_EQ(json_view_number(&at, -1), 5);
	ASSERT_TRUE(json_view_member(&v, "c", &at));
	EXPECT_TRUE(json_view_is_true(&at));
	ASSERT_TRUE(json_view_member(&v, "empty", &at));
	EXPECT_FALSE(json_view_first(&at, &b));
	EXPECT_FALSE(json_view_member(&v, "", &at));
	EXPECT_FALSE(json_view_member(&v, "abc", &at));
	EXPECT_FALSE(json_view_first(&v, &at)) << "an object has no elements";
}

TEST(JsonView, ResolvesTexts)
{
	EXPECT_EQ(text_of("\"a\\\"\\\\\\/b\""), "a\"\\/b");
	EXPECT_EQ(text_of("\"\\u0041\\u00e9\\u20ac\""), "A\xc3\xa9\xe2\x82\xac");
	EXPECT_EQ(text_of("\"a\\u0000b\\u001b[2J\\n\\u007f\""), "a?b?[2J??")
		<< "nothing that moves a terminal";
	EXPECT_EQ(text_of("\"\\ud83d\\ude00\""), "??");
	EXPECT_EQ(text_of("12"), "(none)");
	EXPECT_EQ(text_of("\"abcdef\"", 4), "abc");
	EXPECT_EQ(text_of("\"ab\\u20ac\"", 4), "ab") << "no half of a character";
	EXPECT_EQ(text_of("\"abc\"", 1), "");
}

} // namespace
