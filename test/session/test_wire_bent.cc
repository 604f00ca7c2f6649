/* Sessions over memory that are cut, bent and wrong, at every place there is. */
#include "session/wire_ends.h"
#include "support/status.h"
#include "support/wire_bytes.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using session::In;
using session::kMiB5;
using session::sample_cipher;
using support::aes;
using support::Error;
using support::fails;
using support::noise;
using support::succeeds;
using support::u32;
using support::WireBytes;

struct Sample {
	WireBytes format;
	std::string plain, wire;

	Sample(bool encrypt, uint32_t header_size, size_t len)
	{
		format.header_size = header_size;
		format.buffer_size = 48;
		format.cipher_size = 64;
		format.encrypt_flag = encrypt;
		plain = noise(len);
		wire = format.session(plain);
	}
	size_t headers() const
	{
		return 20 + format.header_size;
	}
	/* Plaintext bytes in the chunks that are complete when the wire is cut there. */
	size_t complete_at(size_t cut) const
	{
		size_t at = headers(), plain_at = 0;

		while (plain_at < plain.size()) {
			const size_t len = std::min(plain.size() - plain_at, size_t(48));

			at += 4 + (format.encrypt_flag ? len + 16 - len % 16 : len);
			if (cut < at)
				break;
			plain_at += len;
		}
		return plain_at;
	}
};

std::vector<Sample> samples()
{
	std::vector<Sample> all;

	for (bool encrypt : {true, false})
		for (uint32_t header_size : {8u, 64u})
			for (size_t len : {0u, 1u, 48u, 100u, 144u})
				all.emplace_back(encrypt, header_size, len);
	return all;
}

TEST(WireBent, CutAtEveryByteIsAnErrorAndGivesWhatWasComplete)
{
	for (const Sample &s : samples())
		for (size_t cut = 0; cut < s.wire.size(); cut++) {
			In in(s.format.encrypt_flag);

			ASSERT_TRUE(succeeds(in.feed(s.wire.substr(0, cut)), in.err)) << cut;
			ASSERT_TRUE(fails(wire_in_finish(in.wire, in.err), in.err,
				DYN_ENTROPY_ERR_PROTOCOL, "the stream ended"))
				<< "cut at " << cut << " of " << s.wire.size();
			ASSERT_EQ(in.delivered, s.plain.substr(0, s.complete_at(cut))) << cut;
			ASSERT_EQ(wire_in_has_headers(in.wire), cut >= s.headers());
		}
}

TEST(WireBent, EverySplitInTwoAndEveryByteAloneMakeNoDifference)
{
	for (const Sample &s : samples()) {
		for (size_t split = 0; split <= s.wire.size(); split++) {
			In in(s.format.encrypt_flag);

			ASSERT_TRUE(succeeds(in.feed(s.wire.substr(0, split)), in.err));
			ASSERT_TRUE(succeeds(in.take(s.wire.substr(split)), in.err));
			ASSERT_EQ(in.delivered, s.plain) << split;
		}
		In in(s.format.encrypt_flag);
		for (char byte : s.wire)
			ASSERT_TRUE(succeeds(in.feed(std::string(1, byte)), in.err));
		ASSERT_TRUE(succeeds(wire_in_finish(in.wire, in.err), in.err));
		ASSERT_EQ(in.delivered, s.plain);
	}
}

TEST(WireBent, AByteBehindTheEndIsRefused)
{
	for (const Sample &s : samples()) {
		In in(s.format.encrypt_flag), late(s.format.encrypt_flag);

		EXPECT_TRUE(fails(
			in.take(s.wire + '\0'), in.err, DYN_ENTROPY_ERR_PROTOCOL, "after the end"));
		EXPECT_TRUE(succeeds(late.feed(s.wire), late.err));
		EXPECT_TRUE(
			fails(late.feed("x"), late.err, DYN_ENTROPY_ERR_PROTOCOL, "after the end"));
	}
}

/* What one wrong bit at this place of the stream must come to. */
enum class Bent {
	Error,
	Same,
	Either
};

Bent bent(const Sample &s, size_t at, const std::string &flipped)
{
	const auto word = [&](size_t from) {
		uint32_t v = 0;

		for (size_t i = 0; i < 4; i++)
			v = v << 8 | static_cast<uint8_t>(flipped[from + i]);
		return v;
	};

	if (at < 12)
		return Bent::Error; /* magic, command, header_size: the rest is out of step */
	if (at < 20) {
		/* buffer_size and cipher_size, which no single bit makes smaller than a chunk here.
		 */
		const uint32_t size = word(at < 16 ? 12 : 16);

		return size >= 1 && size <= kMiB5 ? Bent::Same : Bent::Error;
	}
	if (at < 28)
		return Bent::Error; /* total_len, encrypt_flag */
	if (at < s.headers())
		return Bent::Same; /* padding */
	return Bent::Either;
}

