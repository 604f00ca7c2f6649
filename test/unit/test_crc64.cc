#include "entropy/crc64.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>

namespace
{

/* The definition itself, a bit at a time, for comparison. */
uint64_t bit_by_bit(const std::string &bytes)
{
	uint64_t crc = 0;

	for (const char c : bytes) {
		crc ^= static_cast<unsigned char>(c);
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT64_C(0x95AC9329AC4BC9B5) : crc >> 1;
	}
	return crc;
}

std::string sample(size_t len)
{
	std::string s;
	uint32_t state = 1;

	while (s.size() < len) {
		state = state * 1664525 + 1013904223;
		s.push_back(static_cast<char>(state >> 24));
	}
	return s;
}

} // namespace

TEST(Crc64, HasTheCheckValueOfJones)
{
	EXPECT_EQ(crc64_update(0, "123456789", 9), UINT64_C(0xe9c6d914c4b8d9ca));
	EXPECT_EQ(crc64_update(0, "", 0), 0u);
}

TEST(Crc64, EqualsTheDefinitionAtEveryLengthAndAlignment)
{
	const std::string s = sample(300);

	for (size_t from = 0; from < 8; from++)
		for (size_t len = 0; len + from <= s.size(); len++)
			ASSERT_EQ(crc64_update(0, s.data() + from, len),
				bit_by_bit(s.substr(from, len)))
				<< from << " " << len;
}

TEST(Crc64, IsTheSameHoweverTheBytesAreCut)
{
	const std::string s = sample(100);
	const uint64_t whole = crc64_update(0, s.data(), s.size());

	for (size_t cut = 0; cut <= s.size(); cut++)
		EXPECT_EQ(crc64_update(
				  crc64_update(0, s.data(), cut), s.data() + cut, s.size() - cut),
			whole)
			<< cut;
}
