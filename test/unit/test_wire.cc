/* The headers, one field at a time.  Whole sessions: test/session/test_wire_session.cc. */
#include "entropy/wire_header.h"
#include "support/status.h"
#include "support/text.h"
#include "support/wire_bytes.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

constexpr uint32_t kMiB5 = 5 * 1024 * 1024;

std::string encode(const struct wire_header_negotiation &n)
{
	uint8_t out[WIRE_HEADER_NEGOTIATION_SIZE];

	wire_header_negotiation_encode(&n, out);
	return std::string(reinterpret_cast<char *>(out), sizeof(out));
}

TEST(WireHeaders, NegotiationIsFiveBigEndianWords)
{
	const struct wire_header_negotiation n = {0x64640001, 1, 1024, 0x01020304, 0xF1F2F3F4};

	EXPECT_EQ(encode(n), support::unhex("64640001 00000001 00000400 01020304 F1F2F3F4"));
}

TEST(WireHeaders, NegotiationDecodesToTheirLimitsAndNoFurther)
{
	const struct wire_header_negotiation good = {0x64640001, 1, 64, 16, 32};
	const struct {
		uint32_t wire_header_negotiation::*field;
		uint32_t value;
		const char *words; /* NULL: it is taken */
	} cases[] = {
		{&wire_header_negotiation::magic, 0, "bad magic 0x00000000"},
		{&wire_header_negotiation::magic, 0x64640002, "bad magic 0x64640002"},
		{&wire_header_negotiation::magic, 0x01006464, "bad magic 0x01006464"},
		{&wire_header_negotiation::command, 0, "unknown command 0"},
		{&wire_header_negotiation::command, 2, "unknown command 2"},
		{&wire_header_negotiation::command, 0xFFFFFFFF, "unknown command 4294967295"},
		{&wire_header_negotiation::header_size, 0, "header_size 0"},
		{&wire_header_negotiation::header_size, 7, "header_size 7"},
		{&wire_header_negotiation::header_size, 8, nullptr},
		{&wire_header_negotiation::header_size, 1024, nullptr},
		{&wire_header_negotiation::header_size, 1025, "header_size 1025"},
		{&wire_header_negotiation::header_size, 0xFFFFFFFF, "header_size 4294967295"},
		{&wire_header_negotiation::buffer_size, 0, "buffer_size 0"},
		{&wire_header_negotiation::buffer_size, 1, nullptr},
		{&wire_header_negotiation::buffer_size, kMiB5, nullptr},
		{&wire_header_negotiation::buffer_size, kMiB5 + 1, "buffer_size 5242881"},
		{&wire_header_negotiation::buffer_size, 0xFFFFFFFF, "buffer_size 4294967295"},
		{&wire_header_negotiation::cipher_size, 0, "cipher_size 0"},
		{&wire_header_negotiation::cipher_size, 1, nullptr},
		{&wire_header_negotiation::cipher_size, kMiB5, nullptr},
		{&wire_header_negotiation::cipher_size, kMiB5 + 1, "cipher_size 5242881"},
		{&wire_header_negotiation::cipher_size, 0x80000000, "cipher_size 2147483648"},
	};

	for (const auto &c : cases) {
		struct wire_header_negotiation n = good, back;
		Error err;

		n.*c.field = c.value;
		const auto status = wire_header_negotiation_decode(
			&back, reinterpret_cast<const uint8_t *>(encode(n).data()), err);
		if (c.words) {
			EXPECT_TRUE(fails(status, err, DYN_ENTROPY_ERR_PROTOCOL, c.words));
		} else {
			EXPECT_TRUE(succeeds(status, err));
			EXPECT_EQ(memcmp(&n, &back, sizeof(n)), 0);
		}
	}
}

TEST(WireHeaders, SnapshotHeaderIsPaddedWithZeros)
{
	for (size_t size : {8u, 9u, 64u, 1024u}) {
		const struct wire_header_snapshot h = {0x01020304, 1};
		std::vector<uint8_t> out(size, 0xEE);
		Error err;

		ASSERT_TRUE(succeeds(wire_header_snapshot_encode(&h, out.data(), size, err), err));
		std::string want = support::unhex("01020304 00000001");
		want.resize(size, '\0');
		EXPECT_EQ(std::string(out.begin(), out.end()), want);
	}
}

TEST(WireHeaders, SnapshotHeaderDecodes)
{
	const struct {
		uint32_t total_len, flag;
		const char *words; /* NULL: it is taken */
	} cases[] = {
		{0, 0, nullptr},
		{0, 1, nullptr},
		{20, 1, nullptr},
		{0xFFFFFFFE, 0, nullptr},
		{0xFFFFFFFE, 1, nullptr},
		{0xFFFFFFFF, 1, "0xFFFFFFFF"},
		{0xFFFFFFFF, 0, "0xFFFFFFFF"},
		{20, 2, "encrypt_flag 2"},
		{20, 0x01000000, "encrypt_flag 16777216"},
		{20, 0xFFFFFFFF, "encrypt_flag 4294967295"},
	};

	for (const auto &c : cases) {
		for (char padding : {'\0', '\xff'}) {
			std::string in = support::u32(c.total_len) + support::u32(c.flag);
			struct wire_header_snapshot h;
			Error err;

			in.resize(64, padding);
			const auto status = wire_header_snapshot_decode(
				&h, reinterpret_cast<const uint8_t *>(in.data()), in.size(), err);
			if (c.words) {
				EXPECT_TRUE(fails(status, err, DYN_ENTROPY_ERR_PROTOCOL, c.words));
			} else {
				EXPECT_TRUE(succeeds(status, err));
				EXPECT_EQ(h.total_len, c.total_len);
				EXPECT_EQ(h.encrypt_flag, c.flag);
			}
		}
	}
}

TEST(WireHeaders, SnapshotHeaderNeedsEightBytes)
{
	struct wire_header_snapshot h = {};
	uint8_t room[8] = {};

	for (size_t size = 0; size < 8; size++) {
		Error err;

		EXPECT_TRUE(fails(wire_header_snapshot_encode(&h, room, size, err), err,
			DYN_ENTROPY_ERR_CONFIG, "header_size"));
		EXPECT_TRUE(fails(wire_header_snapshot_decode(&h, room, size, err), err,
			DYN_ENTROPY_ERR_PROTOCOL, "too few"));
	}
}

TEST(WireHeaders, AnErrorNeedsNoPlaceToGo)
{
	struct wire_header_negotiation n;
	const uint8_t zeros[WIRE_HEADER_NEGOTIATION_SIZE] = {};

	EXPECT_EQ(wire_header_negotiation_decode(&n, zeros, nullptr), DYN_ENTROPY_ERR_PROTOCOL);
}

} // namespace
