#include "support/http.h"

namespace support
{

Http read_http(Socket &s, std::chrono::milliseconds limit)
{
	const std::string all = s.read(SIZE_MAX, limit);
	const size_t end = all.find("\r\n\r\n");
	Http answer;

	if (all.rfind("HTTP/1.", 0) != 0 || end == std::string::npos)
		return answer;
	answer.code = std::stoi(all.substr(9, 3));
	answer.head = all.substr(0, end + 2);
	answer.body = all.substr(end + 4);
	return answer;
}

Http http(uint16_t port, const std::string &path, const std::string &headers,
	const std::string &host, const std::string &method)
{
	Socket s(host, port);

	s.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
	return read_http(s);
}

} // namespace support
