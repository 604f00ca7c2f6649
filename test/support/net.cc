#include "support/net.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <random>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace support
{
namespace
{

constexpr int kPortMin = 12000, kPortMax = 32000; /* below the kernel's own */
constexpr int kPortAbove = 4;
constexpr int kSlots = 16;

/* Test programs that run side by side each have a part of the ports, so that none takes what
 * another one is about to: whoever holds the slot's name, which goes with the program. */
int port_slot()
{
	static const int slot = [] {
		const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		for (int i = 0; i < kSlots; i++) {
			struct sockaddr_un un = {};
			const std::string name = "dynomite-test-ports-" + std::to_string(i);

			un.sun_family = AF_UNIX;
			name.copy(un.sun_path + 1, name.size()); /* in no directory */
			if (bind(fd, reinterpret_cast<struct sockaddr *>(&un),
				    static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) +
							   1 + name.size())) == 0)
				return i;
		}
		close(fd);
		return static_cast<int>(std::random_device{}() % kSlots);
	}();

	return slot;
}

bool can_bind(int port)
{
	struct sockaddr_in sin = {};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	sin.sin_family = AF_INET;
	sin.sin_port = htons(static_cast<uint16_t>(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ok = fd >= 0 && bind(fd, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

} // namespace

uint16_t free_port()
{
	struct sockaddr_in sin = {};
	socklen_t len = sizeof(sin);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, reinterpret_cast<struct sockaddr *>(&sin), len) != 0 ||
		getsockname(fd, reinterpret_cast<struct sockaddr *>(&sin), &len) != 0) {
		const std::string why = strerror(errno);
		if (fd >= 0)
			close(fd);
		throw std::runtime_error("no free port: " + why);
	}
	close(fd);
	return ntohs(sin.sin_port);
}

uint16_t node_port()
{
	constexpr int kTries = 1000, kPorts = (kPortMax - kPortMin) / kSlots;
	static std::mt19937_64 numbers{std::random_device{}()};
	static std::set<int> taken;

	/* Later on, the ports of nodes that have ended are free again. */
	for (int i = 0; i < 2 * kTries; i++) {
		if (i == kTries)
			taken.clear();
		const int port = kPortMin + port_slot() * kPorts +
				 static_cast<int>(numbers() % (kPorts - kPortAbove));
		if (taken.count(port) || taken.count(port + kPortAbove) || !can_bind(port) ||
			!can_bind(port + kPortAbove))
			continue;
		taken.insert({port, port + kPortAbove});
		return static_cast<uint16_t>(port);
	}
	throw std::runtime_error("no free port for a node");
}

std::string loopback(uint16_t port)
{
	return "127.0.0.1:" + std::to_string(port);
}

std::string address_beyond_loopback()
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

} // namespace support
