/*
 * http - a client of a node's stats_listen that says exactly what a test wants.
 */
#ifndef TEST_E2E_HTTP_H
#define TEST_E2E_HTTP_H

#include "base/json_view.h"
#include "e2e/node.h"

#include <arpa/inet.h>
#include <cstdint>
#include <cstring>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace e2e
{

struct Http {
	int code = 0; /* 0: no answer */
	std::string head, body;

	bool ok() const
	{
		return code == 200;
	}
};

/* A connection to a port of a host of this machine. */
class HttpSocket
{
      public:
	explicit HttpSocket(uint16_t port, const std::string &host = "127.0.0.1")
	    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		struct sockaddr_in sin = {};

		sin.sin_family = AF_INET;
		sin.sin_port = htons(port);
		inet_pton(AF_INET, host.c_str(), &sin.sin_addr);
		if (fd_ < 0 ||
			connect(fd_, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)) != 0)
			throw std::runtime_error("cannot connect to " + host);
	}
	HttpSocket(HttpSocket &&other) noexcept : fd_(other.fd_)
	{
		other.fd_ = -1;
	}
	HttpSocket(const HttpSocket &) = delete;
	~HttpSocket()
	{
		if (fd_ >= 0)
			close(fd_);
	}

	/* False when the other side has closed. */
	bool send(const std::string &bytes)
	{
		return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
		       static_cast<ssize_t>(bytes.size());
	}

	/* Whether it was closed by the other side; looks for no longer than limit_ms. */
	bool is_closed(int limit_ms)
	{
		struct pollfd p = {fd_, POLLIN, 0};
		char byte;

		return poll(&p, 1, limit_ms) == 1 && recv(fd_, &byte, 1, MSG_PEEK) <= 0;
	}

	/* What comes until the end. */
	Http read(int limit_ms = 20000)
	{
		struct pollfd p = {fd_, POLLIN, 0};
		std::string all;
		char piece[65536];
		ssize_t n;
		Http answer;

		while (poll(&p, 1, limit_ms) == 1 && (n = recv(fd_, piece, sizeof(piece), 0)) > 0)
			all.append(piece, static_cast<size_t>(n));
		const size_t end = all.find("\r\n\r\n");
		if (all.rfind("HTTP/1.", 0) != 0 || end == std::string::npos)
			return answer;
		answer.code = std::stoi(all.substr(9, 3));
		answer.head = all.substr(0, end + 2);
		answer.body = all.substr(end + 4);
		return answer;
	}

      private:
	int fd_;
};

inline Http http(uint16_t port, const std::string &path, const std::string &headers = "",
	const std::string &host = "127.0.0.1", const std::string &method = "GET")
{
	HttpSocket s(port, host);

	s.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
	return s.read();
}

/* The port of the statistics of a node that listens on one of the kernel's choice. */
inline uint16_t stats_port(const Node &node)
{
	const std::vector<std::string> lines = node.log_lines("statistics on http://");

	if (lines.empty())
		throw std::runtime_error("no statistics:\n" + node.log());
	return static_cast<uint16_t>(std::stoi(lines[0].substr(lines[0].rfind(':') + 1)));
}

/* A value in a JSON text, by names and numbers of elements: json_at(text, {"peers", "0", "name"}).
 * Texts and numbers are as they are; "true" and "false"; what is not there is "(none)". */
inline std::string json_at(const std::string &text, const std::vector<std::string> &path)
{
	struct json_view v, next;
	char out[1024];

	if (!json_view_init(&v, text.data(), text.size()))
		throw std::runtime_error("not JSON: " + text);
	for (const std::string &name : path) {
		bool found = json_view_member(&v, name.c_str(), &next);

		if (!found && name.find_first_not_of("0123456789") == std::string::npos) {
			found = json_view_first(&v, &next);
			for (int i = std::stoi(name); found && i > 0; i--)
				found = json_view_next(&next);
		}
		if (!found)
			return "(none)";
		v = next;
	}
	if (json_view_text(&v, out, sizeof(out)))
		return out;
	return std::string(v.at, strcspn(v.at, ",}] \n"));
}

inline uint64_t json_number_at(const std::string &text, const std::vector<std::string> &path)
{
	const std::string value = json_at(text, path);

	if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos)
		throw std::runtime_error(path.back() + " is no number but " + value + ": " + text);
	return std::stoull(value);
}

/* An IPv4 address of this machine that is not loopback; "" when there is none. */
inline std::string address_beyond_loopback()
{
	struct ifaddrs *all = nullptr;
	std::string found;

	if (getifaddrs(&all) != 0)
		return "";
	for (const struct ifaddrs *i = all; i && found.empty(); i = i->ifa_next) {
		char text[INET_ADDRSTRLEN];

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		const auto *sin = reinterpret_cast<const struct sockaddr_in *>(i->ifa_addr);
		inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text));
		if (std::string(text).compare(0, 4, "127.") != 0)
			found = text;
	}
	freeifaddrs(all);
	return found;
}

} // namespace e2e

#endif
