/* Whole sessions over memory: what one half writes, the other half reads. */
#include "session/alloc.h"
#include "session/wire_ends.h"
#include "support/status.h"
#include "support/tempdir.h"
#include "support/text.h"
#include "support/wire_bytes.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

using session::drain;
using session::encode;
using session::In;
using session::kMiB5;
using session::make_out;
using session::Out;
using session::Source;
using support::Error;
using support::fails;
using support::noise;
using support::succeeds;
using support::u32;
using support::WireBytes;

struct Golden {
	const char *file;
	std::string plain;
	uint32_t header_size;
	bool encrypt;
};

const Golden kGolden[] = {
	{"enc-20.hex", "hello entropy world!", 64, true},
	{"plain-20.hex", "hello entropy world!", 64, false},
	{"enc-empty.hex", "", 64, true},
	{"enc-16-h8.hex", "0123456789abcdef", 8, true},
};

TEST(WireSession, RecordedStreamsByteForByteInBothDirections)
{
	for (const auto &g : kGolden) {
		const std::string recorded = support::unhex(support::read_file(
			support::source_file("test/session/golden/" + std::string(g.file))));
		In in(g.encrypt);

		ASSERT_GE(recorded.size(), 28u) << g.file;
		EXPECT_EQ(encode(g.plain, 16, g.header_size, g.encrypt), recorded) << g.file;
		EXPECT_TRUE(succeeds(in.take(recorded), in.err)) << g.file;
		EXPECT_EQ(in.delivered, g.plain) << g.file;
	}
}

TEST(WireSession, EverySizeOfBufferAndSnapshot)
{
	const struct {
		uint32_t buffer_size;
		bool encrypt;
	} cases[] = {{1, false}, {7, false}, {16, true}, {48, true}, {48, false}, {16384, true},
		{16384, false}, {262144, true}, {kMiB5 - 16, true}, {kMiB5 - 16, false}};

	for (const auto &c : cases) {
		const size_t m = c.buffer_size;

		for (size_t len : {size_t(0), size_t(1), size_t(15), size_t(16), size_t(17), m - 1,
			     m, m + 1, 2 * m + 3, m < 100000 ? 40 * m + 5 : 1}) {
			const std::string plain = noise(len);
			WireBytes want;
			In in(c.encrypt);

			want.header_size = 1024;
			want.buffer_size = c.buffer_size;
			want.cipher_size = c.buffer_size + 16;
			want.encrypt_flag = c.encrypt;
			const std::string wire = encode(plain, c.buffer_size, 1024, c.encrypt);
			ASSERT_TRUE(wire == want.session(plain)) << m << " " << len;
			ASSERT_TRUE(succeeds(in.take(wire), in.err)) << m << " " << len;
			ASSERT_TRUE(in.delivered == plain) << m << " " << len;
			EXPECT_EQ(wire_in_total_len(in.wire), len);
			EXPECT_EQ(wire_in_delivered(in.wire), len);
		}
	}
}

TEST(WireSession, OneWriterServesManySnapshots)
{
	Out w = make_out(16, 8, true);

	for (const char *plain : {"first", "", "the third is longer than a chunk"}) {
		Source source({plain});
		std::string all;
		Error err;

		source.begin();
		wire_out_begin(w.get(), source.get(), static_cast<uint32_t>(strlen(plain)));
		ASSERT_TRUE(succeeds(drain(w.get(), &all, err), err));
		EXPECT_EQ(all, encode(plain, 16, 8, true));
	}
}

TEST(WireSession, ASourceMayGiveAByteAtATime)
{
	const std::string plain = noise(1000);
	Source source({plain});
	Out w = make_out(48, 8, true);
	std::string all;
	Error err;

	source.piece = 1;
	source.begin();
	wire_out_begin(w.get(), source.get(), 1000);
	ASSERT_TRUE(succeeds(drain(w.get(), &all, err), err));
	EXPECT_EQ(all, encode(plain, 48, 8, true));
}

TEST(WireSession, ASourceThatBreaksItsWordIsAnError)
{
	const std::string plain = noise(1000);

	for (uint32_t announced : {1001u, 1016u, 100000u, 0xFFFFFFFEu}) {
		Source source({plain});
		Out w = make_out(16, 8, true);
		std::string all;
		Error err;

		source.begin();
		wire_out_begin(w.get(), source.get(), announced);
		EXPECT_TRUE(fails(drain(w.get(), &all, err), err, DYN_ENTROPY_ERR_SOURCE,
			std::to_string(announced)));
		EXPECT_LE(wire_out_plain_bytes(w.get()), plain.size());
	}

	Source failing({plain});
	Out w = make_out(16, 8, true);
	std::string all;
	Error err;

	failing.fail_at = 500;
	failing.begin();
	wire_out_begin(w.get(), failing.get(), 1000);
	EXPECT_TRUE(
		fails(drain(w.get(), &all, err), err, DYN_ENTROPY_ERR_SOURCE, "as it was told"));

	Source lying({plain});
	lying.claim_more = true;
	lying.begin();
	wire_out_begin(w.get(), lying.get(), 1000);
	EXPECT_TRUE(fails(drain(w.get(), &all, err), err, DYN_ENTROPY_ERR_SOURCE));
}

/* ---- Claims are not believed ---- */

TEST(WireSession, MemoryFollowsWhatCameNotWhatWasClaimed)
{
	for (bool encrypt : {true, false}) {
		WireBytes w;

		w.encrypt_flag = encrypt;
		w.total_len = 0xFFFFFFFE;
		w.buffer_size = kMiB5;
		w.cipher_size = kMiB5;
		const int64_t before = alloc::live_bytes();
		In in(encrypt);
		alloc::reset_peak();
		ASSERT_TRUE(succeeds(in.feed(w.headers() + u32(kMiB5) + "little"), in.err));
		EXPECT_LT(alloc::peak_bytes() - before, 16 * 1024) << "on a claim alone";
		for (int i = 0; i < 100; i++)
			ASSERT_TRUE(succeeds(in.feed(std::string(1000, 'x')), in.err));
		EXPECT_LT(alloc::peak_bytes() - before, 4 * 100000) << "for 100 KB that came";
	}
}

TEST(WireSession, TheWritersMemoryIsThatOfAFewChunks)
{
	const std::string plain = noise(8 * 1024 * 1024);
	const int64_t before = alloc::live_bytes();

	alloc::reset_peak();
	encode(plain, 16384, 1024, true);
	EXPECT_LT(alloc::peak_bytes() - before, 2 * 1024 * 1024);
	EXPECT_EQ(alloc::live_bytes(), before);
}

} // namespace