TEST(WireBent, ABitFlippedAnywhereNeverGivesMoreThanWasAnnounced)
{
	for (const Sample &s : samples())
		for (size_t at = 0; at < s.wire.size(); at++)
			for (int bit = 0; bit < 8; bit++) {
				std::string flipped = s.wire;
				In in(s.format.encrypt_flag);

				flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
				const auto status = in.take(flipped);
				const Bent expected = bent(s, at, flipped);

				if (expected != Bent::Either) {
					ASSERT_EQ(status == DYN_ENTROPY_OK, expected == Bent::Same)
						<< at << "/" << bit << ": " << in.err.text();
				}
				if (status != DYN_ENTROPY_OK) {
					ASSERT_FALSE(in.err.text().empty());
				} else if (at < s.headers()) {
					ASSERT_EQ(in.delivered, s.plain) << at;
				} else {
					ASSERT_EQ(in.delivered.size(), s.plain.size()) << at;
					ASSERT_NE(in.delivered, s.plain) << at;
				}
				ASSERT_LE(in.delivered.size(), wire_in_total_len(in.wire));
			}
}

/* ---- Refused, each with its own words ---- */

struct Breach {
	const char *what;
	std::string wire;
	bool encrypt;
	enum dyn_entropy_status status;
	const char *words;
};

void expect_refused(const std::vector<Breach> &cases)
{
	for (const auto &c : cases) {
		In in(c.encrypt, 1000);

		EXPECT_TRUE(fails(in.take(c.wire), in.err, c.status, c.words)) << c.what;
		EXPECT_LE(in.delivered.size(), 16u) << c.what;
	}
}

/* A session of 20 bytes, changed, and what comes after its headers. */
std::string session(void (*change)(WireBytes *), const std::string &after = "")
{
	WireBytes w;

	w.total_len = 20;
	change(&w);
	return w.headers() + after;
}

void nothing(WireBytes *)
{
}

void plaintext(WireBytes *w)
{
	w->encrypt_flag = 0;
}

