/*
 * http - a client of a node's stats_listen that says exactly what a test wants.
 */
#ifndef TEST_SUPPORT_HTTP_H
#define TEST_SUPPORT_HTTP_H

#include "support/socket.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace support
{

struct Http {
	int code = 0; /* 0: no answer */
	std::string head, body;

	bool ok() const
	{
		return code == 200;
	}
};

/* What comes until the end of a connection. */
Http read_http(Socket &s, std::chrono::milliseconds limit = std::chrono::seconds(20));

Http http(uint16_t port, const std::string &path, const std::string &headers = "",
	const std::string &host = "127.0.0.1", const std::string &method = "GET");

} // namespace support

#endif
