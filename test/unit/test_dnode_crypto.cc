#include "proto/dnode_crypto.h"
#include "proto/reply.h"
#include "proto/request.h"
#include "support/owned.h"
#include "unit/dnode_golden.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string>
#include <sys/stat.h>

namespace
{

using dnode_golden::bytes_of;
using dnode_golden::messages;
using dnode_golden::reads;

using Rsa = support::Owned<dnode_rsa, dnode_rsa_free>;
using Cipher = support::Owned<dnode_cipher, dnode_cipher_free>;
using Key = support::Owned<EVP_PKEY, EVP_PKEY_free>;

Rsa load(const std::string &path, std::string *why = nullptr)
{
	char text[512] = "";
	Rsa r(dnode_rsa_load(path.c_str(), text, sizeof(text)));

	EXPECT_EQ(r == nullptr, text[0] != '\0') << text;
	if (why)
		*why = text;
	return r;
}

Rsa load_golden()
{
	return load(support::source_file("test/unit/golden/dnode-sec-testkey.pem"));
}

std::string to_string(buf *b)
{
	const std::string s(reinterpret_cast<const char *>(buf_head(b)), buf_len(b));

	buf_fini(b);
	return s;
}

std::string encrypt(const Cipher &c, const std::string &plain)
{
	buf out = {};

	EXPECT_TRUE(dnode_encrypt(c.get(), bytes_of(plain), plain.size(), &out));
	return to_string(&out);
}

/* "!" when it is refused; nothing may have been appended then. */
std::string decrypt(const Cipher &c, const std::string &payload)
{
	buf out = {};

	if (!dnode_decrypt(c.get(), bytes_of(payload), payload.size(), &out)) {
		EXPECT_EQ(0u, buf_len(&out));
		buf_fini(&out);
		return "!";
	}
	return to_string(&out);
}

void expect_request(const std::string &payload, const std::vector<std::string> &args)
{
	request_parser p = {};

	ASSERT_EQ(REQUEST_DONE, request_parse(&p, bytes_of(payload), payload.size())) << payload;
	EXPECT_EQ(payload.size(), p.len);
	ASSERT_EQ(args.size(), p.argc);
	for (uint32_t i = 0; i < p.argc; i++)
		EXPECT_EQ(args[i], payload.substr(p.args[i].offset, p.args[i].len));
	request_parser_fini(&p);
}

/* What nodes said to each other under the key that they shared. */
TEST(DnodeCrypto, ReadsTheEncryptedSession)
{
	const std::vector<std::vector<std::string>> requests = {
		{"SET", "foo", "bar"}, {"DEL", "foo"}, {"mset", "a", "1", "b", "2"}, {"INCR", "n"}};
	const Rsa rsa = load_golden();
	uint8_t session[DNODE_SESSION_BYTES];
	std::string asked, answered;

	for (const std::string &read : reads("dnode-sec.hex", '>'))
		asked += read;
	for (const std::string &read : reads("dnode-sec.hex", '<'))
		answered += read;
	const auto sent = messages(asked);
	ASSERT_EQ(requests.size(), sent.size());
	ASSERT_EQ(128u, dnode_rsa_size(rsa.get()));
	ASSERT_TRUE(
		dnode_rsa_unwrap(rsa.get(), bytes_of(sent[0].data), sent[0].data.size(), session));
	const Cipher cipher(dnode_cipher_new(session));
	for (size_t i = 0; i < sent.size(); i++) {
		const std::string plain = decrypt(cipher, sent[i].payload);

		EXPECT_EQ(DNODE_FLAG_ENCRYPTED, sent[i].flags);
		expect_request(plain, requests[i]);
		EXPECT_EQ(sent[i].payload, encrypt(cipher, plain)) << "byte for byte";
	}
	for (const auto &m : messages(answered)) {
		const std::string plain = decrypt(cipher, m.payload);
		reply_scanner s = {};
		size_t used = 0;

		ASSERT_EQ(REPLY_DONE, reply_scan(&s, bytes_of(plain), plain.size(), &used));
		EXPECT_EQ(plain.size(), used);
		EXPECT_TRUE(plain == "+OK\r\n" || plain == ":1\r\n") << plain;
	}
}

Cipher new_cipher()
{
	uint8_t session[DNODE_SESSION_BYTES];

	EXPECT_TRUE(dnode_session_draw(session));
	return Cipher(dnode_cipher_new(session));
}

TEST(DnodeCrypto, PayloadsOfEveryLengthComeBack)
{
	const Cipher one = new_cipher(), other = new_cipher();

	for (size_t len = 0; len < 100; len++) {
		const std::string plain(len, 'p'), payload = encrypt(one, plain);

		EXPECT_EQ(len / 16 * 16 + 16, payload.size());
		EXPECT_EQ(plain, decrypt(one, payload));
		EXPECT_EQ(payload, encrypt(one, plain)) << "each payload is on its own";
		EXPECT_NE(plain, decrypt(other, payload)) << "sessions differ";
	}
	const std::string large(3000001, 'q');
	EXPECT_EQ(large, decrypt(one, encrypt(one, large)));
}

TEST(DnodeCrypto, BadPayloadsAreRefusedAndDoNoHarm)
{
	const Cipher cipher = new_cipher();
	const std::string plain(100, 'p'), payload = encrypt(cipher, plain);
	size_t refused = 0;

	for (size_t len = 0; len < payload.size(); len++) {
		const std::string got = decrypt(cipher, payload.substr(0, len));

		EXPECT_TRUE(got == "!" || (len > 0 && len % 16 == 0)) << len;
		EXPECT_NE(plain, got);
	}
	for (int flip = 1; flip < 256; flip++) {
		std::string bad = payload;

		bad.back() = static_cast<char>(bad.back() ^ flip);
		refused += decrypt(cipher, bad) == "!";
	}
	EXPECT_GT(refused, 240u) << "the padding is checked";
	EXPECT_EQ(plain, decrypt(cipher, payload)) << "the next payload is not harmed";
}

Key generate(unsigned bits)
{
	return Key(EVP_RSA_gen(bits));
}

std::string write_key(const support::TempDir &dir, const Key &key)
{
	const std::string path = dir.file("key.pem");
	FILE *to = fopen(path.c_str(), "w");

	EXPECT_EQ(1, PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr));
	fclose(to);
	return path;
}

