/*
 * wire_client - a sender by hand, so that a test can say to a node whatever it likes.
 */
#ifndef TEST_E2E_WIRE_CLIENT_H
#define TEST_E2E_WIRE_CLIENT_H

#include "support/node.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace e2e
{

/* One connection to a node's receiver. */
class WireClient
{
      public:
	/* Throws std::runtime_error when the connection is refused. */
	explicit WireClient(uint16_t port, const std::string &host = "127.0.0.1");
	~WireClient();
	WireClient(const WireClient &) = delete;
	WireClient &operator=(const WireClient &) = delete;

	/* False when the connection is gone. */
	bool send(const std::string &bytes);
	void half_close();
	void reset();

	enum class End {
		kClosed,
		kReset,
		kOpen
	};

	/* Wait until the node ends the connection: kOpen when it has not within limit. */
	End wait_end(std::chrono::milliseconds limit = support::patient(std::chrono::seconds(10)));

      private:
	int fd_ = -1;
};

using support::Negotiation;

std::string negotiation(const Negotiation &n = {});
std::string snapshot_header(uint32_t total_len, uint32_t encrypt_flag, size_t size = 8);
/* Length and payload; the length may be made to lie. */
std::string chunk(const std::string &payload);
std::string chunk(uint32_t len, const std::string &payload);

/* AES-128-CBC.  Without padding the text must be a multiple of 16 long. */
std::string encrypt(const support::KeyFiles &keys, const std::string &plain, bool pad = true);

/* RESTORE of a string, with the payload made by redis. */
std::string restore_string(support::RedisClient &redis, const std::string &key,
	const std::string &value, const std::vector<std::string> &options = {"ABSTTL"});

/* A whole connection's bytes: headers, and plain in chunks of 1024.  keys NULL: plaintext. */
std::string whole_stream(const support::KeyFiles *keys, const std::string &plain);

/* Send a stream, half-close, and wait for the end. */
WireClient::End send_whole(
	uint16_t port, const std::string &stream, const std::string &host = "127.0.0.1");

} // namespace e2e

#endif