TEST(WireBent, RefusesEachBreachOfTheHeadersByItsName)
{
	expect_refused({
		{"magic", session([](WireBytes *w) { w->magic = 0x64640000; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "bad magic 0x64640000"},
		{"garbage", "GET / HTTP/1.1\r\nHost: there\r\n\r\n", true, DYN_ENTROPY_ERR_PROTOCOL,
			"bad magic 0x47455420"},
		{"command", session([](WireBytes *w) { w->command = 2; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "unknown command 2"},
		{"header_size too small", session([](WireBytes *w) { w->header_size = 7; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "header_size 7"},
		{"header_size too large", session([](WireBytes *w) { w->header_size = 1025; }),
			true, DYN_ENTROPY_ERR_PROTOCOL, "header_size 1025"},
		{"buffer_size 0", session([](WireBytes *w) { w->buffer_size = 0; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "buffer_size 0"},
		{"buffer_size too large", session([](WireBytes *w) { w->buffer_size = kMiB5 + 1; }),
			true, DYN_ENTROPY_ERR_PROTOCOL, "buffer_size 5242881"},
		{"cipher_size 0", session([](WireBytes *w) { w->cipher_size = 0; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "cipher_size 0"},
		{"cipher_size too large", session([](WireBytes *w) { w->cipher_size = kMiB5 + 1; }),
			true, DYN_ENTROPY_ERR_PROTOCOL, "cipher_size 5242881"},
		{"encrypt_flag", session([](WireBytes *w) { w->encrypt_flag = 2; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "encrypt_flag 2"},
		{"total_len", session([](WireBytes *w) { w->total_len = 0xFFFFFFFF; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "total_len 0xFFFFFFFF"},
		{"total_len beyond what is taken",
			session([](WireBytes *w) { w->total_len = 1001; }), true,
			DYN_ENTROPY_ERR_PROTOCOL, "takes 1000"},
		{"plaintext where it must be encrypted", session(plaintext), true,
			DYN_ENTROPY_ERR_PROTOCOL, "configured to encrypt"},
		{"encrypted where it must be plaintext", session(nothing), false,
			DYN_ENTROPY_ERR_PROTOCOL, "configured for plaintext"},
	});
}

TEST(WireBent, RefusesEachBreachOfTheChunksByItsName)
{
	const std::string chunk16 = WireBytes::chunk(aes(noise(16)));
	std::string bad_padding = noise(16);

	bad_padding[15] = 17;
	expect_refused({
		{"a chunk of nothing", session(nothing, u32(0)), true, DYN_ENTROPY_ERR_PROTOCOL,
			"zero bytes"},
		{"a plaintext chunk of nothing", session(plaintext, u32(0)), false,
			DYN_ENTROPY_ERR_PROTOCOL, "zero bytes"},
		{"a chunk beyond cipher_size", session(nothing, u32(48)), true,
			DYN_ENTROPY_ERR_PROTOCOL, "more than the cipher_size 32"},
		{"a chunk beyond everything", session(nothing, u32(0xFFFFFFFF)), true,
			DYN_ENTROPY_ERR_PROTOCOL, "more than the cipher_size 32"},
		{"a ciphertext that is no multiple of 16", session(nothing, u32(17)), true,
			DYN_ENTROPY_ERR_PROTOCOL, "multiple of 16"},
		{"bad padding", session(nothing, WireBytes::chunk(aes(bad_padding, false))), true,
			DYN_ENTROPY_ERR_CRYPTO, "padding"},
		{"a chunk that decrypts to nothing", session(nothing, WireBytes::chunk(aes(""))),
			true, DYN_ENTROPY_ERR_PROTOCOL, "decrypts to nothing"},
		{"a chunk beyond total_len", session(nothing, chunk16 + chunk16), true,
			DYN_ENTROPY_ERR_PROTOCOL, "beyond the snapshot's 20 bytes"},
		{"a plaintext chunk beyond total_len", session(plaintext, u32(21)), false,
			DYN_ENTROPY_ERR_PROTOCOL, "beyond the snapshot's 20 bytes"},
		{"an end too early", session(nothing, chunk16), true, DYN_ENTROPY_ERR_PROTOCOL,
			"ended after 16 of the snapshot's 20 bytes"},
		{"an end within the headers", session(nothing).substr(0, 50), true,
			DYN_ENTROPY_ERR_PROTOCOL, "within the headers"},
		{"nothing at all", "", true, DYN_ENTROPY_ERR_PROTOCOL, "within the headers"},
	});
}

TEST(WireBent, ChunksMayBeShorterAndLongerThanTheBufferSize)
{
	const std::string plain = noise(500);

	for (bool encrypt : {true, false})
		for (size_t size : {1u, 5u, 15u, 16u, 17u, 47u, 48u, 63u}) {
			WireBytes w;
			In in(encrypt);

			w.encrypt_flag = encrypt;
			w.buffer_size = 16;
			w.cipher_size = 64;
			EXPECT_TRUE(succeeds(in.take(w.session(plain, size)), in.err)) << size;
			EXPECT_EQ(in.delivered, plain) << size;
		}
}

TEST(WireBent, PaddingOfTheHeaderIsOfNoInterest)
{
	WireBytes w;
	In in;

	w.padding = '\xff';
	EXPECT_TRUE(succeeds(in.take(w.session("content")), in.err));
	EXPECT_EQ(in.delivered, "content");
}

TEST(WireBent, TakesUpToItsOwnLimitAndNoMore)
{
	WireBytes w;

	for (uint64_t limit : {0u, 6u, 7u, 8u}) {
		In in(true, limit);
		const auto status = in.take(w.session("content"));

		EXPECT_EQ(status == DYN_ENTROPY_OK, limit >= 7) << limit;
	}
}

TEST(WireBent, AnErrorOfTheTakerEndsIt)
{
	WireBytes w;
	const struct wire_in_options options = {sample_cipher(), 1000,
		[](void *, const void *, size_t, struct dyn_entropy_error *) {
			return DYN_ENTROPY_ERR_IO;
		},
		nullptr};
	const std::string wire = w.session("content");
	struct wire_in *in = nullptr;
	Error err;

	ASSERT_TRUE(succeeds(wire_in_new(&options, &in, err), err));
	EXPECT_EQ(
		wire_in_feed(in, reinterpret_cast<const uint8_t *>(wire.data()), wire.size(), err),
		DYN_ENTROPY_ERR_IO);
	wire_in_free(in);
	wire_in_free(nullptr);
	wire_out_free(nullptr);
}

} // namespace
