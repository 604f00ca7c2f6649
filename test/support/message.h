/*
 * message - DNODE messages that a test sends and receives, and a node that the test plays itself.
 */
#ifndef TEST_SUPPORT_MESSAGE_H
#define TEST_SUPPORT_MESSAGE_H

#include "proto/dnode.h"
#include "support/socket.h"

#include <optional>
#include <string>

namespace support
{

struct Message {
	uint64_t id = 0;
	int type = 0, flags = 0;
	bool same_dc = false;
	std::string data, payload;

	std::string bytes() const;
};

/* Take the message at the begin of bytes away from them. */
std::optional<Message> take(std::string *bytes);

/* The next one; throws when none comes. */
Message read_message(Socket &s);

/* A plain one, as from a node of the same datacenter, unless its type is that of forwarding. */
Message dnode_message(uint64_t id, const std::string &payload, int type = DNODE_REQUEST);

/* A socket to which our node connects. */
class Listener
{
      public:
	explicit Listener(uint16_t port = 0); /* 0: a free one */
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	uint16_t port() const
	{
		return port_;
	}
	Socket accept(); /* throws when no connection comes */

      private:
	uint16_t port_;
	int fd_;
};

} // namespace support

#endif
