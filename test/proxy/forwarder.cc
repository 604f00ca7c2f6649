#include "proxy/forwarder.h"

#include "proxy/ring.h"
#include "support/joining_thread.h"

#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace e2e
{
namespace
{

using namespace support;

constexpr int kPortAbove = 4;
constexpr size_t kHeldMax = 256 * 1024;

struct sockaddr_in address_of(int port)
{
	struct sockaddr_in sin = {};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(static_cast<uint16_t>(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

int listen_on(int port)
{
	const struct sockaddr_in sin = address_of(port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, reinterpret_cast<const struct sockaddr *>(&sin), sizeof(sin)) != 0 ||
		listen(fd, 64) != 0)
		throw std::runtime_error(
			"a forwarder cannot listen on port " + std::to_string(port));
	return fd;
}

} // namespace

/* A connection through it, and what is held in each direction. */
struct Forwarder::Pipe {
	int fds[2] = {-1, -1};
	std::string held[2];             /* to be written to fds[i] */
	bool ended[2] = {false, false};  /* fds[i] will say no more */
	bool passed[2] = {false, false}; /* and fds[i] was told that the other will not */
	bool broken = false;

	~Pipe()
	{
		for (const int fd : fds)
			if (fd >= 0)
				close(fd);
	}

	bool done() const
	{
		return broken || (passed[0] && passed[1]);
	}

	short wanted(int i) const
	{
		const bool reads = !ended[i] && held[1 - i].size() < kHeldMax;

		return static_cast<short>((reads ? POLLIN : 0) | (held[i].empty() ? 0 : POLLOUT));
	}

	void take(int i)
	{
		char bytes[65536];
		const ssize_t n = recv(fds[i], bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n > 0)
			held[1 - i].append(bytes, static_cast<size_t>(n));
		else if (n == 0)
			ended[i] = true;
		else if (errno != EAGAIN && errno != EINTR)
			broken = true;
	}

	void give(int i)
	{
		const ssize_t n =
			send(fds[i], held[i].data(), held[i].size(), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			held[i].erase(0, static_cast<size_t>(n));
		else if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
			broken = true;
	}

	void work(int i, short events)
	{
		if (events & POLLIN)
			take(i);
		else if (events & (POLLERR | POLLHUP))
			broken = true;
		if (!broken && !held[i].empty() && (events & POLLOUT))
			give(i);
		if (ended[1 - i] && held[i].empty() && !passed[i]) {
			passed[i] = true;
			shutdown(fds[i], SHUT_WR);
		}
	}
};

Forwarder::Forwarder(uint16_t target) : port_(node_port()), target_(target)
{
	listen_as_told();
	if (pipe(wake_) != 0)
		throw std::runtime_error("no pipe for a forwarder");
	thread_ = JoiningThread([this] { run(); });
}

Forwarder::~Forwarder()
{
	tell(State::kEnded);
	thread_.join();
	for (const int fd : wake_)
		close(fd);
}

void Forwarder::listen_as_told()
{
	const bool wanted = state_ == State::kOpen || state_ == State::kStalled;

	for (int i = 0; i < 2; i++) {
		if (wanted && listeners_[i] < 0)
			listeners_[i] = listen_on(port_ + i * kPortAbove);
		if (!wanted && listeners_[i] >= 0) {
			close(listeners_[i]);
			listeners_[i] = -1;
		}
	}
	if (!wanted)
		pipes_.clear();
}

void Forwarder::tell(State state)
{
	const char byte = 0;

	state_ = state;
	if (write(wake_[1], &byte, 1) != 1)
		throw std::runtime_error("a forwarder cannot be woken");
}

void Forwarder::accept_from(size_t which)
{
	const int fd = accept4(listeners_[which], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const struct sockaddr_in sin = address_of(target_ + static_cast<int>(which) * kPortAbove);
	auto made = std::make_unique<Pipe>();

	if (fd < 0)
		return;
	made->fds[0] = fd;
	made->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(made->fds[1], reinterpret_cast<const struct sockaddr *>(&sin), sizeof(sin)) !=
			0 &&
		errno != EINPROGRESS)
		return;
	pipes_.push_back(std::move(made));
}

void Forwarder::turn()
{
	const bool passes = state_ == State::kOpen;
	std::vector<struct pollfd> fds = {
		{wake_[0], POLLIN, 0}, {listeners_[0], POLLIN, 0}, {listeners_[1], POLLIN, 0}};
	const size_t first = fds.size();

	for (const auto &p : pipes_)
		for (int i = 0; i < 2; i++)
			fds.push_back({passes ? p->fds[i] : -1, p->wanted(i), 0});
	if (poll(fds.data(), fds.size(), -1) <= 0)
		return;
	for (size_t n = 0; n < pipes_.size(); n++)
		for (int i = 0; i < 2; i++)
			pipes_[n]->work(i, fds[first + 2 * n + static_cast<size_t>(i)].revents);
	if (fds[0].revents) {
		char byte;
		if (read(wake_[0], &byte, 1) != 1)
			return;
	}
	for (size_t i = 0; i < 2; i++)
		if (fds[1 + i].revents)
			accept_from(i);
}

void Forwarder::run()
{
	while (state_ != State::kEnded) {
		listen_as_told();
		turn();
		for (size_t i = pipes_.size(); i-- > 0;)
			if (pipes_[i]->done())
				pipes_.erase(pipes_.begin() + static_cast<std::ptrdiff_t>(i));
	}
	listen_as_told();
}

} // namespace e2e