TEST(DnodeCrypto, SessionsUnderKeysOfAllSizes)
{
	for (unsigned bits : {1024u, 2048u, 4096u}) {
		const support::TempDir dir;
		const Rsa rsa = load(write_key(dir, generate(bits)));
		uint8_t session[DNODE_SESSION_BYTES], got[DNODE_SESSION_BYTES] = {};
		std::string wrapped(bits / 8, '\0'), again = wrapped;

		ASSERT_NE(nullptr, rsa) << bits;
		ASSERT_EQ(bits / 8, dnode_rsa_size(rsa.get()));
		ASSERT_TRUE(dnode_session_draw(session));
		ASSERT_TRUE(dnode_rsa_wrap(
			rsa.get(), session, reinterpret_cast<uint8_t *>(&wrapped[0])));
		ASSERT_TRUE(
			dnode_rsa_wrap(rsa.get(), session, reinterpret_cast<uint8_t *>(&again[0])));
		EXPECT_NE(wrapped, again) << "OAEP draws anew each time";
		ASSERT_TRUE(dnode_rsa_unwrap(rsa.get(), bytes_of(wrapped), wrapped.size(), got));
		EXPECT_EQ(0, memcmp(session, got, sizeof(got)));
		memset(got, 0, sizeof(got));
		EXPECT_FALSE(
			dnode_rsa_unwrap(rsa.get(), bytes_of(wrapped), wrapped.size() - 1, got));
		wrapped[7] = static_cast<char>(wrapped[7] ^ 1);
		EXPECT_FALSE(dnode_rsa_unwrap(rsa.get(), bytes_of(wrapped), wrapped.size(), got));
		EXPECT_EQ(std::string(sizeof(got), '\0'),
			std::string(reinterpret_cast<char *>(got), sizeof(got)));
	}
}

TEST(DnodeCrypto, AnotherKeyOrAnotherLengthIsNoSession)
{
	const support::TempDir dir;
	const Key key = generate(1024);
	const Rsa rsa = load(write_key(dir, key)), golden = load_golden();
	uint8_t session[DNODE_SESSION_BYTES] = {}, wrapped[128];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key.get(), nullptr);
	size_t len = sizeof(wrapped);

	ASSERT_TRUE(dnode_rsa_wrap(golden.get(), session, wrapped));
	EXPECT_FALSE(dnode_rsa_unwrap(rsa.get(), wrapped, sizeof(wrapped), session));
	/* 16 bytes, well wrapped. */
	ASSERT_EQ(1, EVP_PKEY_encrypt_init(ctx));
	ASSERT_EQ(1, EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING));
	ASSERT_EQ(1, EVP_PKEY_encrypt(ctx, wrapped, &len, session, 16));
	EXPECT_FALSE(dnode_rsa_unwrap(rsa.get(), wrapped, sizeof(wrapped), session));
	EVP_PKEY_CTX_free(ctx);
}

void expect_refused(const std::string &path, const std::string &part)
{
	std::string why;

	EXPECT_EQ(nullptr, load(path, &why));
	EXPECT_EQ(0u, why.find(path)) << why;
	EXPECT_NE(std::string::npos, why.find(part)) << why;
}

TEST(DnodeCrypto, KeyFilesThatAreNone)
{
	const support::TempDir dir;

	expect_refused(dir.file("absent"), "No such file");
	expect_refused(dir.path(), "is not a file");
	expect_refused(dir.write("empty", ""), "is not a file");
	expect_refused(dir.write("large", std::string(65536, 'x')), "is not a file");
	expect_refused(dir.write("text", "hello\n"), "no private key");
	ASSERT_EQ(0, mkfifo(dir.file("fifo").c_str(), 0600));
	expect_refused(dir.file("fifo"), "is not a file");
	expect_refused(write_key(dir, generate(512)), "512 bits; 1024 to 4096");
	expect_refused(
		write_key(dir, Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"))), "another kind");
}

TEST(DnodeCrypto, APassPhraseIsNotAskedFor)
{
	const support::TempDir dir;
	const std::string path = dir.file("key.pem");
	const Key key = generate(1024);
	FILE *to = fopen(path.c_str(), "w");

	ASSERT_EQ(1, PEM_write_PKCS8PrivateKey(
			     to, key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr));
	fclose(to);
	expect_refused(path, "pass phrase");
}

} // namespace
