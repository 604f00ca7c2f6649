/*
 * bad_streams - what a receiver must refuse by its bytes, as PROTOCOL says: each with the words of
 * its refusal.
 */
#ifndef TEST_THREADED_BAD_STREAMS_H
#define TEST_THREADED_BAD_STREAMS_H

#include "e2e/dataset.h"
#include "e2e/wire_client.h"
#include "support/node.h"
#include "support/resp.h"

#include <cstdint>
#include <string>
#include <vector>

namespace e2e
{

using support::KeyFiles;
using support::resp;

constexpr uint32_t kMaxSize = 5 * 1024 * 1024;
constexpr uint32_t kMaxSnapshot = 32 * 1024 * 1024; /* the receiver's limit */

struct BadStream {
	const char *name;
	const char *words;
	std::string stream;
};

/* What PROTOCOL refuses by its bytes: in the headers, */
inline std::vector<BadStream> bad_headers(const KeyFiles &, const std::string &foreign)
{
	const uint32_t len = static_cast<uint32_t>(foreign.size());

	return {
		{"magic", "bad magic", negotiation({0x64640002}) + snapshot_header(0, 1)},
		{"HTTP", "bad magic", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"command 0", "unknown command 0", negotiation({0x64640001, 0})},
		{"command 2", "unknown command 2", negotiation({0x64640001, 2})},
		{"header 7", "header_size 7 is out of range", negotiation({0x64640001, 1, 7})},
		{"header 1025", "header_size 1025", negotiation({0x64640001, 1, 1025})},
		{"buffer 0", "buffer_size 0", negotiation({0x64640001, 1, 8, 0})},
		{"buffer max", "buffer_size 5242881",
			negotiation({0x64640001, 1, 8, kMaxSize + 1})},
		{"cipher 0", "cipher_size 0", negotiation({0x64640001, 1, 8, 16, 0})},
		{"cipher max", "cipher_size 5242881",
			negotiation({0x64640001, 1, 8, 16, kMaxSize + 1})},
		{"flag 2", "encrypt_flag 2", negotiation() + snapshot_header(len, 2)},
		{"plaintext", "configured to encrypt", whole_stream(nullptr, foreign)},
		{"total", "total_len 0xFFFFFFFF", negotiation() + snapshot_header(0xffffffff, 1)},
		{"too large", "recon_max_snapshot_bytes",
			negotiation() + snapshot_header(kMaxSnapshot + 1, 1)},
	};
}

/* in the chunks, or by where the stream ends, */
inline std::vector<BadStream> bad_chunks(const KeyFiles &keys, const std::string &foreign)
{
	const uint32_t len = static_cast<uint32_t>(foreign.size());
	const std::string head = negotiation() + snapshot_header(len, 1);
	const std::string cut = encrypt(keys, foreign.substr(0, foreign.size() - 1));
	std::string broken = encrypt(keys, foreign);

	broken[broken.size() - 17] = static_cast<char>(broken[broken.size() - 17] ^ 0x80);
	return {
		{"zero chunk", "a chunk of zero bytes", head + chunk("")},
		{"long chunk", "more than the cipher_size", head + chunk(1041, "x")},
		{"huge chunk", "more than the cipher_size", head + chunk(0xffffffff, "x")},
		{"no block", "multiple of 16", head + chunk(std::string(17, 'x'))},
		{"bad padding", "bad padding",
			head + chunk(encrypt(keys, std::string(16, '\x11'), false))},
		{"broken", "bad padding", head + chunk(broken)},
		{"nothing", "decrypts to nothing",
			head + chunk(encrypt(keys, std::string(16, '\x10'), false))},
		{"overshoot", "goes beyond the snapshot's",
			negotiation() + snapshot_header(len - 1, 1) +
				chunk(encrypt(keys, foreign))},
		{"one more byte", "bytes after the end",
			whole_stream(&keys, foreign) + std::string(1, '\0')},
		{"one more chunk", "bytes after the end",
			whole_stream(&keys, foreign) + chunk(encrypt(keys, foreign))},
		{"after nothing", "bytes after the end",
			negotiation() + snapshot_header(0, 1) + "x"},
		{"short by one", "the stream ended after", head + chunk(cut)},
		{"no chunk", "the stream ended after 0", head},
		{"half a header", "ended within the headers", negotiation().substr(0, 19)},
		{"connected only", "ended within the headers", ""},
	};
}

/* and in what they hold, which is looked at whole before any of it is applied. */
inline std::vector<BadStream> bad_contents(const KeyFiles &keys, const std::string &foreign)
{
	return {
		{"FLUSHALL", "is not RESTORE", whole_stream(&keys, foreign + resp({"FLUSHALL"}))},
		{"CONFIG", "is not RESTORE",
			whole_stream(&keys, foreign + resp({"CONFIG", "SET", "save", ""}))},
		{"REPLACE", "REPLACE",
			whole_stream(&keys,
				foreign + resp({"RESTORE", "k", "0", "x", "ABSTTL", "REPLACE"}))},
		{"inline", "refused, and nothing", whole_stream(&keys, foreign + "FLUSHALL\r\n")},
		{"half a command", "refused, and nothing",
			whole_stream(&keys, foreign + foreign.substr(0, foreign.size() - 3))},
		{"long argument", "refused, and nothing",
			whole_stream(&keys, foreign + "*2\r\n$3000000000\r\nx")},
		{"many arguments", "refused, and nothing",
			whole_stream(&keys, foreign + "*2147483647\r\n")},
	};
}

} // namespace e2e

#endif
