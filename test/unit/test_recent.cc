#include "journal/recent.h"
#include "journal/siphash.h"
#include "support/owned.h"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <string>
#include <vector>

namespace
{

constexpr int64_t kMade = 1000000;
/* Times are as exact as the unit of a stamp. */
constexpr int64_t kUnit = 64;

using Recent = support::Owned<recent, recent_free>;

void note(const Recent &r, const std::string &key, int64_t now_ms)
{
	recent_note(r.get(), key.data(), key.size(), now_ms);
}

bool since(const Recent &r, const std::string &key, int64_t since_ms)
{
	return recent_since(r.get(), key.data(), key.size(), since_ms);
}

TEST(Recent, AKeyIsRecentSinceItsWrite)
{
	Recent r(recent_new(kMade));

	EXPECT_FALSE(since(r, "k", kMade));
	EXPECT_FALSE(since(r, "k", 0)) << "nothing was ever noted";
	note(r, "k", kMade + 10 * kUnit);
	EXPECT_TRUE(since(r, "k", kMade));
	EXPECT_TRUE(since(r, "k", kMade + 10 * kUnit));
	EXPECT_TRUE(since(r, "k", 0)) << "from before the node was there";
	EXPECT_FALSE(since(r, "k", kMade + 11 * kUnit));
	EXPECT_FALSE(since(r, "l", kMade));
	note(r, "k", kMade + 20 * kUnit);
	EXPECT_TRUE(since(r, "k", kMade + 20 * kUnit));
}

TEST(Recent, TheFirstMomentCounts)
{
	Recent r(recent_new(kMade));

	note(r, "k", kMade);
	EXPECT_TRUE(since(r, "k", kMade));
	note(r, "", kMade);
	EXPECT_TRUE(since(r, "", kMade));
	EXPECT_FALSE(since(r, std::string(1, '\0'), kMade)) << "the length is a part of the key";
}

/* After eight years the stamps stand still: on the safe side. */
TEST(Recent, TheLastStampStaysRecent)
{
	Recent r(recent_new(kMade));
	const int64_t years = INT64_C(20) * 365 * 24 * 3600 * 1000;

	note(r, "old", kMade + 1000);
	note(r, "k", kMade + years);
	EXPECT_TRUE(since(r, "k", kMade + years));
	EXPECT_TRUE(since(r, "k", kMade + 2 * years));
	EXPECT_FALSE(since(r, "old", kMade + years));
}

TEST(Recent, NeverMissesAKeyHoweverManyAreNoted)
{
	Recent r(recent_new(kMade));

	for (int i = 0; i < 300000; i++)
		note(r, "key:" + std::to_string(i), kMade + i / 10);
	for (int i = 0; i < 300000; i++)
		ASSERT_TRUE(since(r, "key:" + std::to_string(i), kMade + i / 10)) << i;
}

/* How many of 20,000 keys that were not noted are taken for noted, when n others were. */
double wrong_of(const Recent &r)
{
	int wrong = 0;

	for (int i = 0; i < 20000; i++)
		wrong += since(r, "other:" + std::to_string(i), kMade);
	return wrong / 20000.0;
}

TEST(Recent, IsSeldomWrong)
{
	Recent r(recent_new(kMade));

	for (int i = 0; i < 1000000; i++)
		note(r, "key:" + std::to_string(i), kMade);
	EXPECT_LT(wrong_of(r), 0.005);
	for (int i = 1000000; i < 2000000; i++)
		note(r, "key:" + std::to_string(i), kMade);
	EXPECT_LT(wrong_of(r), 0.08);
	EXPECT_GT(wrong_of(r), 0.01) << "so full that what is promised of it is too much";
}

/* What an entry in a full line had is remembered for the line. */
TEST(Recent, NeverMissesAKeyThatMadeRoom)
{
	Recent r(recent_new(kMade));

	for (int i = 0; i < 2500000; i++)
		note(r, "key:" + std::to_string(i), kMade + i / 1000 * kUnit);
	for (int i = 0; i < 2500000; i += 7)
		ASSERT_TRUE(since(r, "key:" + std::to_string(i), kMade + i / 1000 * kUnit)) << i;
}

TEST(Recent, WhatIsOlderDoesNotMakeItWrong)
{
	Recent r(recent_new(kMade));
	int wrong = 0;

	for (int i = 0; i < 300000; i++)
		note(r, "key:" + std::to_string(i), kMade);
	for (int i = 0; i < 10000; i++)
		wrong += since(r, "key:" + std::to_string(i), kMade + kUnit);
	EXPECT_EQ(wrong, 0);
}

TEST(Recent, EveryNodeHashesInItsOwnWay)
{
	Recent a(recent_new(kMade)), b(recent_new(kMade));
	std::vector<std::string> of_a, of_b;

	for (int i = 0; i < 2000000; i++) {
		note(a, "key:" + std::to_string(i), kMade);
		note(b, "key:" + std::to_string(i), kMade);
	}
	for (int i = 0; i < 20000; i++) {
		const std::string key = "other:" + std::to_string(i);

		if (since(a, key, kMade))
			of_a.push_back(key);
		if (since(b, key, kMade))
			of_b.push_back(key);
	}
	EXPECT_FALSE(of_a.empty());
	EXPECT_NE(of_a, of_b);
}

/* OpenSSL's, of the same 2-4 rounds and 8 bytes. */
uint64_t siphash_of_openssl(const uint8_t key[SIPHASH_KEY_BYTES], const std::string &text)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_SIPHASH, nullptr, key, 16);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = nullptr;
	uint8_t out[16] = {};
	size_t len = 8;
	uint64_t hash = 0;

	EXPECT_EQ(1, EVP_DigestSignInit(md, &ctx, nullptr, nullptr, pkey));
	EXPECT_EQ(1, EVP_PKEY_CTX_ctrl(ctx, EVP_PKEY_SIPHASH, EVP_PKEY_OP_SIGNCTX,
			     EVP_PKEY_CTRL_SET_DIGEST_SIZE, 8, nullptr));
	EXPECT_EQ(1, EVP_DigestSignUpdate(md, text.data(), text.size()));
	EXPECT_EQ(1, EVP_DigestSignFinal(md, out, &len));
	for (size_t i = 0; i < 8; i++)
		hash |= static_cast<uint64_t>(out[i]) << 8 * i;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return hash;
}

TEST(Siphash, IsThatOfThePaperAndOfOpenssl)
{
	uint8_t key[SIPHASH_KEY_BYTES];
	std::string text;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = static_cast<uint8_t>(i);
	for (int len = 0; len < 70; len++) {
		EXPECT_EQ(siphash_of_openssl(key, text), siphash(key, text.data(), text.size()))
			<< len;
		if (len == 15) {
			EXPECT_EQ(UINT64_C(0xa129ca6149be45e5), siphash(key, text.data(), 15));
		}
		text.push_back(static_cast<char>(len));
	}
}

} // namespace
