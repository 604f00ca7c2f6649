/*
 * socket - a client that says exactly the bytes a test wants, and sees exactly what is answered.
 *
 * Each wait has a deadline (support/wait.h); what did not come in time is missing from what is
 * returned.
 */
#ifndef TEST_SUPPORT_SOCKET_H
#define TEST_SUPPORT_SOCKET_H

#include <chrono>
#include <cstdint>
#include <string>

namespace support
{

class Socket
{
      public:
	/* Connect, by default to 127.0.0.1; with receive_bytes, by a socket that holds no
	 * more than about that much.  Throws std::runtime_error. */
	explicit Socket(uint16_t port, int receive_bytes = 0);
	Socket(const std::string &host, uint16_t port, int receive_bytes = 0);
	explicit Socket(const std::string &path);
	/* Take over a connection. */
	static Socket adopt(int fd);
	~Socket();
	Socket(Socket &&other) noexcept;
	Socket(const Socket &) = delete;
	Socket &operator=(const Socket &) = delete;

	int fd() const
	{
		return fd_;
	}

	/* All of it, or false when the other side closed or did not take it in time. */
	bool send(const std::string &bytes, std::chrono::milliseconds limit = kLimit);
	/* What it takes within a moment: the number of bytes. */
	size_t send_some(const std::string &bytes);
	void end_sending();

	/* The next n bytes, or those up to the end of the connection. */
	std::string read(size_t n, std::chrono::milliseconds limit = kLimit);
	/* Up to and with the next CRLF. */
	std::string line();
	/* All up to the end of the connection; fails when it does not end. */
	std::string read_to_end();
	/* Whether the connection ends, and no byte comes before that. */
	bool ends(std::chrono::milliseconds limit = kLimit);
	/* Whether something can be read, or the connection has ended. */
	bool is_readable(std::chrono::milliseconds limit);

      private:
	static constexpr std::chrono::milliseconds kLimit = std::chrono::seconds(20);
	int fd_ = -1;
	bool ended_ = false;
	std::string ahead_;

	Socket() = default;
	bool fill(std::chrono::steady_clock::time_point deadline);
};

} // namespace support

#endif
