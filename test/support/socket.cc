#include "support/socket.h"

#include "support/wait.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace support
{
namespace
{

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

bool wait_for(int fd, short events, Clock::time_point deadline)
{
	struct pollfd p = {fd, events, 0};

	for (;;) {
		const auto left =
			std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
		const int n = poll(&p, 1, left > 0 ? static_cast<int>(left) : 0);

		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

} // namespace

Socket::Socket(uint16_t port, int receive_bytes) : Socket("127.0.0.1", port, receive_bytes)
{
}

Socket::Socket(const std::string &host, uint16_t port, int receive_bytes)
{
	struct sockaddr_in sin = {};

	fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (receive_bytes > 0)
		setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	inet_pton(AF_INET, host.c_str(), &sin.sin_addr);
	if (fd_ < 0 ||
		connect(fd_, reinterpret_cast<const struct sockaddr *>(&sin), sizeof(sin)) != 0) {
		close(fd_);
		throw std::runtime_error("cannot connect to " + host + ":" + std::to_string(port));
	}
}

Socket::Socket(const std::string &path)
{
	struct sockaddr_un un = {};

	fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	un.sun_family = AF_UNIX;
	path.copy(un.sun_path, sizeof(un.sun_path) - 1);
	if (fd_ < 0 ||
		connect(fd_, reinterpret_cast<const struct sockaddr *>(&un), sizeof(un)) != 0) {
		close(fd_);
		throw std::runtime_error("cannot connect to " + path);
	}
}

Socket Socket::adopt(int fd)
{
	Socket s;

	s.fd_ = fd;
	return s;
}

Socket::Socket(Socket &&other) noexcept
    : fd_(other.fd_), ended_(other.ended_), ahead_(std::move(other.ahead_))
{
	other.fd_ = -1;
}

Socket::~Socket()
{
	if (fd_ >= 0)
		close(fd_);
}

bool Socket::send(const std::string &bytes, milliseconds limit)
{
	const auto deadline = Clock::now() + patient(limit);

	for (size_t at = 0; at < bytes.size();) {
		const ssize_t n = ::send(
			fd_, bytes.data() + at, bytes.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			at += static_cast<size_t>(n);
		else if (errno != EAGAIN || !wait_for(fd_, POLLOUT, deadline))
			return false;
	}
	return true;
}

size_t Socket::send_some(const std::string &bytes)
{
	size_t at = 0;

	while (at < bytes.size() && wait_for(fd_, POLLOUT, Clock::now() + milliseconds(200))) {
		const ssize_t n = ::send(
			fd_, bytes.data() + at, bytes.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += static_cast<size_t>(n);
	}
	return at;
}

void Socket::end_sending()
{
	shutdown(fd_, SHUT_WR);
}

/* Read more into ahead_; false at the end, or when nothing comes in time. */
bool Socket::fill(Clock::time_point deadline)
{
	char bytes[65536];

	if (ended_ || !wait_for(fd_, POLLIN, deadline))
		return false;
	const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
	ended_ = n <= 0;
	if (n > 0)
		ahead_.append(bytes, static_cast<size_t>(n));
	return n > 0;
}

std::string Socket::read(size_t n, milliseconds limit)
{
	const auto deadline = Clock::now() + patient(limit);

	while (ahead_.size() < n && fill(deadline))
		;
	const std::string bytes = ahead_.substr(0, n);
	ahead_.erase(0, bytes.size());
	return bytes;
}

std::string Socket::line()
{
	const auto deadline = Clock::now() + patient(kLimit);
	size_t end;

	while ((end = ahead_.find("\r\n")) == std::string::npos && fill(deadline))
		;
	return read(end == std::string::npos ? ahead_.size() : end + 2);
}

std::string Socket::read_to_end()
{
	const auto deadline = Clock::now() + patient(kLimit);

	while (fill(deadline))
		;
	if (!ended_)
		throw std::runtime_error("the connection does not end; it has said: " + ahead_);
	return read(ahead_.size());
}

bool Socket::ends(milliseconds limit)
{
	const auto deadline = Clock::now() + patient(limit);

	return ahead_.empty() && !fill(deadline) && ended_;
}

bool Socket::is_readable(milliseconds limit)
{
	return !ahead_.empty() || wait_for(fd_, POLLIN, Clock::now() + patient(limit));
}

} // namespace support
