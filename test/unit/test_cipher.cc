/* Held against OpenSSL's own CBC with padding, used here in the plainest way. */
#include "entropy/cipher.h"
#include "entropy/material.h"
#include "support/owned.h"
#include "support/status.h"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <string>
#include <vector>

namespace
{

using Bytes = std::vector<uint8_t>;
using support::Error;
using support::fails;
using support::succeeds;

struct dyn_entropy_material material(const std::string &key, const std::string &iv)
{
	struct dyn_entropy_material m;

	std::copy_n(key.begin(), sizeof(m.key), m.key);
	std::copy_n(iv.begin(), sizeof(m.iv), m.iv);
	return m;
}

const struct dyn_entropy_material kSample = material("0123456789012345", "0123456789012345");
const struct dyn_entropy_material kOther = material("another key here", "and another iv..");

Bytes pattern(size_t len, unsigned seed = 1)
{
	Bytes b(len);

	for (auto &byte : b) {
		seed = seed * 1103515245 + 12345;
		byte = static_cast<uint8_t>(seed >> 16);
	}
	return b;
}

Bytes openssl_encrypt(const struct dyn_entropy_material &m, const Bytes &plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	Bytes out(plain.size() + 16);
	int body = 0, tail = 0;

	EXPECT_EQ(EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), nullptr, m.key, m.iv), 1);
	EXPECT_EQ(EVP_EncryptUpdate(
			  ctx, out.data(), &body, plain.data(), static_cast<int>(plain.size())),
		1);
	EXPECT_EQ(EVP_EncryptFinal_ex(ctx, out.data() + body, &tail), 1);
	EVP_CIPHER_CTX_free(ctx);
	out.resize(static_cast<size_t>(body + tail));
	return out;
}

/* The ciphertext of these blocks as they are, so that a test can choose its own padding. */
Bytes openssl_encrypt_blocks(const struct dyn_entropy_material &m, const Bytes &blocks)
{
	Bytes out = openssl_encrypt(m, blocks);

	out.resize(blocks.size());
	return out;
}

class Cipher : public ::testing::Test
{
      protected:
	using Owned = support::Owned<struct cipher, cipher_free>;

	Owned cipher_ = make(kSample);
	Error err_;

	static Owned make(const struct dyn_entropy_material &m)
	{
		struct cipher *c = nullptr;
		Error err;

		EXPECT_TRUE(succeeds(cipher_new(&m, &c, err), err));
		return Owned(c);
	}
	Bytes encrypt(const Bytes &plain)
	{
		Bytes out(CIPHER_LEN(plain.size()));
		const struct cipher_chunks k = {plain.data(), 0, out.data(), 0, plain.size(), 1};

		EXPECT_TRUE(succeeds(cipher_encrypt(cipher_.get(), &k, err_), err_));
		return out;
	}
	enum dyn_entropy_status decrypt(struct cipher *c, const Bytes &payload, Bytes *plain)
	{
		size_t len = 0;

		plain->assign(payload.size() + 1, 0xEE);
		enum dyn_entropy_status status = cipher_decrypt(
			c, payload.data(), payload.size(), plain->data(), &len, err_);
		EXPECT_EQ((*plain)[payload.size()], 0xEE) << "wrote behind its room";
		plain->resize(status == DYN_ENTROPY_OK ? len : 0);
		return status;
	}
};

TEST_F(Cipher, LengthIsTheNextMultipleAbove)
{
	const size_t cases[][2] = {
		{0, 16}, {1, 16}, {15, 16}, {16, 32}, {17, 32}, {16384, 16400}, {5242864, 5242880}};

	for (const auto &c : cases)
		EXPECT_EQ(CIPHER_LEN(c[0]), c[1]);
}

TEST_F(Cipher, EveryLengthThereAndBack)
{
	for (size_t len = 1; len <= 400; len++) {
		const Bytes plain = pattern(len, static_cast<unsigned>(len));
		const Bytes payload = encrypt(plain);
		Bytes back;

		ASSERT_EQ(payload, openssl_encrypt(kSample, plain)) << len;
		ASSERT_TRUE(succeeds(decrypt(cipher_.get(), payload, &back), err_));
		ASSERT_EQ(back, plain) << len;
	}
}

