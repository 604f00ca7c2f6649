/*
 * rdb_bytes - RDB files and DUMP payloads put together by hand, for what the Redis at hand does not
 * write any more, or not yet.
 */
#ifndef TEST_SUPPORT_RDB_BYTES_H
#define TEST_SUPPORT_RDB_BYTES_H

#include <array>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>

namespace support
{

inline std::string bytes(std::initializer_list<int> list)
{
	std::string s;

	for (int b : list)
		s.push_back(static_cast<char>(b));
	return s;
}

inline std::string little(uint64_t value, int n)
{
	std::string s;

	for (int i = 0; i < n; i++)
		s.push_back(static_cast<char>(value >> 8 * i));
	return s;
}

inline std::string big(uint64_t value, int n)
{
	std::string s;

	for (int i = n - 1; i >= 0; i--)
		s.push_back(static_cast<char>(value >> 8 * i));
	return s;
}

/* A length in its shortest form. */
inline std::string rdb_length(uint64_t n)
{
	if (n < 1 << 6)
		return bytes({static_cast<int>(n)});
	if (n < 1 << 14)
		return bytes({static_cast<int>(0x40 | n >> 8), static_cast<int>(n & 0xff)});
	if (n <= UINT32_MAX)
		return bytes({0x80}) + big(n, 4);
	return bytes({0x81}) + big(n, 8);
}

inline std::string rdb_string(const std::string &s)
{
	return rdb_length(s.size()) + s;
}

/* The checksum by another code than the one under test: a byte at a time. */
inline uint64_t rdb_checksum(const std::string &s)
{
	static const auto table = [] {
		std::array<uint64_t, 256> t;

		for (uint64_t b = 0; b < 256; b++) {
			t[b] = b;
			for (int bit = 0; bit < 8; bit++)
				t[b] = t[b] & 1 ? t[b] >> 1 ^ UINT64_C(0x95AC9329AC4BC9B5)
						: t[b] >> 1;
		}
		return t;
	}();
	uint64_t crc = 0;

	for (char c : s)
		crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ crc >> 8;
	return crc;
}

/* What DUMP gives for a value. */
inline std::string rdb_payload(int type, const std::string &value, int version)
{
	const std::string s = bytes({type}) + value + little(static_cast<uint64_t>(version), 2);

	return s + little(rdb_checksum(s), 8);
}

inline std::string rdb_header(int version)
{
	char text[16];

	snprintf(text, sizeof(text), "REDIS%04d", version);
	return text;
}

/* A whole RDB of some version around its entries. */
inline std::string rdb_file(const std::string &entries, int version = 12)
{
	const std::string s = rdb_header(version) + entries + bytes({0xff});

	return version < 5 ? s : s + little(rdb_checksum(s), 8);
}

inline std::string rdb_key(int type, const std::string &key, const std::string &value)
{
	return bytes({type}) + rdb_string(key) + value;
}

} // namespace support

#endif
