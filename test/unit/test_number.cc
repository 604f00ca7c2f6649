#include "base/number.h"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

const uint64_t UNTOUCHED = 77;

struct Read {
	enum number_status status;
	uint64_t value;
};

Read read(const std::string &text, uint64_t max = UINT64_MAX)
{
	uint64_t value = UNTOUCHED;
	enum number_status status = number_read(text.data(), text.size(), max, &value);

	return {status, value};
}

void expect_read(const std::string &text, uint64_t max, uint64_t value)
{
	Read r = read(text, max);

	EXPECT_EQ(r.status, NUMBER_OK) << text;
	EXPECT_EQ(r.value, value) << text;
}

void expect_refused(const std::string &text, uint64_t max, enum number_status status)
{
	Read r = read(text, max);

	EXPECT_EQ(r.status, status) << text;
	EXPECT_EQ(r.value, UNTOUCHED) << text;
}

TEST(Number, IsReadUpToItsLimit)
{
	expect_read("0", 0, 0);
	expect_read("007", 7, 7);
	expect_read("65535", 65535, 65535);
	expect_refused("65536", 65535, NUMBER_OVERFLOW);
	expect_refused("1", 0, NUMBER_OVERFLOW);
	expect_read("18446744073709551615", UINT64_MAX, UINT64_MAX);
	expect_refused("18446744073709551616", UINT64_MAX, NUMBER_OVERFLOW);
	/* 4e19 is 3.1e18 beyond 2^64. */
	expect_refused("40000000000000000000", INT64_MAX, NUMBER_OVERFLOW);
	expect_refused(std::string(100, '9'), UINT64_MAX, NUMBER_OVERFLOW);
}

TEST(Number, SaysWhatIsWrong)
{
	expect_refused("", UINT64_MAX, NUMBER_EMPTY);
	for (const char *text : {" 1", "1 ", "+1", "-1", "x", "1x", "0x10", "1.5", "1\n"})
		expect_refused(text, UINT64_MAX, NUMBER_GARBAGE);
	expect_refused(std::string("1\0", 2), UINT64_MAX, NUMBER_GARBAGE);
	expect_refused(std::string(30, '9') + "x", UINT64_MAX, NUMBER_GARBAGE);
}

TEST(Number, IsReadWithASign)
{
	const struct {
		const char *text;
		enum number_status status;
		int64_t value;
	} all[] = {
		{"0", NUMBER_OK, 0},
		{"-1", NUMBER_OK, -1},
		{"9223372036854775807", NUMBER_OK, INT64_MAX},
		{"-9223372036854775808", NUMBER_OK, INT64_MIN},
		{"9223372036854775808", NUMBER_OVERFLOW, 77},
		{"-9223372036854775809", NUMBER_OVERFLOW, 77},
		{"-", NUMBER_EMPTY, 77},
		{"", NUMBER_EMPTY, 77},
		{"--1", NUMBER_GARBAGE, 77},
		{"1-", NUMBER_GARBAGE, 77},
	};

	for (const auto &a : all) {
		int64_t value = 77;

		EXPECT_EQ(number_read_signed(a.text, strlen(a.text), &value), a.status) << a.text;
		EXPECT_EQ(value, a.value) << a.text;
	}
}

TEST(Number, IsReadWhereMoreFollows)
{
	uint64_t value = UNTOUCHED;
	size_t used = 0;

	EXPECT_EQ(number_read_front("12,3", 4, UINT64_MAX, &value, &used), NUMBER_OK);
	EXPECT_EQ(value, 12u);
	EXPECT_EQ(used, 2u);
	EXPECT_EQ(number_read_front("1234", 2, UINT64_MAX, &value, &used), NUMBER_OK);
	EXPECT_EQ(value, 12u) << "it reads beyond its bytes";
	EXPECT_EQ(number_read_front("x1", 2, UINT64_MAX, &value, &used), NUMBER_EMPTY);
	EXPECT_EQ(used, 0u);
	EXPECT_EQ(number_read_front("300 ", 4, 255, &value, &used), NUMBER_OVERFLOW);
	EXPECT_EQ(used, 3u);
	EXPECT_EQ(value, 12u);
}

size_t shortest(const std::string &text, uint64_t max, uint64_t *value)
{
	return number_read_shortest(
		reinterpret_cast<const uint8_t *>(text.data()), text.size(), max, value);
}

TEST(Number, IsReadAsShortAsItCanBe)
{
	uint64_t value = UNTOUCHED;

	EXPECT_EQ(shortest("10\r", 10, &value), 2u);
	EXPECT_EQ(value, 10u);
	EXPECT_EQ(shortest("0", 10, &value), 1u);
	EXPECT_EQ(value, 0u);
	EXPECT_EQ(shortest("\r", 10, &value), 0u);
	EXPECT_EQ(shortest("", 10, &value), 0u);
	EXPECT_EQ(shortest("00", 10, &value), NUMBER_BAD);
	EXPECT_EQ(shortest("01", 10, &value), NUMBER_BAD);
	EXPECT_EQ(shortest("11", 10, &value), NUMBER_BAD);
	EXPECT_EQ(shortest("40000000000000000000", INT64_MAX, &value), NUMBER_BAD);
	EXPECT_EQ(shortest("18446744073709551616", UINT64_MAX, &value), NUMBER_BAD);
	EXPECT_EQ(shortest("18446744073709551615", UINT64_MAX, &value), 20u);
	EXPECT_EQ(value, UINT64_MAX);
}

TEST(Number, IsWrittenAsItIsRead)
{
	for (uint64_t n :
		{UINT64_C(0), UINT64_C(9), UINT64_C(10), UINT64_C(4294967296), UINT64_MAX}) {
		char text[NUMBER_DIGITS_MAX];
		size_t len = number_write(text, n);

		EXPECT_EQ(std::string(text, len), std::to_string(n));
	}
}

} // namespace
