#include "support/message.h"

#include "support/net.h"
#include "support/wait.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace support
{

std::string Message::bytes() const
{
	uint8_t header[DNODE_HEADER_MAX];
	struct dnode_header h = {};

	h.id = id;
	h.type = static_cast<uint8_t>(type);
	h.flags = static_cast<uint8_t>(flags);
	h.same_dc = same_dc;
	h.data = reinterpret_cast<const uint8_t *>(data.data());
	h.data_len = data.size();
	h.payload_len = payload.size();
	return std::string(reinterpret_cast<char *>(header), dnode_encode(&h, header)) + payload;
}

std::optional<Message> take(std::string *bytes)
{
	struct dnode_header h;
	const char *why = nullptr;
	size_t used = 0;
	Message m;
	const enum dnode_result result = dnode_decode(
		&h, reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size(), &used, &why);

	if (result == DNODE_BAD)
		throw std::runtime_error(std::string("no message: ") + why);
	if (result == DNODE_MORE || bytes->size() - used < h.payload_len)
		return std::nullopt;
	m.id = h.id;
	m.type = h.type;
	m.flags = h.flags;
	m.same_dc = h.same_dc;
	m.data.assign(reinterpret_cast<const char *>(h.data), h.data_len);
	m.payload = bytes->substr(used, h.payload_len);
	bytes->erase(0, used + h.payload_len);
	return m;
}

Message read_message(Socket &s)
{
	std::string bytes;

	for (;;) {
		const std::string next = s.read(1);

		if (next.empty())
			throw std::runtime_error("the connection ended, or no message came");
		bytes += next;
		if (const std::optional<Message> m = take(&bytes))
			return *m;
	}
}

Message dnode_message(uint64_t id, const std::string &payload, int type)
{
	Message m;

	m.id = id;
	m.type = type;
	m.same_dc = type == DNODE_REQUEST;
	m.data = "d";
	m.payload = payload;
	return m;
}

Listener::Listener(uint16_t port) : port_(port ? port : node_port())
{
	struct sockaddr_in sin = {};
	const int one = 1;

	fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port_);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)) != 0 ||
		listen(fd_, 8) != 0)
		throw std::runtime_error("cannot listen");
}

Listener::~Listener()
{
	close(fd_);
}

Socket Listener::accept()
{
	struct pollfd p = {fd_, POLLIN, 0};

	if (poll(&p, 1, patient_ms(20000)) != 1)
		throw std::runtime_error("nobody dials");
	return Socket::adopt(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

} // namespace support
