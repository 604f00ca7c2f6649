#include "proto/resp_write.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace
{

/* What a writer of each version makes of the same call. */
template <typename Write> std::string written(resp_version version, Write write)
{
	buf out = {};
	const resp_writer w = {&out, version};

	EXPECT_TRUE(buf_append(&out, "x", 1));
	EXPECT_TRUE(write(&w));
	std::string s(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
	buf_fini(&out);
	EXPECT_EQ(s.substr(0, 1), "x") << "what was there stays";
	return s.substr(1);
}

template <typename Write>
void expect_written(const std::string &resp2, const std::string &resp3, Write write)
{
	EXPECT_EQ(written(RESP_2, write), resp2);
	EXPECT_EQ(written(RESP_3, write), resp3);
}

using W = const resp_writer *;

TEST(RespWrite, WhatBothHave)
{
	const auto both = [](const std::string &bytes, auto write) {
		expect_written(bytes, bytes, write);
	};

	both("+OK\r\n", [](W w) { return resp_write_status(w, "OK"); });
	both("-ERR unknown command 'x'\r\n",
		[](W w) { return resp_write_error(w, "ERR unknown command '%s'", "x"); });
	both(":0\r\n", [](W w) { return resp_write_integer(w, 0); });
	both(":1000\r\n", [](W w) { return resp_write_integer(w, 1000); });
	both(":-1\r\n", [](W w) { return resp_write_integer(w, -1); });
	both(":9223372036854775807\r\n", [](W w) { return resp_write_integer(w, INT64_MAX); });
	both(":-9223372036854775808\r\n", [](W w) { return resp_write_integer(w, INT64_MIN); });
	both("$5\r\nhello\r\n", [](W w) { return resp_write_text(w, "hello"); });
	both("$0\r\n\r\n", [](W w) { return resp_write_bulk(w, nullptr, 0); });
	both(std::string("$4\r\n\0\r\n\xff\r\n", 10),
		[](W w) { return resp_write_bulk(w, "\0\r\n\xff", 4); });
	both("*0\r\n", [](W w) { return resp_write_array(w, 0); });
	both("*1048576\r\n", [](W w) { return resp_write_array(w, 1048576); });
}

/* By the specification of RESP3, and by what Redis 7.0 sends to a RESP2 client. */
TEST(RespWrite, WhatEachHasItsOwnFormFor)
{
	expect_written("$-1\r\n", "_\r\n", [](W w) { return resp_write_null(w); });
	expect_written("*-1\r\n", "_\r\n", [](W w) { return resp_write_null_array(w); });
	expect_written("*4\r\n", "%2\r\n", [](W w) { return resp_write_map(w, 2); });
	expect_written("*5\r\n", "~5\r\n", [](W w) { return resp_write_set(w, 5); });
	expect_written("*3\r\n", ">3\r\n", [](W w) { return resp_write_push(w, 3); });
	expect_written(":1\r\n", "#t\r\n", [](W w) { return resp_write_boolean(w, true); });
	expect_written(":0\r\n", "#f\r\n", [](W w) { return resp_write_boolean(w, false); });
	expect_written("$37\r\n3492890328409238509324850943850943825\r\n",
		"(3492890328409238509324850943850943825\r\n", [](W w) {
			return resp_write_big_number(w, "3492890328409238509324850943850943825");
		});
	expect_written("$11\r\nSome string\r\n", "=15\r\ntxt:Some string\r\n",
		[](W w) { return resp_write_verbatim(w, "txt", "Some string", 11); });
	expect_written("$0\r\n\r\n", "=4\r\nmkd:\r\n",
		[](W w) { return resp_write_verbatim(w, "mkd", nullptr, 0); });
}

TEST(RespWrite, Doubles)
{
	const struct {
		double value;
		const char *text;
	} cases[] = {
		{1.23, "1.23"},
		{10, "10"},
		{0, "0"},
		{-0.0, "-0"},
		{0.1, "0.1"},
		{-1.5, "-1.5"},
		{1e300, "1e+300"},
		{5e-324, "4.94065645841247e-324"},
		{1.0 / 3, "0.3333333333333333"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{std::numeric_limits<double>::infinity(), "inf"},
		{-std::numeric_limits<double>::infinity(), "-inf"},
		{std::nan(""), "nan"},
	};

	for (const auto &c : cases) {
		const std::string text = c.text;

		expect_written("$" + std::to_string(text.size()) + "\r\n" + text + "\r\n",
			"," + text + "\r\n", [&](W w) { return resp_write_double(w, c.value); });
	}
}

/* Whatever is in it, an error is one line that a client can follow. */
TEST(RespWrite, AnErrorIsOneLine)
{
	expect_written("-ERR a  b c d e\r\n", "-ERR a  b c d e\r\n", [](W w) {
		return resp_write_error(w, "ERR %s",
			"a\r\nb\tc\x1b"
			"d\x7f"
			"e");
	});
	const std::string cut = "-ERR " + std::string(RESP_ERROR_MAX - 8, 'x') + "\r\n";
	const std::string text(5000, 'x');

	expect_written(cut, cut, [&](W w) { return resp_write_error(w, "ERR %s", text.c_str()); });
}

TEST(RespWrite, AnErrorInMemoryOfTheCaller)
{
	char line[RESP_ERROR_MAX];

	EXPECT_EQ(std::string(line, resp_write_error_line(line, "ERR no %s", "memory")),
		"-ERR no memory\r\n");
	EXPECT_EQ(resp_write_error_line(line, "%s", std::string(5000, 'x').c_str()),
		size_t{RESP_ERROR_MAX} - 1);
}

TEST(RespWrite, ARequest)
{
	buf out = {};
	const resp_writer w = resp_writer_2(&out);
	const std::string large(1234, 'v');

	EXPECT_TRUE(resp_write_array(&w, 3));
	EXPECT_TRUE(resp_write_text(&w, "SET"));
	EXPECT_TRUE(resp_write_text(&w, ""));
	EXPECT_TRUE(resp_write_text(&w, large.c_str()));
	EXPECT_EQ(std::string(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out)),
		"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$1234\r\n" + large + "\r\n");
	buf_fini(&out);
}

} // namespace
