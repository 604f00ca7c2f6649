/*
 * wire_bytes - sessions of the entropy wire, written down by a test field by field, with whatever
 * is wrong in them.
 *
 * This is a second implementation of the format, on purpose: it shares nothing with the library.
 */
#ifndef TEST_SUPPORT_WIRE_BYTES_H
#define TEST_SUPPORT_WIRE_BYTES_H

#include <algorithm>
#include <cstdint>
#include <openssl/evp.h>
#include <stdexcept>
#include <string>

namespace support
{

/* Key and IV of everything that is encrypted here. */
constexpr char kSampleSecret[] = "0123456789012345";

inline std::string u32(uint32_t v)
{
	return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
		static_cast<char>(v)};
}

/* AES-128-CBC with PKCS#7 padding, as OpenSSL does it; padding false takes whole blocks as they
 * are. */
inline std::string aes(const std::string &plain, bool padding = true,
	const std::string &key = kSampleSecret, const std::string &iv = kSampleSecret)
{
	const auto bytes = [](const std::string &s) {
		return reinterpret_cast<const unsigned char *>(s.data());
	};
	std::string out(plain.size() + 16, '\0');
	auto *to = reinterpret_cast<unsigned char *>(out.data());
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int body = 0, tail = 0;
	const bool good =
		EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), nullptr, bytes(key), bytes(iv)) &&
		EVP_CIPHER_CTX_set_padding(ctx, padding) &&
		EVP_EncryptUpdate(ctx, to, &body, bytes(plain), static_cast<int>(plain.size())) &&
		EVP_EncryptFinal_ex(ctx, to + body, &tail);

	EVP_CIPHER_CTX_free(ctx);
	if (!good)
		throw std::runtime_error("OpenSSL does not encrypt");
	out.resize(static_cast<size_t>(body + tail));
	return out;
}

/* What a session begins with, before the header of its snapshot. */
struct Negotiation {
	uint32_t magic = 0x64640001;
	uint32_t command = 1;
	uint32_t header_size = 8;
	uint32_t buffer_size = 1024;
	uint32_t cipher_size = 1040;

	std::string bytes() const
	{
		return u32(magic) + u32(command) + u32(header_size) + u32(buffer_size) +
		       u32(cipher_size);
	}
};

struct WireBytes {
	uint32_t magic = 0x64640001;
	uint32_t command = 1;
	uint32_t header_size = 64;
	uint32_t buffer_size = 16;
	uint32_t cipher_size = 32;
	uint32_t total_len = 0;
	uint32_t encrypt_flag = 1;
	char padding = '\0';

	std::string headers() const
	{
		std::string h = u32(total_len) + u32(encrypt_flag);

		h.resize(header_size < 1024 ? std::max(header_size, 8u) : 1024, padding);
		return Negotiation{magic, command, header_size, buffer_size, cipher_size}.bytes() +
		       h;
	}

	static std::string chunk(const std::string &payload)
	{
		return u32(static_cast<uint32_t>(payload.size())) + payload;
	}

	/* A whole session for plain, in chunks of chunk_size plaintext bytes (0: buffer_size). */
	std::string session(const std::string &plain, size_t chunk_size = 0)
	{
		total_len = static_cast<uint32_t>(plain.size());
		std::string all = headers();

		if (chunk_size == 0)
			chunk_size = buffer_size;
		for (size_t at = 0; at < plain.size(); at += chunk_size) {
			const std::string piece = plain.substr(at, chunk_size);

			all += chunk(encrypt_flag ? aes(piece) : piece);
		}
		return all;
	}
};

/* Bytes without a pattern that a mistake of position could hide in; the same ones each time. */
inline std::string noise(size_t len, uint32_t seed = 1)
{
	std::string out(len, '\0');

	for (auto &c : out) {
		seed = seed * 1664525 + 1013904223;
		c = static_cast<char>(seed >> 24);
	}
	return out;
}

} // namespace support

#endif