TEST_F(Cipher, EveryNumberOfLanesGivesWhatASingleOneGives)
{
	const size_t gap = 7; /* lanes need not be aligned */

	for (size_t lanes = 1; lanes <= CIPHER_LANES; lanes++) {
		for (size_t len : {16u, 32u, 48u, 1008u, 16384u}) {
			const size_t plain_stride = len + gap, out_stride = CIPHER_LEN(len) + 4;
			const Bytes plain = pattern(lanes * plain_stride);
			Bytes out(lanes * out_stride, 0xEE);
			const struct cipher_chunks k = {
				plain.data(), plain_stride, out.data(), out_stride, len, lanes};

			ASSERT_TRUE(succeeds(cipher_encrypt(cipher_.get(), &k, err_), err_));
			for (size_t i = 0; i < lanes; i++) {
				const auto *from = plain.data() + i * plain_stride;
				const auto *to = out.data() + i * out_stride;

				ASSERT_EQ(Bytes(to, to + CIPHER_LEN(len)),
					openssl_encrypt(kSample, Bytes(from, from + len)))
					<< "lane " << i << " of " << lanes << ", length " << len;
				ASSERT_EQ(Bytes(to + CIPHER_LEN(len), to + out_stride),
					Bytes(4, 0xEE))
					<< "the gap behind a lane was written to";
			}
		}
	}
}

TEST_F(Cipher, EveryChunkStartsFromTheSameIv)
{
	const Bytes plain = pattern(100);

	EXPECT_EQ(encrypt(plain), encrypt(plain));
}

TEST_F(Cipher, RefusesALengthThatCannotBe)
{
	Bytes out;

	for (size_t len : {0u, 1u, 15u, 17u, 31u, 16385u})
		EXPECT_TRUE(fails(decrypt(cipher_.get(), Bytes(len), &out), err_,
			DYN_ENTROPY_ERR_PROTOCOL, "multiple of 16"))
			<< len;
}

TEST_F(Cipher, RefusesAChunkThatDecryptsToNothing)
{
	Bytes out;

	EXPECT_TRUE(fails(decrypt(cipher_.get(), openssl_encrypt(kSample, {}), &out), err_,
		DYN_ENTROPY_ERR_PROTOCOL, "nothing"));
}

TEST_F(Cipher, TakesEveryRightPaddingAndRefusesEveryOther)
{
	for (unsigned last = 0; last < 256; last++) {
		/* The right padding of this length, if there is one, and the same with a byte of it
		 * wrong. */
		for (unsigned wrong_at = 0; wrong_at <= 16; wrong_at++) {
			Bytes blocks = pattern(32);

			for (unsigned i = 0; i < last && i < 16; i++)
				blocks[31 - i] = static_cast<uint8_t>(last);
			blocks[31] = static_cast<uint8_t>(last);
			if (wrong_at > 0)
				blocks[31 - wrong_at + 1] ^= wrong_at == 1 ? 0x40 : 0x01;

			const unsigned pad = blocks[31];
			bool right = pad >= 1 && pad <= 16;
			for (unsigned i = 0; right && i < pad; i++)
				right = blocks[31 - i] == pad;

			Bytes out;
			const auto status = decrypt(
				cipher_.get(), openssl_encrypt_blocks(kSample, blocks), &out);
			if (right) {
				ASSERT_TRUE(succeeds(status, err_)) << last << " " << wrong_at;
				ASSERT_EQ(out, Bytes(blocks.begin(), blocks.end() - pad));
			} else {
				ASSERT_TRUE(fails(status, err_, DYN_ENTROPY_ERR_CRYPTO, "padding"))
					<< last << " " << wrong_at;
			}
		}
	}
}

TEST_F(Cipher, AnotherKeyIsNoticed)
{
	auto other = make(kOther);
	unsigned refused = 0;

	/* A wrong key passes for right once in about 256 chunks; never does it give the plaintext.
	 */
	for (unsigned i = 0; i < 200; i++) {
		const Bytes plain = pattern(64, i);
		Bytes back;

		refused += decrypt(other.get(), encrypt(plain), &back) == DYN_ENTROPY_ERR_CRYPTO;
		EXPECT_NE(back, plain);
	}
	EXPECT_GT(refused, 190u);
}

TEST_F(Cipher, GoesOnAfterAChunkThatWasRefused)
{
	const Bytes plain = pattern(50);
	Bytes out;

	EXPECT_NE(decrypt(cipher_.get(), Bytes(32, 1), &out), DYN_ENTROPY_OK);
	EXPECT_TRUE(succeeds(decrypt(cipher_.get(), encrypt(plain), &out), err_));
	EXPECT_EQ(out, plain);
}

TEST_F(Cipher, FreeOfNothingIsHarmless)
{
	cipher_free(nullptr);
}

} // namespace
