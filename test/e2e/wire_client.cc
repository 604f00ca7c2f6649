#include "e2e/wire_client.h"

#include "support/resp.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace e2e
{
namespace
{

using namespace support;

constexpr int kSendSeconds = 30;
constexpr size_t kChunkBytes = 1024;

} // namespace

WireClient::WireClient(uint16_t port, const std::string &host)
{
	const struct timeval limit = {static_cast<time_t>(kSendSeconds * support::slowness()), 0};
	struct sockaddr_in sin = {};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	inet_pton(AF_INET, host.c_str(), &sin.sin_addr);
	fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (fd_ < 0 || connect(fd_, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)) != 0) {
		const std::string why = strerror(errno);
		if (fd_ >= 0)
			close(fd_);
		throw std::runtime_error("cannot connect to the node: " + why);
	}
}

WireClient::~WireClient()
{
	if (fd_ >= 0)
		close(fd_);
}

bool WireClient::send(const std::string &bytes)
{
	size_t sent = 0;

	while (sent < bytes.size()) {
		const ssize_t n =
			::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
		if (n < 0)
			return false;
		sent += static_cast<size_t>(n);
	}
	return true;
}

void WireClient::half_close()
{
	shutdown(fd_, SHUT_WR);
}

void WireClient::reset()
{
	const struct linger now = {1, 0};

	setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd_);
	fd_ = -1;
}

WireClient::End WireClient::wait_end(std::chrono::milliseconds limit)
{
	const auto deadline = std::chrono::steady_clock::now() + limit;

	for (;;) {
		const auto left = std::chrono::ceil<std::chrono::milliseconds>(
			deadline - std::chrono::steady_clock::now());
		struct pollfd p = {fd_, POLLIN, 0};
		char byte;

		if (poll(&p, 1, std::max(0, static_cast<int>(left.count()))) <= 0)
			return End::kOpen;
		const ssize_t n = recv(fd_, &byte, 1, 0);
		if (n > 0)
			throw std::runtime_error("the node wrote to the connection");
		if (n == 0)
			return End::kClosed;
		if (errno != EINTR)
			return End::kReset;
	}
}

std::string negotiation(const Negotiation &n)
{
	return n.bytes();
}

std::string snapshot_header(uint32_t total_len, uint32_t encrypt_flag, size_t size)
{
	return support::u32(total_len) + support::u32(encrypt_flag) + std::string(size - 8, '\0');
}

std::string chunk(const std::string &payload)
{
	return chunk(static_cast<uint32_t>(payload.size()), payload);
}

std::string chunk(uint32_t len, const std::string &payload)
{
	return support::u32(len) + payload;
}

std::string encrypt(const KeyFiles &keys, const std::string &plain, bool pad)
{
	return support::aes(plain, pad, keys.key(), keys.iv());
}

std::string restore_string(RedisClient &redis, const std::string &key, const std::string &value,
	const std::vector<std::string> &options)
{
	const std::string scratch = "scratch of the test";
	std::vector<std::string> args = {"RESTORE", key, "0", ""};

	redis.set(scratch, value);
	args[3] = redis.cmd("DUMP", scratch);
	redis.cmd("DEL", scratch);
	args.insert(args.end(), options.begin(), options.end());
	return resp(args);
}

std::string whole_stream(const KeyFiles *keys, const std::string &plain)
{
	std::string stream =
		negotiation() + snapshot_header(static_cast<uint32_t>(plain.size()), keys ? 1 : 0);

	for (size_t at = 0; at < plain.size(); at += kChunkBytes) {
		const std::string piece = plain.substr(at, kChunkBytes);
		stream += chunk(keys ? encrypt(*keys, piece) : piece);
	}
	return stream;
}

WireClient::End send_whole(uint16_t port, const std::string &stream, const std::string &host)
{
	WireClient client(port, host);

	if (!client.send(stream))
		return WireClient::End::kReset;
	client.half_close();
	return client.wait_end(support::patient(std::chrono::seconds(60)));
}

} // namespace e2e
